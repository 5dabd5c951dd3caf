// What must hold of a tracked table whatever wrote it: each changed row has a new version, each version is in the log once, in order, with
// the fields that changed, and what is gone is logged as deleted.
import type { Knex } from 'knex'

/** A row as it is; without the columns of the triggers. */
interface Row {
  version: number
  fields: Record<string, unknown>
}
/** The rows of a table, by id. */
export const rowsOf = async (knex: Knex, table = 't'): Promise<Map<string, Row>> => {
  const { rows } = await knex.raw(
    `select id::text, version::int, to_jsonb(t) - array['version', 'updated_at', 'updated_by'] as fields from ${table} t`,
  )
  return new Map<string, Row>(rows.map(({ id, ...row }: Row & { id: string }) => [id, row]))
}
interface Logged {
  id: string
  version: number
  event: string
  fields: string[]
}
/** What is logged of a table, by id. */
export const logOf = async (knex: Knex, source = 'public.t'): Promise<Map<string, Logged[]>> => {
  const { rows } = await knex.raw(
    `select record_id as id, version::int, event, changed_fields as fields
     from noclobber.changes where table_name = ? order by seq`,
    [source],
  )
  const log = new Map<string, Logged[]>()
  for (const change of rows as Logged[]) log.set(change.id, [...(log.get(change.id) ?? []), change])
  return log
}

/** What doesn't hold of a table that was so before; empty where all does. */
export const brokenBy = async (
  knex: Knex,
  before: Map<string, Row>,
  { table = 't', source = 'public.t' } = {},
): Promise<string[]> => {
  const [after, log] = [await rowsOf(knex, table), await logOf(knex, source)]
  const broken: string[] = []
  for (const [id, changes] of log)
    for (const [at, { version }] of changes.entries())
      if (at > 0 && version <= (changes[at - 1]?.version ?? 0))
        broken.push(`${id}: ${version} is logged behind ${changes[at - 1]?.version}`)
  for (const id of new Set([...before.keys(), ...after.keys()])) {
    const [was, is, changes] = [before.get(id), after.get(id), log.get(id) ?? []]
    const last = changes.at(-1)
    if (is ? last?.version !== is.version || last.event === 'deleted' : last?.event !== 'deleted')
      broken.push(`${id} is at ${is?.version}, and logged as ${last?.event} at ${last?.version}`)
    if (!was || !is) continue
    const differing = Object.keys(is.fields).filter(
      (name) => name in was.fields && JSON.stringify(is.fields[name]) !== JSON.stringify(was.fields[name]),
    )
    if (
      differing.length === 0 &&
      is.version !== was.version &&
      Object.keys(is.fields).every((name) => name in was.fields)
    )
      broken.push(`${id} has version ${is.version} of what ${was.version} was`)
    if (differing.length > 0 && is.version <= was.version)
      broken.push(`${id} was changed at version ${is.version}`)
    const since = changes.filter(({ version }) => version > was.version)
    if (since.some(({ event }) => event === 'created')) continue
    for (const name of differing)
      if (!since.some(({ fields }) => fields.includes(name)))
        broken.push(`${id} was changed, and its ${name} is not logged`)
  }
  return broken
}
