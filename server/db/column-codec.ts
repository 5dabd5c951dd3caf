// How the values of a column are read, shown and written, by its type.
// Invariant: what was read is, saved back, the same to the byte: no value is rounded, cut or spelled anew. What JavaScript
// has no form for is the text that PostgreSQL writes for it. No setting of the session (DateStyle, IntervalStyle, TimeZone,
// extra_float_digits, bytea_output) is seen in a value: docs/decisions/029-values-as-they-are.md.
import { type ArrayOfTexts, readArray, writeArray } from './array-text.ts'
import { exactNumber, finiteNumber } from './exact-number.ts'
import { dateError, isoTimestamp, isoUtc, utcText, withZone } from './iso-time.ts'
import { parseJson, writeJson } from './json-text.ts'

/** A type, without the domains that stand over it. */
export interface ColumnType {
  /** PostgreSQL's bare name: `numeric`, `_text`. */
  type: string
  /** `pg_type.typtype`: base, enum, composite, range, multirange. */
  kind: string
  /** Made by `create type` or an extension. */
  isUserDefined: boolean
  /** It has a modifier that says how its values are spelled: `numeric(12,2)`. */
  isExact: boolean
  /** Of an array; `null` for everything else. */
  element: ColumnType | null
  /** What stands between the elements of an array of these. */
  delimiter: string
}

/** The type that an oid and a modifier mean, below all domains, as the base columns of `b`. */
export const baseOf = (
  oid: string,
  modifier: string,
) => `(with recursive d(oid, modifier) as (select ${oid}, ${modifier}
    union all select t.typbasetype, t.typtypmod from d join pg_type t on t.oid = d.oid where t.typtype = 'd')
  select b.*, d.modifier from d join pg_type b on b.oid = d.oid where b.typtype <> 'd')`

/** A type's part of {@link ColumnType}, for jsonb_build_object. */
export const TYPE = (
  b: string,
) => `'type', ${b}.typname, 'kind', ${b}.typtype, 'isUserDefined', ${b}.oid >= 16384,
      'isExact', ${b}.modifier >= 0, 'delimiter', ${b}.typdelim`

export interface ColumnCodec {
  /** SQL of the value as it is sent: a text, or what pg and jsonb carry as it is. */
  select(column: string): string
  /** The wire's value of what {@link ColumnCodec.select} gave, also out of jsonb. */
  fromRow(raw: unknown): unknown
  /** The wire's value of what `to_jsonb` made of it; `text` is the same to the digit. See {@link ColumnCodec.isObjectInJsonb}. */
  fromJsonb(value: unknown, text: string | null): unknown
  /** `to_jsonb` makes an object or an array of what the wire shows as PostgreSQL's text: `text` must be that text then. */
  readonly isObjectInJsonb: boolean
  /** A value of the wire as a parameter. `stored`: the JSON that it replaces, where that has numbers which are too long. */
  toParameter(value: unknown, stored?: string): unknown
  /** A value as JSON for an import. */
  toImport(value: unknown, stored?: string): string
  /** Why a value can't be meant for this column, or `null`. */
  refusal(value: unknown): string | null
  /** SQL of the value that a column gets: what it has already, if both are the same on the wire. */
  kept(column: string, value: string): string
  /**
   * SQL of the value, and an error where the column is of another type by now, and PostgreSQL would convert the value by the session's zone,
   * or round it.
   */
  ofType(column: string, value: string): string
  /** {@link ColumnCodec.ofType} asks. */
  readonly asksType: boolean
  /** Does {@link ColumnCodec.kept} compare? */
  readonly isComparing: boolean
}

const PLAIN = new Set(['bool', 'int2', 'int4', 'oid', 'text', 'varchar', 'bpchar', 'name', 'uuid', 'char'])
const FLOATS = new Set(['float4', 'float8', 'point', 'lseg', 'path', 'box', 'polygon', 'line', 'circle'])
/** Arrays whose text is not one of arrays: `1 2 3`. */
const VECTORS = new Set(['int2vector', 'oidvector'])
/** The types whose values are numbers in jsonb too: an `oid` is a text there. */
const NUMBERS_IN_JSONB = new Set(['int2', 'int4', 'int8', 'float4', 'float8', 'numeric'])
const TIMES = new Set(['date', 'timestamp', 'timestamptz'])
/** Their text depends on no setting. */
const STEADY = new Set([
  ...['int8', 'numeric', 'time', 'timetz', 'bit', 'varbit', 'cidr', 'macaddr', 'macaddr8', 'json'],
  ...[
    'jsonb',
    'jsonpath',
    'xml',
    'tsvector',
    'tsquery',
    'pg_lsn',
    'xid',
    'xid8',
    'cid',
    'tid',
    'pg_snapshot',
  ],
  ...[
    'txid_snapshot',
    'int2vector',
    'int4range',
    'int8range',
    'numrange',
    'int4multirange',
    'int8multirange',
  ],
  ...['nummultirange', 'refcursor', 'money'],
])

