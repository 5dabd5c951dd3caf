// The side panel's buttons: a colleague or an agent who saves, and a program that writes SQL on its own connection. Both use the
// real ways in, so the page shows real events.
import express, { Router } from 'express'
import type { Actor, RecordServer } from 'noclobber/server'
import pg from 'pg'
import { agentOf, colleagueOf, type Person } from './people.ts'
import { refuse, sameOrigin } from './problem.ts'
import { isEditor, personOf } from './sessions.ts'

const STATUSES = ['planned', 'active', 'on_hold', 'done']
const RAISE_BUDGET =
  'update projects set budget = coalesce(budget, 0) + 1000 where id = $1 and tenant_id = $2'
const ATTEMPTS = 5

type Act = 'status' | 'rename'

/** "Harbour bridge" → "Harbour bridge, lot 2" → "Harbour bridge, lot 3". */
const renamed = (name: string): string => {
  const [, plain = name, lot = '1'] = /^(.*), lot (\d{1,3})$/s.exec(name) ?? []
  return `${plain.slice(0, 190)}, lot ${Number(lot) + 1}`
}

const changesOf = (act: Act, fields: Record<string, unknown>) =>
  act === 'rename'
    ? { name: renamed(String(fields.name)) }
    : { status: STATUSES[(STATUSES.indexOf(String(fields.status)) + 1) % STATUSES.length] }

/** Reads and saves as the colleague would, from the version that was read; again where somebody was quicker. */
const playColleague = async (records: RecordServer, actor: Actor, act: Act, id: string): Promise<boolean> => {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const read = await records.read('project', id, { actor })
    if (read.outcome !== 'found') return false
    const { version, fields } = read.record
    const saved = await records.save('project', id, {
      actor,
      clientVersion: version,
      changes: changesOf(act, fields),
    })
    if (saved.outcome === 'saved') return true
    if (saved.outcome !== 'conflict') return false
  }
  return false
}

/** What anybody with psql could do: the record server knows nothing of this connection. */
const writeBySql = async (databaseUrl: string, person: Person, id: string): Promise<boolean> => {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'somebody with psql' })
  await client.connect()
  try {
    const { rowCount } = await client.query(RAISE_BUDGET, [id, person.tenantId])
    return rowCount === 1
  } finally {
    await client.end()
  }
}

/** The user who has it done must see the project themselves. */
const isThere = async (records: RecordServer, person: Person, id: string) =>
  (await records.read('project', id, { actor: person })).outcome === 'found'

/** `POST /demo/play {"act":"status"|"rename"|"agent"|"sql","id":"1"}`, for editors, on projects that they see. */
export const playRoutes = (records: RecordServer, databaseUrl: string): Router => {
  const routes = Router()
  routes.post('/play', sameOrigin, express.json(), async (request, response) => {
    const person = personOf(request)
    if (!isEditor(person, response)) return
    const { act, id } = request.body ?? {}
    if (!['status', 'rename', 'agent', 'sql'].includes(act) || !/^[1-9]\d{0,8}$/.test(id)) {
      return refuse(
        response,
        400,
        'malformed',
        'Not understood',
        'Give an act (status, rename, agent or sql) and an id.',
      )
    }
    const isSql = act === 'sql'
    const isDone = !(await isThere(records, person, id))
      ? false
      : isSql
        ? await writeBySql(databaseUrl, person, id)
        : act === 'agent'
          ? await playColleague(records, agentOf(person), 'status', id)
          : await playColleague(records, colleagueOf(person), act, id)
    if (!isDone) return refuse(response, 404, 'not_found', 'Not found', 'There is no such project.')
    response.json({
      data: isSql ? { sql: RAISE_BUDGET.replace('$1', id).replace('$2', `'${person.tenantId}'`) } : {},
    })
  })
  return routes
}
