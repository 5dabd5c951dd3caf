// Fills the demo's tables with sixty projects, over a thousand tasks, comments, and a long list of parts. Invariant: always the same rows, and only
// once: existing rows are left alone, and of several nodes that start at once one fills.
import type { Knex } from 'knex'
import { migrate } from 'noclobber/migrations'
import { PEOPLE, type Person } from './people.ts'
import { ACME_PROJECTS, GLOBEX_PROJECTS, type ProjectSeed, type ProjectStatus } from './seed-projects.ts'
import { ASSIGNEES, COMMENTS, NOTES, TASK_TITLES } from './seed-tasks.ts'
import { track, up, upParts } from './tables.ts'

type Row = Record<string, unknown>
type Rows = { projects: Row[]; tasks: Row[]; comments: Row[] }

const DAY_MS = 86_400_000
const PRIORITIES = [
  'normal',
  'low',
  'normal',
  'high',
  'normal',
  'urgent',
  'low',
  'normal',
  'high',
  'normal',
  'normal',
]

const pick = <T>(list: readonly T[], index: number): T => list[index % list.length] as T

/** How many of twenty tasks are finished; `step` makes active projects differ. */
const finishedTasks = (status: ProjectStatus, step: number): number =>
  ({ planned: step % 3, active: 4 + ((step * 7) % 11), on_hold: 3 + (step % 4), done: 20 })[status]

const taskStatus = (position: number, finished: number, project: ProjectStatus): string => {
  if (position < finished) return 'done'
  if (project === 'planned' || project === 'on_hold') return 'todo'
  return ['review', 'in_progress', 'in_progress'][position - finished] ?? 'todo'
}

const dayBetween = (from: string, to: string, share: number): string => {
  const start = Date.parse(from)
  const due = new Date(start + Math.round(((Date.parse(to) - start) * share) / DAY_MS) * DAY_MS)
  const weekend = { 0: 1, 6: 2 }[due.getUTCDay()] ?? 0
  return new Date(due.getTime() + weekend * DAY_MS).toISOString().slice(0, 10)
}

const projectRow = (seed: ProjectSeed, id: number, tenantId: string): Row => {
  const [name, client, , status, starts_on, ends_on, budget, description] = seed
  const number = `${starts_on.slice(2, 4)}-${String(100 + ((id * 37) % 900)).padStart(3, '0')}`
  const notes = pick(NOTES[status] ?? [], id).replaceAll('{client}', client)
  return {
    id,
    tenant_id: tenantId,
    name,
    number,
    client,
    status,
    starts_on,
    ends_on,
    budget,
    description,
    notes,
  }
}

const taskRows = (seed: ProjectSeed, projectId: number, tenantId: string): Row[] => {
  const [, , kind, projectStatus, startsOn, endsOn] = seed
  const finished = finishedTasks(projectStatus, projectId)
  return TASK_TITLES[kind].map((title, position) => {
    const status = taskStatus(position, finished, projectStatus)
    const mix = projectId * 13 + position * 5
    return {
      tenant_id: tenantId,
      project_id: projectId,
      title,
      status,
      assignee: status === 'todo' && mix % 4 === 0 ? null : pick(ASSIGNEES[tenantId] ?? [], mix),
      priority: pick(PRIORITIES, mix),
      due_on: dayBetween(startsOn, endsOn, (position + 1) / 20),
      estimate_hours: 4 + ((mix * 17) % 38) + (mix % 2 ? 0.5 : 0),
    }
  })
}

const commentRows = (projectId: number, tenantId: string): Row[] =>
  [0, 1, 2].map((turn) => ({
    tenant_id: tenantId,
    project_id: projectId,
    body: pick(COMMENTS, projectId * 3 + turn),
  }))

const numbered = (rows: Row[], projectsBefore: number, each: number): Row[] =>
  rows.map((row, index) => ({ id: projectsBefore * each + index + 1, ...row }))

const rowsOf = (seeds: readonly ProjectSeed[], projectsBefore: number, tenantId: string): Rows => {
  const projects = seeds.map((seed, index) => ({ seed, id: projectsBefore + index + 1 }))
  const tasks = projects.flatMap(({ seed, id }) => taskRows(seed, id, tenantId))
  const comments = projects.flatMap(({ id }) => commentRows(id, tenantId))
  return {
    projects: projects.map(({ seed, id }) => projectRow(seed, id, tenantId)),
    tasks: numbered(tasks, projectsBefore, 20),
    comments: numbered(comments, projectsBefore, 3),
  }
}

/** Deals rows out to the people who are to have written them. */
const share = (rows: Row[], people: readonly Person[], turn: number) =>
  rows.filter((_, index) => index % people.length === turn)

const insertAs = async (trx: Knex.Transaction, person: Person, table: string, rows: Row[]): Promise<void> => {
  const actor = JSON.stringify({ id: person.id, name: person.name, kind: 'user' })
  await trx.raw(`select set_config('noclobber.actor', ?, true)`, [actor])
  await trx.batchInsert(table, rows, 1_000)
}

const fill = async (trx: Knex.Transaction): Promise<void> => {
  const tenants = [
    { id: 'acme', rows: rowsOf(ACME_PROJECTS, 0, 'acme') },
    { id: 'globex', rows: rowsOf(GLOBEX_PROJECTS, ACME_PROJECTS.length, 'globex') },
  ]
  for (const { id, rows } of tenants) {
    const writers = PEOPLE.filter(({ tenantId, role }) => tenantId === id && role === 'editor')
    for (const table of ['projects', 'tasks', 'comments'] as const) {
      for (const [turn, writer] of writers.entries())
        await insertAs(trx, writer, table, share(rows[table], writers, turn))
    }
  }
  for (const table of ['projects', 'tasks', 'comments']) {
    await trx.raw(`select setval(pg_get_serial_sequence(:table, 'id'), (select max(id) from :table:))`, {
      table,
    })
  }
}

/**
 * Brings a database to where the demo can start: the change log, the demo's tables, and its rows where there are none.
 * Safe at every start, and for several nodes at once.
 *
 * @param parts How many parts each tenant has.
 */
export const prepareDatabase = async (knex: Knex, { parts = 1_000 } = {}): Promise<void> => {
  await migrate(knex)
  await knex.transaction(async (trx) => {
    await trx.raw('lock table noclobber_migrations in share row exclusive mode')
    const tables = await trx.raw(`select to_regclass('projects') is not null as there`)
    const values = await trx.raw(
      `select exists (select from pg_trigger where tgname like 'zz_noclobber_values%') as there`,
    )
    if (!tables.rows[0].there) await up(trx)
    else if (!values.rows[0].there) await track(trx)
    const projects = await trx.raw('select exists (select from projects) as there')
    if (!projects.rows[0].there) await fill(trx)
    const long = await trx.raw(`select to_regclass('parts') is not null as there`)
    if (!long.rows[0].there) await upParts(trx, parts)
  })
}
