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
  /** The same without what is withheld: nothing of it is to be learned from where an answer ends. */
  shownBytes: string
  /** Each field; of what is withheld, which permissions may look at, large values are null. */
  shown: string[]
  /** Each field, with large values left out; `noclobber_omitted` names these or is null, `noclobber_bytes` counts the rest. */
  lean: string[]
}

/** Null where there are none, as in most rows: an array is costly to parse. */
const omittedNames = (long: [string, string][]): string => {
  if (long.length === 0) return 'null::text[]'
  const isLarge = long.map(([, size]) => `${size} > ${LARGE}`)
  const names = long.map(([name], at) => `case when ${isLarge[at]} then ${quoteText(name)} end`)
  return `case when ${isLarge.join(' or ')} then pg_catalog.array_remove(array[${names.join(', ')}]::text[], null) end`
}

/** @param unseen Fields that are withheld from those whose answers these are. */
export const rowSize = (tracked: TrackedType, unseen: string[]): RowSize => {
  const { fieldNames } = tracked
  const sizes = fieldNames.map((name): [string, string | null] => [name, sizeOf(tracked, name)])
  const long = sizes.filter((entry): entry is [string, string] => entry[1] !== null)
  const sumOf = (names: string[], each: (size: string) => string) => {
    const ofThese = long.filter(([name]) => names.includes(name))
    const fixed = names.reduce((sum, name) => sum + name.length + OF_FIELD, OF_RECORD)
    const least = fixed + (names.length - ofThese.length) * SHORT
    return [String(least), ...ofThese.map(([, size]) => `coalesce(${each(size)}, 0)`)].join(' + ')
  }
  const sum = (each: (size: string) => string) => sumOf(fieldNames, each)
  const whole = (size: string) => `${size}::bigint`
  const selected = (name: string, isLean: boolean, size: string | null) => {
    const value = fieldExpression(tracked, name)
    const alias = quoteName(aliasOf(name))
    return isLean && size !== null
      ? `case when ${size} <= ${LARGE} then ${value} end as ${alias}`
      : `${value} as ${alias}`
  }
  return {
    bytes: `(${sum(whole)})`,
    shownBytes: `(${sumOf(
      fieldNames.filter((name) => !unseen.includes(name)),
      whole,
    )})`,
    shown: sizes.map(([name, size]) => selected(name, unseen.includes(name), size)),
    lean: [
      ...sizes.map(([name, size]) => selected(name, true, size)),
      `${omittedNames(long)} as "noclobber_omitted"`,
      `(${sum((size) => `least(${size}, ${LARGE})`)})::bigint as "noclobber_bytes"`,
    ],
  }
}
