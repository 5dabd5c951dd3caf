// The log follows a table: to the name that it has now, to the names of its columns, and to being without tenants.
// Invariant: a change's values stand under the name that its column has now; what isn't known to be a new name of an old column is left.
import type { Knex } from 'knex'
import { isFormerName, tagOf } from './owned-columns.ts'
import { asIs, quoteTable, quoteText } from './quote.ts'
import { TRIGGER_ARGUMENTS } from './trigger-arguments.ts'

/** A tracked table, its name in the log, and the trigger that keeps what it was tracked with. */
interface Named {
  table: string
  source: string
  stamp: string
}

const TENANT_OF = `select (${TRIGGER_ARGUMENTS})[2] as tenant from pg_trigger g
  where g.tgrelid = to_regclass(?) and g.tgname = ?`

/** Readers look for the changes of a table without tenants under the table: also for those from when it had some. */
export const forgetTenants = async (knex: Knex, { table, source, stamp }: Named) => {
  const [before] = (await knex.raw(TENANT_OF, [quoteTable(table), stamp])).rows
  if (!before?.tenant) return
  for (const log of ['record_changes', 'change_batches'])
    await knex.raw(
      `update noclobber.${log} set tenant_id = null where table_name = ? and tenant_id is not null`,
      [source],
    )
}

const ARGUMENTS_OF = `select ${TRIGGER_ARGUMENTS} as args from pg_trigger g
  where g.tgrelid = to_regclass(?) and g.tgname = ?`

/** The names in the log that no table has now. */
const FORMER = `
with recursive names(name) as (
  select pg_catalog.min(c.table_name) from noclobber.record_changes c
  union all
  select (select pg_catalog.min(c.table_name) from noclobber.record_changes c where c.table_name > n.name) from names n where n.name is not null)
select n.name from (select name from names union select b.table_name from noclobber.change_batches b) n
where not exists (select from pg_class c join pg_namespace s on s.oid = c.relnamespace where s.nspname || '.' || c.relname = n.name)`

/** The log of a table that was renamed, or moved to another schema, goes on under its name as it is now. */
export const followName = async (knex: Knex, { table, source, stamp }: Named) => {
  const [{ args }] = [...(await knex.raw(ARGUMENTS_OF, [quoteTable(table), stamp])).rows, { args: [] }]
  if (!isFormerName(source, args)) return
  const former = (await knex.raw(FORMER)).rows.find(
    ({ name }: { name: string | null }) => name !== null && tagOf(name, args) === args[4],
  )
  if (!former) return
  for (const log of ['record_changes', 'change_batches', 'proposals', 'imports', 'retentions'])
    await knex.raw(`update noclobber.${log} set table_name = ? where table_name = ?`, [source, former.name])
}

const COLUMNS = `
select to_regclass(:table)::oid::text as oid, (select pg_catalog.jsonb_object_agg(a.attnum, a.attname) from pg_attribute a
    where a.attrelid = to_regclass(:table) and a.attnum > 0 and not a.attisdropped)::text as columns,
  (select obj_description(g.oid, 'pg_trigger') from pg_trigger g where g.tgrelid = to_regclass(:table) and g.tgname = :stamp) as noted`

const read = async (knex: Knex, { table, stamp }: Named) => {
  const { oid, columns, noted } = (await knex.raw(COLUMNS, { table: quoteTable(table), stamp })).rows[0]
  return {
    oid: String(oid),
    columns: JSON.parse(columns) as Record<string, string>,
    noted: noted as string | null,
  }
}

const parsed = (noted: string | null): { oid?: string; columns?: Record<string, string> } => {
  try {
    return JSON.parse(noted ?? '{}') ?? {}
  } catch {
    return {}
  }
}

const WAS = 'cast(:was as text)'
const NOW = 'cast(:now as text)'
const has = (column: string) => `c.${column} \\? ${WAS}`

/** A key of a jsonb under its new name. */
const renamedIn = (column: string) =>
  `${column} = case when ${has(column)} then c.${column} - ${WAS} || pg_catalog.jsonb_build_object(${NOW}, c.${column}->${WAS}) else c.${column} end`

/** What of a log is by the names of columns, beside the changed fields. */
const NAMING: Record<string, string[]> = {
  record_changes: ['changed_values', 'old_row', 'scopes'],
  change_batches: ['scopes'],
}

/**
 * Columns that were renamed since the table was tracked. A restored dump numbers a table's columns anew, and the table too: then nothing is
 * known of it.
 */
export const followColumns = async (knex: Knex, named: Named): Promise<void> => {
  const { oid, columns, noted } = await read(knex, named)
  const before = parsed(noted)
  if (before.oid !== oid) return
  const [names, formerNames] = [Object.values(columns), Object.values(before.columns ?? {})]
  for (const [number, was] of Object.entries(before.columns ?? {})) {
    const now = columns[number]
    if (now === undefined || names.includes(was) || formerNames.includes(now)) continue
    for (const [log, objects] of Object.entries(NAMING))
      await knex.raw(
        `update noclobber.${log} c set ${objects.map(renamedIn).join(', ')}, changed_fields = pg_catalog.array_replace(c.changed_fields, ${WAS}, ${NOW})
        where c.table_name = :source and (${objects.map(has).join(' or ')} or ${WAS} = any(c.changed_fields))`,
        { source: named.source, was, now },
      )
  }
}

/** Notes how its columns are called, with the trigger. */
export const noteColumns = async (knex: Knex, named: Named): Promise<void> => {
  const { oid, columns } = await read(knex, named)
  const note = quoteText(JSON.stringify({ oid, columns }))
  await knex.raw(asIs(`comment on trigger ${named.stamp} on ${quoteTable(named.table)} is ${note}`))
}
