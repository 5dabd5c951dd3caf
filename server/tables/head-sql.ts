// What a record has beside its fields, as SQL: its id, its version, its time, its writer, of the table as `t`.
// An id of one column is that column. Of several it is a text made of theirs, see record-id.ts; conditions take it apart, so that
// they use the key's index. What is compared with an id is one in its canonical form, so its parts can be cast.
// Invariant: a table's column is read as it is; what the table has no column for comes from the log's row of that version. That
// row isn't there yet in the RETURNING of the write that makes it: there the writer is the one that the statement names itself.
import { NAMES } from '../../migrations/functions/writer-setting.ts'
import { quoteName, quoteText } from '../../migrations/quote.ts'
import { idText } from '../../migrations/record-key.ts'
import { utcText } from '../db/iso-time.ts'
import type { Column, TrackedType } from './catalogue.ts'
import { columnSql } from './field-sql.ts'

interface Keyed {
  key: Pick<TrackedType['key'], 'names'>
  columns: ReadonlyMap<string, Pick<Column, 'type' | 'cast'>>
  names: Pick<TrackedType['names'], 'columnOf'>
}

export interface IdSql {
  text: string
  /** The id as the statement's other parts compare it: of one column its value, of several the text. */
  value: string
  /** Texts, or an array of them, as {@link IdSql.value} is. */
  asValue(text: string): string
  asValues(array: string): string
  /** It is this {@link IdSql.value}. */
  is(value: string): string
  /** It is this text. */
  isText(text: string): string
  /** It is among the {@link IdSql.value}s of this array. */
  isAny(array: string): string
  /** It is among these texts. */
  isAnyText(array: string): string
  /** What this text is made of, as {@link IdSql.order} names the columns. */
  parts(text: string): string
  order(direction?: 'asc' | 'desc'): string
}

const ofOne = ({ key, columns, names }: Keyed): IdSql => {
  const [name = ''] = key.names
  const value = `t.${columnSql({ names }, name)}`
  const { cast } = columns.get(name) as Pick<Column, 'cast'>
  return {
    text: `${value}::text`,
    value,
    asValue: (text) => `${text}::${cast}`,
    asValues: (array) => `${array}::${cast}[]`,
    is: (other) => `${value} = ${other}`,
    isText: (text) => `${value} = ${text}::${cast}`,
    isAny: (array) => `${value} = any(${array})`,
    isAnyText: (array) => `${value} = any(${array}::text[]::${cast}[])`,
    parts: (text) => `${text}::${cast}`,
    order: (direction) => (direction ? `${value} ${direction}` : value),
  }
}

const ofSeveral = ({ key, columns, names }: Keyed): IdSql => {
  const all = key.names.map((name) => `t.${columnSql({ names }, name)}`)
  const row = `(${all.join(', ')})`
  const partsOf = (text: string) =>
    key.names.map((name, at) => {
      const { type, cast } = columns.get(name) as Pick<Column, 'type' | 'cast'>
      const part = `split_part(${text}, '~', ${at + 1})`
      const isText = type === 'text' || type === 'varchar'
      return `${isText ? `replace(replace(${part}, '!1', '~'), '!0', '!')` : part}::${cast}`
    })
  const isText = (text: string) => {
    const parts = partsOf(`${text}::text`)
    return `(${all.map((column, at) => `${column} = ${parts[at]}`).join(' and ')})`
  }
  const isAnyText = (array: string) =>
    `${row} in (select ${partsOf('k.id').join(', ')} from pg_catalog.unnest(${array}::text[]) k(id))`
  const text = idText('t', key.names.map(names.columnOf))
  return {
    text,
    value: text,
    isText,
    isAnyText,
    asValue: (other) => `${other}::text`,
    asValues: (array) => `${array}::text[]`,
    is: isText,
    isAny: isAnyText,
    parts: (other) => partsOf(`${other}::text`).join(', '),
    order: (direction) => all.map((column) => (direction ? `${column} ${direction}` : column)).join(', '),
  }
}

/** @returns the SQL about ids of a tracked table. */
export const idSql = (tracked: Keyed): IdSql =>
  tracked.key.names.length === 1 ? ofOne(tracked) : ofSeveral(tracked)

/** SQL of a record's row as jsonb; `id`: SQL of its id as a text. */
export const rowAsJson = (tracked: Keyed & Pick<TrackedType, 'table'>, id: string): string =>
  `select pg_catalog.to_jsonb(t) from ${tracked.table} t where ${idSql(tracked).isText(id)}`

export interface HeadSql {
  /** `t."version"` */
  version: string
  /** What is selected: `noclobber_id`, `noclobber_version`, `noclobber_updated_at`, `noclobber_updated_by`. */
  selected: string[]
  /** The same in RETURNING of a write that named its writer. */
  returned: string[]
}

type Heads = Pick<TrackedType, 'owned' | 'key' | 'source' | 'names' | 'columns'>

/** A value of the log's row of the record's version; null where the log has none. */
const logged = (heads: Heads, value: string) =>
  `(select ${value} from noclobber.record_changes c where c.table_name = ${quoteText(heads.source)}
    and c.record_id = ${idSql(heads).text} and c.version = t.${quoteName(heads.owned.version.name)}
    and c.event <> 'deleted' limit 1)`

const timeOf = (heads: Heads, isReturned: boolean): string => {
  const { updatedAt } = heads.owned
  if (updatedAt?.type === 'timestamp with time zone') return utcText(`t.${quoteName(updatedAt.name)}`)
  if (updatedAt) return `(pg_catalog.to_json(t.${quoteName(updatedAt.name)}) #>> '{}'::text[])`
  return isReturned
    ? utcText('statement_timestamp()')
    : `coalesce(${logged(heads, utcText('c.updated_at'))}, '')`
}

/** The writer that the statement names in the setting, see writer-setting.ts. */
const NAMED = `split_part(current_setting('noclobber.actor', true), E'\\n', ${NAMES.indexOf('writer') + 1})::jsonb`

const writerOf = (heads: Heads, isReturned: boolean): string => {
  const { updatedBy } = heads.owned
  const column = `t.${quoteName(updatedBy?.name ?? '')}`
  if (updatedBy?.type === 'jsonb') return column
  if (isReturned) return NAMED
  const writer = logged(heads, 'c.updated_by')
  if (!updatedBy) return writer
  return `coalesce(${writer}, case when ${column} is not null then
    pg_catalog.jsonb_build_object('id', ${column}::text, 'name', ${column}::text, 'kind', 'user') end)`
}

export const headSql = (heads: Heads): HeadSql => {
  const version = `t.${quoteName(heads.owned.version.name)}`
  const head = (isReturned: boolean) => [
    `${idSql(heads).text} as "noclobber_id"`,
    `${version} as "noclobber_version"`,
    `${timeOf(heads, isReturned)} as "noclobber_updated_at"`,
    `${writerOf(heads, isReturned)} as "noclobber_updated_by"`,
  ]
  return { version, selected: head(false), returned: head(true) }
}
