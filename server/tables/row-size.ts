// How many bytes a row's values are on the wire, as SQL: so that PostgreSQL itself stops where an answer is full, instead
// of sending everything first. Invariant: never less than the text of the values (JSON's escapes are not counted). A
// text's length is known without reading it.
import { quoteName, quoteText } from '../../migrations/quote.ts'
import type { Column, TrackedType } from './catalogue.ts'
import { aliasOf, columnSql, fieldExpression } from './field-sql.ts'

/** Types whose text is never longer than this. */
const SHORT = 40
const OF_SHORT = new Set([
  ...[
    'bool',
    'int2',
    'int4',
    'int8',
    'oid',
    'float4',
    'float8',
    'uuid',
    'date',
    'time',
    'timetz',
    'timestamp',
  ],
  ...['timestamptz', 'interval', 'money', 'macaddr', 'inet', 'cidr'],
])
/** Types whose length is their text's. */
const OF_TEXT = new Set(['text', 'varchar', 'bpchar'])

/** What a record has beside its fields' values, and each field beside its value. */
const OF_RECORD = 400
const OF_FIELD = 8

/** A value longer than this is left out where a row is only authorized, and read if the permission looks at it. */
const LARGE = 8_192

const sizeOf = (tracked: TrackedType, name: string): string | null => {
  const { type, exact } = tracked.columns.get(name) as Column
  if (OF_SHORT.has(type) || (type === 'numeric' && exact.includes('('))) return null
  const column = `t.${columnSql(tracked, name)}`
  if (type === 'bytea') return `octet_length(${column}) * 2`
  return OF_TEXT.has(type) ? `octet_length(${column})` : `octet_length(${column}::text)`
}

/** SQL about the rows of a table as `t`. */
export interface RowSize {
  /** The bytes of a whole record. */
  bytes: string
  /** Each field, with large values left out; `noclobber_omitted` names these, `noclobber_bytes` counts the rest. */
  lean: string[]
}

export const rowSize = (tracked: TrackedType): RowSize => {
  const { fieldNames } = tracked
  const sizes = fieldNames.map((name): [string, string | null] => [name, sizeOf(tracked, name)])
  const long = sizes.filter((entry): entry is [string, string] => entry[1] !== null)
  const fixed = fieldNames.reduce((sum, name) => sum + name.length + OF_FIELD, OF_RECORD)
  const least = fixed + (sizes.length - long.length) * SHORT
  const sum = (each: (size: string) => string) =>
    [String(least), ...long.map(([, size]) => `coalesce(${each(size)}, 0)`)].join(' + ')
  const omitted = long.map(([name, size]) => `case when ${size} > ${LARGE} then ${quoteText(name)} end`)
  return {
    bytes: `(${sum((size) => `${size}::bigint`)})`,
    lean: [
      ...sizes.map(([name, size]) => {
        const value = fieldExpression(tracked, name)
        const alias = quoteName(aliasOf(name))
        return size === null
          ? `${value} as ${alias}`
          : `case when ${size} <= ${LARGE} then ${value} end as ${alias}`
      }),
      `array_remove(array[${omitted.join(', ')}]::text[], null) as "noclobber_omitted"`,
      `(${sum((size) => `least(${size}, ${LARGE})`)})::bigint as "noclobber_bytes"`,
    ],
  }
}
