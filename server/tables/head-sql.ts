// What a record has beside its fields, as SQL: its version, its time, its writer, of the table as `t`.
// Invariant: a table's column is read as it is; what the table has no column for comes from the log's row of that version. That
// row isn't there yet in the RETURNING of the write that makes it: there the writer is the one that the statement names itself.
import { NAMES } from '../../migrations/functions/writer-setting.ts'
import { quoteName, quoteText } from '../../migrations/quote.ts'
import { utcText } from '../db/iso-time.ts'
import type { TrackedType } from './catalogue.ts'
import { columnSql } from './field-sql.ts'

export interface HeadSql {
  /** `t."version"` */
  version: string
  /** What is selected: `noclobber_id`, `noclobber_version`, `noclobber_updated_at`, `noclobber_updated_by`. */
  selected: string[]
  /** The same in RETURNING of a write that named its writer. */
  returned: string[]
}

type Heads = Pick<TrackedType, 'owned' | 'key' | 'source' | 'names'>

/** A value of the log's row of the record's version; null where the log has none. */
const logged = ({ owned, key, source, names }: Heads, value: string) =>
  `(select ${value} from noclobber.record_changes c where c.table_name = ${quoteText(source)}
    and c.record_id = t.${columnSql({ names }, key.name)}::text and c.version = t.${quoteName(owned.version.name)}
    and c.event <> 'deleted' limit 1)`

const timeOf = (heads: Heads, isReturned: boolean): string => {
  const { updatedAt } = heads.owned
  if (updatedAt?.type === 'timestamp with time zone') return utcText(`t.${quoteName(updatedAt.name)}`)
  if (updatedAt) return `(to_json(t.${quoteName(updatedAt.name)}) #>> '{}')`
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
    jsonb_build_object('id', ${column}::text, 'name', ${column}::text, 'kind', 'user') end)`
}

export const headSql = (heads: Heads): HeadSql => {
  const version = `t.${quoteName(heads.owned.version.name)}`
  const head = (isReturned: boolean) => [
    `t.${columnSql(heads, heads.key.name)}::text as "noclobber_id"`,
    `${version} as "noclobber_version"`,
    `${timeOf(heads, isReturned)} as "noclobber_updated_at"`,
    `${writerOf(heads, isReturned)} as "noclobber_updated_by"`,
  ]
  return { version, selected: head(false), returned: head(true) }
}
