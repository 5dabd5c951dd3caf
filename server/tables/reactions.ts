// What stands behind a table: the table whose parts its rows are; and what goes on with a write besides our triggers: the app's
// own, on the table, its partitions and what it is part of, and foreign keys that cascade.
import { PART_TRIGGER } from '../../migrations/parts.ts'
import { quoteName } from '../../migrations/quote.ts'
import { keyColumns } from '../../migrations/record-key.ts'
import { treeOf } from '../../migrations/supported.ts'
import { TRIGGER_ARGUMENTS } from '../../migrations/trigger-arguments.ts'
import type { ColumnNames } from '../base/column-names.ts'

/** Whose parts a table's rows are, as it was tracked. */
export interface PartOf {
  /** What the columns go by that hold the parent's key, in the key's order. */
  columns: readonly string[]
  /** Those columns, quoted for SQL. */
  sql: readonly string[]
  /** `schema.table` as the log writes it. */
  source: string
  /** Quoted for SQL. */
  table: string
  /** The columns of its key, and their types as SQL. */
  keys: readonly { name: string; type: string }[]
  tenantColumn: string | null
  /** May the server's role lock the parent's rows? That takes the right to update them. */
  isLockable: boolean
}

/** Of a trigger of parts with the arguments `p.args`: may the role read the parent's key and tenant, and which of them are gone? */
export const PARENT_COLUMNS = `(select bool_and(has_column_privilege(a.attrelid, a.attnum, 'select')) as selectable,
    pg_catalog.array_agg(k.name) filter (where a.attnum is null) as gone
  from pg_catalog.unnest(case when strpos(p.args[6], '{') = 1 then p.args[6]::text[] else array[p.args[6]] end
    || pg_catalog.array_remove(array[p.args[7]], '')) k(name)
  left join pg_attribute a on a.attrelid = to_regclass(p.args[4]) and a.attname = k.name and not a.attisdropped)`

/** The arguments stand in the order in which `trackPart` of the migrations gives them. */
export const partOf = (
  part: { args: string[]; selectable: boolean; gone: string[] | null; lockable: boolean } | null,
  { fieldOf }: ColumnNames,
  fail: (why: string) => never,
): PartOf | null => {
  if (!part) return null
  const [, column = '', , table = '', source = '', key = '', tenant = '', , keyType = ''] = part.args
  if (part.gone)
    return fail(
      `its rows are parts of ${source} by its ${part.gone.join(', ')}, which is gone or has another name. Untrack this one, then track ${source} and this one again.`,
    )
  if (!part.selectable)
    return fail(`its rows are parts of ${source}, which this role may not read: GRANT SELECT on it.`)
  const [own, types] = [keyColumns(column), keyColumns(keyType)]
  return {
    columns: own.map(fieldOf),
    sql: own.map(quoteName),
    source,
    table,
    keys: keyColumns(key).map((name, at) => ({ name, type: types[at] as string })),
    tenantColumn: tenant || null,
    isLockable: part.lockable,
  }
}

/** What a trigger fires for. */
export type WriteEvent = 'insert' | 'update' | 'delete'

/** Of `pg_trigger.tgtype`. */
const FIRES_ON: Record<WriteEvent, number> = { insert: 4, update: 16, delete: 8 }

export interface Reactions {
  /** Writes after which the row may be at a later version, gone, or not written at all. */
  reactsTo: Set<WriteEvent>
  /** Some of the triggers run at the end of the transaction. */
  reactsLate: boolean
}

/** Triggers of the app on a table, as its oid, or on its partitions. */
const ownTriggers = (relation: string) => `pg_trigger g where (g.tgrelid = ${relation}
  or g.tgrelid in ${treeOf(relation)}) and not g.tgisinternal
  and not starts_with(g.tgname, 'zz_noclobber_') and g.tgenabled in ('O', 'A')`

/** What {@link REACTIONS} selects. */
export interface ReactionsRow {
  fires: number
  fires_late: boolean
  cascades: boolean
  parent_fires: boolean
}

/** Expressions of a SELECT about the relation `c` of `pg_class`. */
export const REACTIONS = `(select coalesce(bit_or(g.tgtype::integer), 0) from ${ownTriggers('c.oid')}) as fires,
  exists (select from ${ownTriggers('c.oid')} and g.tginitdeferred) as fires_late,
  exists (select from pg_constraint k join pg_index i on i.indrelid = c.oid and i.indisprimary
    where k.contype = 'f' and k.confrelid = c.oid and k.confupdtype in ('c', 'n', 'd')
      and not k.confkey operator(pg_catalog.<@) i.indkey::smallint[]) as cascades,
  exists (select from (select to_regclass(${TRIGGER_ARGUMENTS}[4]) as parent from pg_trigger g
      where g.tgrelid = c.oid and g.tgname = '${PART_TRIGGER}') q,
    lateral (select from ${ownTriggers('q.parent')} limit 1) r) as parent_fires`

export const reactionsOf = (row: ReactionsRow): Reactions => ({
  reactsTo: new Set(
    (Object.keys(FIRES_ON) as WriteEvent[]).filter(
      (event) =>
        (row.fires & FIRES_ON[event]) !== 0 || row.parent_fires || (event === 'update' && row.cascades),
    ),
  ),
  reactsLate: row.fires_late,
})
