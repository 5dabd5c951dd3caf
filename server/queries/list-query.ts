// What a list is asked for, as SQL: filters, search, order, position.
// Invariant: column names come from the declaration, values are parameters; nothing else of a request reaches the text. No setting
// of a session is seen in a position, nor in what is searched.
import { refuse } from '../base/problems.ts'
import type { Actor } from '../base/record-type.ts'
import type { KnownType } from '../tables/database.ts'
import { columnSql, fieldText } from '../tables/field-sql.ts'
import { idSql } from '../tables/head-sql.ts'
import { canonicalValue } from '../tables/record-id.ts'
import type { Query } from '../tables/sized-query.ts'
import { tenantParameter } from '../tables/tenant.ts'
import { type Condition, type Filters, valuesIn } from './list-filters.ts'

/** Which records belong to a list. */
export interface ListFilter {
  /** By field or by a parent's column that lists are watched by. */
  filters: Filters
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
const INCOMPARABLE = new Set(['json', 'xml', 'point', 'line', 'lseg', 'box', 'path', 'polygon', 'circle'])
const UNSORTABLE = new Set([...INCOMPARABLE, 'jsonb'])

const BY_KEY = { column: null, text: '', asValue: (text: string): unknown => text, cast: '' }

const orderOf = (known: KnownType, sort: string) => {
  const descending = sort.startsWith('-')
  const name = descending ? sort.slice(1) : sort
  const { names, owned } = known
  const time = owned.updatedAt && names.fieldOf(owned.updatedAt.name)
  if (name === 'id') return { ...BY_KEY, descending }
  const heads = new Map([
    ['version', names.fieldOf(owned.version.name)],
    ['updated_at', time],
  ])
  const column = heads.has(name) ? (heads.get(name) ?? '') : name
  const allowed = heads.has(name) || known.shownNames.includes(name)
  const found = known.columns.get(column)
  const isKey = known.key.names.length === 1 && column === known.key.names[0]
  if (!allowed || !found || UNSORTABLE.has(found.type))
    return refuse('malformed', `sort: there is no field ${name}.`)
  if (isKey) return { ...BY_KEY, descending }
  return {
    column: `t.${columnSql(known, column)}`,
    text: fieldText(known, column),
    asValue: (text: string) => found.codec.toParameter(text),
    cast: found.cast,
    descending,
  }
}

type Parameter = (value: unknown) => string

const searched = (known: KnownType, search: string, parameter: Parameter): string[] => {
  const columns = known.type.search.map((name) => fieldText(known, name))
  if (columns.length === 0) return refuse('malformed', 'search: this type declares no fields to search.')
  const words = search.split(/\s+/).filter((word) => word !== '')
  if (words.length > MAX_WORDS || search.length > MAX_SEARCH)
    return refuse('malformed', `search: at most ${MAX_WORDS} words and ${MAX_SEARCH} characters.`)
  return words.map((word) => {
    const pattern = parameter(`%${word.replace(/[\\%_]/g, '\\$&')}%`)
    return `(${columns.map((column) => `${column} ilike ${pattern}`).join(' or ')})`
  })
}

const COMPARISONS = { ne: 'is distinct from', lt: '<', lte: '<=', gt: '>', gte: '>=' } as const

const unfit = (): never => refuse('malformed', 'A filter or sort value does not fit its field.')

/** `eq` with the text `null` stands for an absent value. */
const conditionSql = (
  known: KnownType,
  { field, operator, value }: Condition,
  parameter: Parameter,
): string => {
  const found = known.columns.get(field)
  if (!found || INCOMPARABLE.has(found.type))
    return refuse('malformed', `There is no field ${field} to filter by.`)
  const column = `t.${columnSql(known, field)}`
  const one = (text: string) => {
    if (canonicalValue(found.type, text) === null || found.codec.refusal(text) !== null) return unfit()
    // JSON is compared as it is written.
    return `${parameter(found.type === 'jsonb' ? text : found.codec.toParameter(text))}::${found.cast}`
  }
  switch (operator) {
    case 'null':
      if (value !== 'true' && value !== 'false') return unfit()
      return `${column} is ${value === 'true' ? '' : 'not '}null`
    case 'contains':
      return `${fieldText(known, field)} ilike ${parameter(`%${value.replace(/[\\%_]/g, '\\$&')}%`)}`
    case 'in':
      return `(${valuesIn(value)
        .map((text) => `${column} = ${one(text)}`)
        .join(' or ')})`
    case 'eq':
      return value === 'null' ? `${column} is null` : `${column} = ${one(value)}`
    default:
      if (UNSORTABLE.has(found.type) && operator !== 'ne') return unfit()
      return `${column} ${COMPARISONS[operator]} ${one(value)}`
  }
}

/** The conditions of a list; none: all records of the type. */
const conditionsOf = (
  known: KnownType,
  { filters: { all, groups }, search = '' }: ListFilter,
  parameter: Parameter,
): string[] => {
  const sqlOf = (condition: Condition) => conditionSql(known, condition, parameter)
  const conditions = all.map(sqlOf)
  if (groups.length > 0)
    conditions.push(`(${groups.map((group) => `(${group.map(sqlOf).join(' and ')})`).join(' or ')})`)
  return search.trim() === '' ? conditions : [...conditions, ...searched(known, search, parameter)]
}

/** The actor's tenant, and where records are for an audience alone, that they are among it. */
const scopeConditions = (known: KnownType, actor: Actor, parameter: Parameter): string[] => [
  ...tenantParameter(known, actor).map(
    (tenant) => `t.${columnSql(known, known.tenantColumn as string)} = ${parameter(tenant)}`,
  ),
  ...(known.audience
    ? [`exists (select from ${known.audience.members} and ${known.audience.isMember(actor, parameter)})`]
    : []),
]

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
  const id = idSql(known)
  const where = [...scopeConditions(known, actor, parameter), ...conditionsOf(known, query, parameter)]
  const by = orderOf(known, query.sort)
  const [past, order] = by.descending ? (['<', 'desc'] as const) : (['>', 'asc'] as const)
  if (ids) where.push(id.isAnyText(parameter(ids)))
  if (after) {
    const [value, last] = after
    const beyondKey = () => id.isPast(past, parameter(last))
    if (by.column === null) where.push(beyondKey())
    else if (value === null) where.push(`(${by.column} is null and ${beyondKey()})`)
    else {
      const at = `${parameter(by.asValue(value))}::${by.cast}`
      where.push(
        `(${by.column} ${past} ${at} or (${by.column} = ${at} and ${beyondKey()}) or ${by.column} is null)`,
      )
    }
  }
  const select = isLean ? known.sql.selectLean : known.sql.selectSized
  const text = `${select([`left(${by.column === null ? id.text : by.text}, ${MAX_SORT_VALUE + 1}) as "noclobber_sort"`])}
    ${where.length > 0 ? `where ${where.join(' and ')}` : ''}
    order by ${by.column === null ? '' : `${by.column} ${order} nulls last, `}${id.order(order)} limit ${parameter(limit)}`
  return { text, values }
}

