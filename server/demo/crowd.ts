// Load for the long tables: an import of ten thousand tasks, and a simulated colleague who edits at a chosen rate. Both
// write by SQL and by guarded saves; the page learns of them only through events.
import express, { Router } from 'express'
import type { Knex } from 'knex'
import type { RecordServer } from 'noclobber/server'
import { colleagueOf, type Person } from './people.ts'
import { refuse, sameOrigin } from './problem.ts'
import { isEditor, personOf } from './sessions.ts'

const MOST_TASKS = 20_000
const FASTEST = 20
const LONGEST_S = 120
const MOST_PARTS = 100
const STATUSES = ['todo', 'in_progress', 'review', 'done']

/** Parts of the tasks that are there, until there are so many. */
const FILL = `
insert into tasks (tenant_id, project_id, title, status, assignee, priority, due_on, estimate_hours)
select t.tenant_id, t.project_id, t.title || ', part ' || n, (array['todo', 'in_progress', 'review', 'done'])[1 + (t.id + n) % 4],
  t.assignee, t.priority, t.due_on + n * 3 % 40, t.estimate_hours
from tasks t cross join generate_series(2, 200) n
where t.tenant_id = :tenant and t.title !~ ', part [0-9]+$'
order by n, t.id limit greatest(0, :count - (select count(*) from tasks where tenant_id = :tenant))`

const fillTasks = (knex: Knex, tenantId: string, count: number): Promise<number> =>
  knex.transaction(async (trx) => {
    const actor = JSON.stringify({ id: 'tasks', name: 'tasks.csv', kind: 'import' })
    await trx.raw(`select set_config('noclobber.actor', ?, true)`, [actor])
    return (await trx.raw(FILL, { tenant: tenantId, count })).rowCount
  })

/** One edit of one task, wherever it is. Somebody was quicker: then the next one. */
const editSomeTask = async (records: RecordServer, knex: Knex, actor: Person, turn: number) => {
  const [row] = await knex('tasks')
    .select('id')
    .where({ tenant_id: actor.tenantId })
    .orderByRaw('random()')
    .limit(1)
  if (!row) return
  const id = String(row.id)
  const read = await records.read('task', id, { actor })
  if (read.outcome !== 'found') return
  const { version, fields } = read.record
  const next = STATUSES[(STATUSES.indexOf(String(fields.status)) + 1) % STATUSES.length]
  const changes = turn % 2 ? { status: next } : { estimate_hours: (Number(fields.estimate_hours) + 1) % 80 }
  await records.save('task', id, { actor, clientVersion: version, changes })
}

/** One movement of stock, of one of these parts. */
const moveStock = async (records: RecordServer, actor: Person, ids: readonly string[], turn: number) => {
  const id = ids[(turn * 7) % ids.length] as string
  const read = await records.read('part', id, { actor })
  if (read.outcome !== 'found') return
  const stock = Math.max(0, Number(read.record.fields.stock) + (turn % 3 ? -1 : 12))
  await records.save('part', id, { actor, clientVersion: read.record.version, changes: { stock } })
}

const idsIn = (value: unknown): string[] | null =>
  Array.isArray(value) && value.length <= MOST_PARTS && value.every((id) => /^[1-9]\d{0,8}$/.test(id))
    ? value
    : null

const numberIn = (value: unknown, most: number): number | null =>
  Number.isInteger(value) && (value as number) >= 1 && (value as number) <= most ? (value as number) : null

/**
 * `POST /demo/tasks {"count":10000}` fills the table up to so many tasks; `POST /demo/busy {"rate":5,"seconds":30}` lets
 * the colleague edit tasks, or with `"parts":["7","8"]` the stock of these parts; `DELETE /demo/busy` lets them rest.
 */
export const createCrowd = (records: RecordServer, knex: Knex): { routes: Router; stop(): void } => {
  const routes = Router()
  const busy = new Map<string, NodeJS.Timeout>()
  const rest = (tenantId: string) => {
    clearInterval(busy.get(tenantId))
    busy.delete(tenantId)
  }

  routes.post('/tasks', sameOrigin, express.json(), async (request, response) => {
    const person = personOf(request)
    const count = numberIn(request.body?.count, MOST_TASKS)
    if (!isEditor(person, response)) return
    if (count === null)
      return refuse(response, 400, 'malformed', 'Not understood', `Give a count from 1 to ${MOST_TASKS}.`)
    response.json({ data: { made: await fillTasks(knex, person.tenantId, count) } })
  })

  routes.post('/busy', sameOrigin, express.json(), (request, response) => {
    const person = personOf(request)
    const rate = numberIn(request.body?.rate, FASTEST)
    const seconds = numberIn(request.body?.seconds, LONGEST_S)
    const parts = idsIn(request.body?.parts ?? [])
    if (!isEditor(person, response)) return
    if (rate === null || seconds === null || parts === null)
      return refuse(response, 400, 'malformed', 'Not understood', 'Give a rate and for how many seconds.')
    const { tenantId } = person
    rest(tenantId)
    let left = rate * seconds
    const edit = () => {
      left -= 1
      if (left <= 0) rest(tenantId)
      const colleague = colleagueOf(person)
      const edited =
        parts.length > 0
          ? moveStock(records, colleague, parts, left)
          : editSomeTask(records, knex, colleague, left)
      edited.catch(() => rest(tenantId))
    }
    busy.set(tenantId, setInterval(edit, 1000 / rate))
    response.json({ data: { name: colleagueOf(person).name } })
  })

  routes.delete('/busy', sameOrigin, (request, response) => {
    const person = personOf(request)
    if (!isEditor(person, response)) return
    rest(person.tenantId)
    response.json({ data: {} })
  })
  return {
    routes,
    stop: () => {
      for (const tenantId of [...busy.keys()]) rest(tenantId)
    },
  }
}
