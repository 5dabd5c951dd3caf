// The columns that make the id of a record, as the triggers' first argument has them, see functions/record-id.sql.
import { arrayText, quoteName, textArray } from './quote.ts'

/** A column's name; of several columns, or of one whose name begins with a brace, an array. */
export const keyArgument = (columns: string[]): string => {
  const [first = '', ...further] = columns
  return further.length > 0 || first.startsWith('{') ? arrayText(columns) : first
}

/** The columns of {@link keyArgument}. */
export const keyColumns = (argument: string): string[] =>
  argument.startsWith('{') ? textArray(argument) : [argument]

/** SQL for an id, of SQL for the texts of its parts. */
export const joinedId = (texts: readonly string[]): string =>
  texts.length === 1
    ? (texts[0] as string)
    : `(${texts.map((text) => `replace(replace(${text}, '!', '!0'), '~', '!1')`).join(` || '~' || `)})`

/** SQL for the id of the row `row`. */
export const idText = (row: string, columns: string[]): string =>
  joinedId(columns.map((name) => `${row}.${quoteName(name)}::text`))

/** SQL for the columns of the primary key of the relation `relation`, in their order, as an array; null where it has none. */
export const keyOf = (
  relation: string,
): string => `(select pg_catalog.array_agg(k.attname::text order by pg_catalog.array_position(i.indkey::smallint[], k.attnum))
  from pg_index i join pg_attribute k on k.attrelid = i.indrelid and k.attnum = any(i.indkey[:i.indnkeyatts - 1])
  where i.indrelid = ${relation} and i.indisprimary)`