/** How many records a list has; of these alone, if they are given. */
export const countQuery = (known: KnownType, actor: Actor, filter: ListFilter, ids?: string[]): Query => {
  const { values, parameter } = parameters()
  const where = [...scopeConditions(known, actor, parameter), ...conditionsOf(known, filter, parameter)]
  if (ids) where.push(idSql(known).isAnyText(parameter(ids)))
  const condition = where.length > 0 ? `where ${where.join(' and ')}` : ''
  return { text: `select count(*)::text as count from ${known.table} t ${condition}`, values }
}

/** These records, wherever they stand now, in the order of their ids given: each with `noclobber_matches` and its `noclobber_place`. */
export const matchQuery = (known: KnownType, actor: Actor, filter: ListFilter, ids: string[]): Query => {
  const { values, parameter } = parameters()
  const matches = conditionsOf(known, filter, parameter)
  const text = `${known.sql.selectSized([
    `coalesce(${matches.length > 0 ? matches.join(' and ') : 'true'}, false) as "noclobber_matches"`,
    'i.place::integer as "noclobber_place"',
  ])} join unnest(${parameter(ids)}::text[]) with ordinality i(id, place)
    on ${idSql(known).isText('i.id')}
    ${tenantParameter(known, actor)
      .map((tenant) => `where t.${columnSql(known, known.tenantColumn as string)} = ${parameter(tenant)}`)
      .join()} order by i.place`
  return { text, values }
}