/** Types that have no text which could be written back. */
const UNWRITABLE =
  /^_?(pg_node_tree|pg_ndistinct|pg_dependencies|pg_mcv_list|pg_brin_bloom_summary|pg_brin_minmax_multi_summary)$/

/** Why values of a type can't be carried, or `null`. */
export const uncarriable = ({ type, element }: ColumnType): string | null =>
  UNWRITABLE.test(element?.type ?? type) ? `PostgreSQL reads no ${type} back from its text` : null

const isJson = (type: string) => type === 'json' || type === 'jsonb'

const isSteady = ({ type, kind, element, isUserDefined }: ColumnType): boolean =>
  element
    ? isSteady(element)
    : kind === 'e' || (!isUserDefined && (PLAIN.has(type) || STEADY.has(type) || type === 'inet'))

const selectOf = (known: ColumnType): ((column: string) => string) => {
  const { type, kind, element, isUserDefined } = known
  const wireText = (column: string) => `noclobber.wire_text(${column})`
  if (element) return isSteady(known) && !element.isUserDefined ? (column) => `${column}::text` : wireText
  if (kind === 'e') return (column) => column
  // By its output function, as concat calls it: a cast may be anybody's, and that of inet adds a mask.
  if ((kind === 'b' && isUserDefined) || type === 'inet')
    return (column) => `case when pg_catalog.num_nulls(${column}) = 0 then pg_catalog.concat(${column}) end`
  if (isUserDefined) return wireText
  if (PLAIN.has(type)) return (column) => column
  if (type === 'timestamptz') return utcText
  if (TIMES.has(type)) return (column) => `(pg_catalog.to_json(${column}) #>> '{}'::text[])`
  if (type === 'bytea') return (column) => `E'\\\\x' || encode(${column}, 'hex')`
  if (STEADY.has(type)) return (column) => `${column}::text`
  const isAsShown = FLOATS.has(type)
    ? `current_setting('extra_float_digits')::integer > 0`
    : type === 'interval'
      ? `current_setting('IntervalStyle') = 'postgres'`
      : null
  if (!isAsShown) return wireText
  return (column) => `case when ${isAsShown} then ${column}::text else ${wireText(column)} end`
}

/** The wire's value of a text that PostgreSQL wrote. */
const readerOf = ({ type, element }: ColumnType): ((text: string) => unknown) => {
  if (element) {
    const read = readerOf(element)
    const isOfJson = isJson(element.type)
    const values = (texts: ArrayOfTexts): unknown[] =>
      texts.map((text) => (text === null ? null : Array.isArray(text) ? values(text) : read(text)))
    return (text) => {
      const texts = readArray(text, element.delimiter)
      // An array of JSON is one of values: arrays within them would be taken for dimensions, and their null for none.
      const isAmbiguous = isOfJson && texts?.some((inner) => Array.isArray(inner) || inner === 'null')
      return texts && !isAmbiguous ? values(texts) : text
    }
  }
  if (type === 'int2' || type === 'int4' || type === 'oid') return Number
  if (type === 'bool') return (text) => text === 't' || text === 'true'
  if (type === 'int8' || type === 'numeric') return exactNumber
  if (type === 'float4' || type === 'float8') return finiteNumber
  if (type === 'timestamp' || type === 'timestamptz') return isoTimestamp
  if (isJson(type)) return parseJson
  return (text) => text
}

const isBytes = (value: unknown): value is { type: 'Buffer'; data: number[] } =>
  typeof value === 'object' && value !== null && 'data' in value && Array.isArray(value.data)

