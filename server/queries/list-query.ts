// What a list is asked for, as SQL: filters, search, order, position.
// Invariant: column names come from the declaration, values are parameters; nothing else of a request reaches the text.
import { quoteName } from '../../migrations/quote.ts'
import { refuse } from '../base/problems.ts'
import type { Actor } from '../base/record-type.ts'
import type { KnownType } from '../tables/database.ts'
import { canonicalValue } from '../tables/record-id.ts'
import type { Query } from '../tables/sized-query.ts'
import { tenantParameter } from '../tables/tenant.ts'

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

/** Where a page ended: the row's sort value as text, and its id. */
export type Position = [value: string | null, id: string]

const MAX_WORDS = 10
const MAX_SEARCH = 200
/** A page can't end at a row whose sort value is longer, in characters. */
export const MAX_SORT_VALUE = 2_000
const UNSORTABLE = new Set(['json', 'jsonb', 'xml', 'point', 'polygon'])
const INCOMPARABLE = new Set(['json', 'xml', 'point', 'polygon'])

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

/** Which rows of a list a query is for. */
export interface PageOptions {
  /** The row behind which it begins. */
  after: Position | null
  /** Rows at most. */
  limit: number
  /** These records alone. */
  ids?: string[]
  /** Without large values: to be authorized. */
  isLean?: boolean
}

/** Rows of a list, in order, each with `noclobber_sort`. */
export const pageQuery = (
  known: KnownType,
  actor: Actor,
  query: ListFilter & Pick<ListQuery, 'sort'>,
  { after, limit, ids, isLean = false }: PageOptions,
): Query => {
  const { values, parameter } = parameters()
  const key = `t.${quoteName(known.key.name)}`
  const where = [...tenantCondition(known, actor, parameter), ...conditionsOf(known, query, parameter)]
  const by = orderOf(known, query.sort)
  const [past, order] = by.descending ? ['<', 'desc'] : ['>', 'asc']
  const keyCast = known.columns.get(known.key.name)?.cast
  if (ids) where.push(`${key} = any(${parameter(ids)}::text[]::${keyCast}[])`)
  if (after) {
    const [value, id] = after
    const beyondKey = () => `${key} ${past} ${parameter(id)}::${keyCast}`
    if (by.isKey) where.push(beyondKey())
    else if (value === null) where.push(`(${by.column} is null and ${beyondKey()})`)
    else {
      const at = `${parameter(value)}::${by.cast}`
      where.push(
        `(${by.column} ${past} ${at} or (${by.column} = ${at} and ${beyondKey()}) or ${by.column} is null)`,
      )
    }
  }
  const select = isLean ? known.sql.selectLean : known.sql.selectSized
  const text = `${select([`left(${by.column}::text, ${MAX_SORT_VALUE + 1}) as "noclobber_sort"`])}
    ${where.length > 0 ? `where ${where.join(' and ')}` : ''}
    order by ${by.isKey ? '' : `${by.column} ${order} nulls last, `}${key} ${order} limit ${parameter(limit)}`
  return { text, values }
}

/** These records, wherever they stand now, in the order of their ids given: each with `noclobber_matches` and its `noclobber_place`. */
export const matchQuery = (known: KnownType, actor: Actor, filter: ListFilter, ids: string[]): Query => {
  const { values, parameter } = parameters()
  const matches = conditionsOf(known, filter, parameter)
  const key = known.key.name
  const text = `${known.sql.selectSized([
    `coalesce(${matches.length > 0 ? matches.join(' and ') : 'true'}, false) as "noclobber_matches"`,
    'i.place::integer as "noclobber_place"',
  ])} join unnest(${parameter(ids)}::text[]) with ordinality i(id, place)
    on t.${quoteName(key)} = i.id::${known.columns.get(key)?.cast}
    ${tenantCondition(known, actor, parameter)
      .map((condition) => `where ${condition}`)
      .join()} order by i.place`
  return { text, values }
}
