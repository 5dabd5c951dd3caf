// One field in SQL: how it is selected, under which name its value comes, and what it is set to.
// Invariant: a column may have any name that PostgreSQL takes. Where it is no plain one, or could be taken for one of ours,
// its value comes under a name made of its digest, so that no name means two things in a row.
import { createHash } from 'node:crypto'
import { quoteName, quoteText } from '../../migrations/quote.ts'
import { STAMP_TRIGGER, UPDATE_TRIGGER } from '../../migrations/track-table.ts'
import { UNSTAMPED } from '../base/setup-error.ts'
import type { Column, TrackedType } from './catalogue.ts'

const ORDINARY = /^(?!noclobber|constructor$|field_[0-9a-f]{16}$)[a-z][a-zA-Z0-9_]*$/

/** The name of a field's value in a row, and in stored responses. */
export const aliasOf = (name: string): string =>
  ORDINARY.test(name) ? name : `field_${createHash('md5').update(name).digest('hex').slice(0, 16)}`

type Columns = Pick<TrackedType, 'columns' | 'names'>

/** A column, quoted, by what it goes by. */
export const columnSql = (
  { names }: { names: Pick<TrackedType['names'], 'columnOf'> },
  name: string,
): string => quoteName(names.columnOf(name))

/** A field's value as its column's codec selects it, of the table as `t`. */
export const fieldExpression = (tracked: Columns, name: string): string =>
  (tracked.columns.get(name) as Column).codec.select(`t.${columnSql(tracked, name)}`)

/** What a SET gives a field: the parameter, or the value that it has where both are the same on the wire. */
export const fieldValue = (tracked: Columns, name: string, parameter: string): string => {
  const { codec, cast } = tracked.columns.get(name) as Column
  const column = `t.${columnSql(tracked, name)}`
  if (codec.isComparing) return codec.ofType(column, codec.kept(column, `${parameter}::${cast}`))
  return codec.asksType ? codec.ofType(column, `${parameter}::${cast}`) : parameter
}

/** Compared byte by byte: a column's collation may take different texts for equal. */
const TEXTS = new Set(['text', 'varchar', 'bpchar', 'name'])
/** Types that a write rounds to what the column takes. */
const ROUNDED = /^(numeric|time|timetz|timestamp|timestamptz|interval)$/

/** SQL of whether a field would stay as it is, on the wire, if it were set to a parameter. */
export const isSameField = (tracked: Columns, name: string, parameter: string): string => {
  const { codec, cast, exact, type } = tracked.columns.get(name) as Column
  const column = `t.${columnSql(tracked, name)}`
  const value = `${parameter}::${ROUNDED.test(type) ? exact : cast}`
  if (TEXTS.has(type)) return `${column} collate "C" is not distinct from ${value} collate "C"`
  return `${codec.select(column)} is not distinct from ${codec.select(`(${codec.kept(column, value)})`)}`
}

/** The text of a column as the log and the rooms write it, whatever the session's settings are. */
export const fieldText = (tracked: Columns, name: string): string =>
  `(${fieldExpression(tracked, name)})::text`

/** By the role that the session has for replication, PostgreSQL fires those that are enabled for it, and those enabled always. */
const FIRES = `g.tgenabled in ('A', case when pg_catalog.current_setting('session_replication_role') = 'replica' then 'R'::"char" else 'O' end)`

const orFail = (relation: string, further = '') =>
  `case when exists (select from pg_catalog.pg_trigger g where g.tgrelid = ${relation}
  and g.tgname = '${STAMP_TRIGGER}' and ${FIRES}${further}) then true else pg_catalog.concat('${UNSTAMPED} ', ${relation})::boolean end`

/**
 * PostgreSQL gives a partition the triggers for its rows when it is attached, and `trackTable` those for statements afterwards. Without
 * these, a row of before may have another content than somebody saw at its version.
 */
const CAME_LATER = `
  and (exists (select from pg_catalog.pg_trigger s where s.tgrelid = t.tableoid and s.tgname = '${UPDATE_TRIGGER}')
    or age(t.xmin) < age(g.xmin) or t.xmin = g.xmin and t.cmin::text::bigint > g.cmin::text::bigint)`

/**
 * A condition on the row `t` that is about to be written: true where a trigger stamps it, else an error, see {@link UNSTAMPED}. A table
 * may be made anew, or its triggers switched off, after it was looked up: two saves of one version would both pass. An update that says
 * what it changes is held against its version instead, see `sentChangeSet`.
 */
export const isStamped = ({ isPartitioned }: Pick<TrackedType, 'isPartitioned'>): string =>
  orFail('t.tableoid', isPartitioned ? CAME_LATER : '')

/** The same of a row that is to be made in a table. */
export const isStampedIn = (table: string): string => orFail(`${quoteText(table)}::regclass`)