/** The text of one value, as the type's input function takes it. */
const textOf = ({ type }: ColumnType, value: unknown, stored?: string): string | null => {
  if (isJson(type)) return value === null || value === undefined ? null : writeJson(value, stored)
  if (value === null || value === undefined) return null
  if (type === 'timestamptz' && typeof value === 'string') return withZone(value)
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString('hex')}`
  if (typeof value !== 'object') return String(value)
  if (type === 'bytea' && isBytes(value)) return `\\x${Buffer.from(value.data).toString('hex')}`
  if (type === 'point' && 'x' in value && 'y' in value) return `(${value.x},${value.y})`
  return JSON.stringify(value)
}

/** One value in JSON, as PostgreSQL takes it for the type. */
const asJson = (known: ColumnType, value: unknown): unknown => {
  const isPlain = typeof value === 'boolean' || Number.isFinite(value) || isJson(known.type)
  return isPlain && !Object.is(value, -0) ? value : textOf(known, value)
}

/**
 * By type, as a cast names it, the range over it: `column <@ null::range` is a parse error for a column of any other type, and else a
 * constant, so it costs nothing.
 */
const RANGES: Record<string, string> = {
  date: 'daterange',
  'timestamp without time zone': 'tsrange',
  'timestamp with time zone': 'tstzrange',
  numeric: 'numrange',
}
/** There is no range over these: it is asked for each row, and only where they are written. */
const ASKED = new Set(['real', 'double precision', 'time without time zone', 'time with time zone'])

const NOT_NULL_CHARACTER = String.raw`!~ E'\\\\u0000'`

/** What is equal on the wire though its texts differ: 1.5 and 1.50, and JSON with other spaces or other order. */
const keptOf = ({ type, element, isExact }: ColumnType): ColumnCodec['kept'] | null => {
  const one = element ?? { type, isExact }
  if (one.type === 'numeric')
    return one.isExact
      ? null
      : (column, value) => `case when ${column} = ${value} then ${column} else ${value} end`
  if (!isJson(one.type)) return null
  const of = element ? 'jsonb[]' : 'jsonb'
  const isSame = (column: string, value: string) =>
    element
      ? `${column}::${of} = ${value}::${of}`
      : `${column}::jsonb = coalesce(${value}::jsonb, 'null'::jsonb)`
  const guarded = (column: string, value: string) =>
    one.type === 'json'
      ? `case when ${column}::text ${NOT_NULL_CHARACTER} then ${isSame(column, value)} end`
      : isSame(column, value)
  return (column, value) => `case when ${guarded(column, value)} then ${column} else ${value} end`
}

/** @param known With its type as a cast names it, without domains if it has none. */
export const columnCodec = (known: ColumnType & { cast?: string }): ColumnCodec => {
  const { type, element, cast = '' } = known
  const range = Object.hasOwn(RANGES, cast) ? RANGES[cast] : undefined
  const isOfRange = (column: string, value: string) =>
    `case when (${column} operator(pg_catalog.<@) null::pg_catalog.${range}) is null then ${value} end`
  const ofType: ColumnCodec['ofType'] = (column, value) => {
    if (range) return isOfRange(column, value)
    return ASKED.has(cast)
      ? `case when pg_catalog.record_image_ne(row(${column}), row(null::${cast})) is not null then ${value} end`
      : value
  }
  const select = selectOf(known)
  const read = readerOf(known)
  const kept = keptOf(known)
  const ofRow = type === 'timestamptz' ? isoUtc : read
  const writeElements = (value: unknown[]) =>
    writeArray(
      value,
      element?.delimiter ?? ',',
      (inner) => textOf(element as ColumnType, inner),
      isJson(element?.type ?? '') ? 1 : undefined,
    )
  const toParameter: ColumnCodec['toParameter'] = (value, stored) => {
    // An app's own: the driver writes them as it always does.
    if (value instanceof Date && !isJson(type)) return value
    return element && Array.isArray(value) ? writeElements(value) : textOf(known, value, stored)
  }
  /** The elements of a JSON array as those of a PostgreSQL array are shown. */
  const elementsOf = (value: unknown): unknown => {
    if (!Array.isArray(value)) return value
    const read = readerOf(element as ColumnType)
    return value.map((inner) =>
      typeof inner === 'string' && !isJson(element?.type ?? '') ? read(inner) : elementsOf(inner),
    )
  }
  const elementsIn = (value: unknown): unknown => {
    if (Array.isArray(value) && !isJson(element?.type ?? '')) return value.map(elementsIn)
    return Array.isArray(value) ? value : asJson(element as ColumnType, value)
  }
  const isTime = TIMES.has(type)
  const isObjectInJsonb = (element ?? known).kind === 'c' || VECTORS.has(type)
  return {
    isObjectInJsonb,
    select: (column) => (range ? isOfRange(column, select(column)) : select(column)),
    ofType,
    asksType: range !== undefined || ASKED.has(cast),
    fromRow: (raw) => (typeof raw === 'string' ? ofRow(raw) : (raw ?? null)),
    fromJsonb: (value, text) => {
      if (text === null) return null
      if (isJson(type)) return typeof value === 'string' ? value : parseJson(text)
      if (element && Array.isArray(value) && !isObjectInJsonb) return elementsOf(parseJson(text))
      if (typeof value === 'boolean') return value
      const shown = type === 'bool' ? text : read(text)
      // A text where the column's type makes numbers of jsonb: it was of another type then.
      return typeof shown === 'number' && typeof value === 'string' && NUMBERS_IN_JSONB.has(type)
        ? text
        : shown
    },
    toParameter,
    toImport: (value, stored) => {
      if (isJson(type) && value !== null && value !== undefined) return writeJson(value, stored)
      return JSON.stringify(element ? elementsIn(value) : asJson(known, value))
    },
    refusal: (value) => (isTime && typeof value === 'string' ? dateError(value, type) : null),
    kept: kept ?? ((_, value) => value),
    isComparing: kept !== null,
  }
}
