// What a list is asked for, as SQL: filters, search, order, position.
// Invariant: column names come from the declaration, values are parameters; nothing else of a request reaches the text.
import { quoteName } from '../../migrations/quote.ts'
import { refuse } from '../base/problems.ts'
import type { Actor } from '../base/record-type.ts'
import { tenantParameter } from '../records/read.ts'
import type { KnownType } from '../tables/database.ts'
import { canonicalValue } from '../tables/record-id.ts'

/** Which records belong to a list. */
export interface ListFilter {
  /** Equal to these, by field or by a parent's column that lists are watched by; the text `null` stands for an absent value. */
  filters: Record<string, string>
  /** Each of its words stands in one of the type's search fields. */
  search?: string | undefined
}

/** What a list is asked for. */
export interface ListQuery extends ListFilter {
  /** A field, `id`, `version` or `updated_at`; with `-` in front, descending. Default `id`. */
  sort: string
  /** Rows a page. */
  limit: number
  /** Where the page before ended. */
  after?: string | undefined
}

/** A statement's text and its values. */
export interface Query {
  text: string
  values: unknown[]
}

/** Where a page ended: the row's sort value as text, and its id. */
export type Position = [value: string | null, id: string]

const MAX_WORDS = 10
const MAX_SEARCH = 200
const UNSORTABLE = new Set(['json', 'jsonb', 'xml', 'point', 'polygon'])
const INCOMPARABLE = new Set(['json', 'xml', 'point', 'polygon'])

/** The position that a client sent back. */
export const readPosition = (text: string): Position => {
  try {
    const [value, id] = JSON.parse(Buffer.from(text, 'base64url').toString())
    if ((value === null || typeof value === 'string') && typeof id === 'string') return [value, id]
  } catch {
    // Falls through to the refusal: whatever it was, it is no position.
  }
  return refuse('malformed', 'after must be what "next" gave.')
}

export const writePosition = (position: Position): string =>
  Buffer.from(JSON.stringify(position)).toString('base64url')

const orderOf = (known: KnownType, sort: string) => {
  const descending = sort.startsWith('-')
  const name = descending ? sort.slice(1) : sort
  const column = name === 'id' ? known.key.name : name
  const allowed =
    name === 'id' || name === 'version' || name === 'updated_at' || known.fieldNames.includes(name)
  const found = known.columns.get(column)
  if (!allowed || !found || UNSORTABLE.has(found.type))
    return refuse('malformed', `sort: there is no field ${name}.`)
  return { column: `t.${quoteName(column)}`, cast: found.cast, descending, isKey: column === known.key.name }
}

type Parameter = (value: unknown) => string

const searched = (known: KnownType, search: string, parameter: Parameter): string[] => {
  const columns = known.type.search.map((name) => `t.${quoteName(name)}::text`)
  if (columns.length === 0) return refuse('malformed', 'search: this type declares no fields to search.')
  const words = search.split(/\s+/).filter((word) => word !== '')
  if (words.length > MAX_WORDS || search.length > MAX_SEARCH)
    return refuse('malformed', `search: at most ${MAX_WORDS} words and ${MAX_SEARCH} characters.`)
  return words.map((word) => {
    const pattern = parameter(`%${word.replace(/[\\%_]/g, '\\$&')}%`)
    return `(${columns.map((column) => `${column} ilike ${pattern}`).join(' or ')})`
  })
}

/** The conditions of a list; none: all records of the type. */
const conditionsOf = (
  known: KnownType,
  { filters, search = '' }: ListFilter,
  parameter: Parameter,
): string[] => {
  const equal = Object.entries(filters).map(([name, value]) => {
    const isNamed = known.fieldNames.includes(name) || known.lists.includes(name)
    const found = isNamed ? known.columns.get(name) : undefined
    if (!found || INCOMPARABLE.has(found.type))
      return refuse('malformed', `There is no field ${name} to filter by.`)
    const column = `t.${quoteName(name)}`
    if (value !== 'null' && canonicalValue(found.type, value) === null)
      return refuse('malformed', 'A filter or sort value does not fit its field.')
    return value === 'null' ? `${column} is null` : `${column} = ${parameter(value)}::${found.cast}`
  })
  return search.trim() === '' ? equal : [...equal, ...searched(known, search, parameter)]
}

const tenantCondition = (known: KnownType, actor: Actor, parameter: Parameter): string[] =>
  tenantParameter(known, actor).map(
    (tenant) => `t.${quoteName(known.tenantColumn as string)} = ${parameter(tenant)}`,
  )

const parameters = () => {
  const values: unknown[] = []
  return { values, parameter: (value: unknown) => `$${values.push(value)}` }
}

/** One page, in order: whole records, each with `noclobber_sort`, and the position in the log at which it was read. */
export const pageQuery = (
  known: KnownType,
  actor: Actor,
  query: ListQuery,
  after: Position | null,
): Query => {
  const { values, parameter } = parameters()
  const key = `t.${quoteName(known.key.name)}`
  const where = [...tenantCondition(known, actor, parameter), ...conditionsOf(known, query, parameter)]
  const by = orderOf(known, query.sort)
  const [past, order] = by.descending ? ['<', 'desc'] : ['>', 'asc']
  if (after) {
    const [value, id] = after
    const beyondKey = () => `${key} ${past} ${parameter(id)}::${known.columns.get(known.key.name)?.cast}`
    if (by.isKey) where.push(beyondKey())
    else if (value === null) where.push(`(${by.column} is null and ${beyondKey()})`)
    else {
      const at = `${parameter(value)}::${by.cast}`
      where.push(
        `(${by.column} ${past} ${at} or (${by.column} = ${at} and ${beyondKey()}) or ${by.column} is null)`,
      )
    }
  }
  const text = `${known.sql.selectFrom(`${by.column}::text as "noclobber_sort", pg_current_snapshot()::text as "noclobber_here", noclobber.epoch() as "noclobber_epoch"`)}
    ${where.length > 0 ? `where ${where.join(' and ')}` : ''}
    order by ${by.isKey ? '' : `${by.column} ${order} nulls last, `}${key} ${order} limit ${parameter(query.limit + 1)}`
  return { text, values }
}

/** These records, wherever they stand now: whole, each with `noclobber_matches`. */
export const matchQuery = (known: KnownType, actor: Actor, filter: ListFilter, ids: string[]): Query => {
  const { values, parameter } = parameters()
  const matches = conditionsOf(known, filter, parameter)
  const where = [
    `t.${quoteName(known.key.name)} = any(${parameter(ids)})`,
    ...tenantCondition(known, actor, parameter),
  ]
  const select = known.sql.selectFrom(
    `coalesce(${matches.length > 0 ? matches.join(' and ') : 'true'}, false) as "noclobber_matches"`,
  )
  return { text: `${select} where ${where.join(' and ')}`, values }
}
