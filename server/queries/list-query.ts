// What a list is asked for, as SQL: filters, search, order, position.
// Invariant: column names come from the declaration, values are parameters; nothing else of a request reaches the text. No setting
// of a session is seen in a position, nor in what is searched.
import { refuse } from '../base/problems.ts'
import type { Actor } from '../base/record-type.ts'
import { writeArray } from '../db/array-text.ts'
import type { KnownType } from '../tables/database.ts'
import { columnSql, fieldText } from '../tables/field-sql.ts'
import { idSql } from '../tables/head-sql.ts'
import { canonicalValue } from '../tables/record-id.ts'
import type { Query } from '../tables/sized-query.ts'
import { tenantParameter } from '../tables/tenant.ts'
import { type Condition, type Filters, valuesIn } from './list-filters.ts'
import { INCOMPARABLE, type Stretch, stretchSql, UNSORTABLE } from './list-order.ts'

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
  /** Instead of that, a part of the list in either direction: rows come with their positions. */
  window?: WindowAsked | undefined
}

/**
 * One of three: the rows `after` a position or `start`, those right `before` one or `end`, all `from` one `to` another. Positions are
 * what answers gave.
 */
export interface WindowAsked {
  after?: string
  before?: string
  from?: string
  to?: string
}

const MAX_WORDS = 10
const MAX_SEARCH = 200
type Parameter = (value: unknown) => string

/** A field's text in which something is looked for, which PostgreSQL does by no collation that takes different texts for equal. */
const searchable = (known: KnownType, name: string): string =>
  known.columns.get(name)?.collation
    ? `${fieldText(known, name)} collate pg_catalog."default"`
    : fieldText(known, name)

const searched = (known: KnownType, search: string, parameter: Parameter): string[] => {
  const columns = known.type.search.map((name) => searchable(known, name))
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
      if (value === 'never') return 'false'
      if (value !== 'true' && value !== 'false') return unfit()
      return `${column} is ${value === 'true' ? '' : 'not '}null`
    case 'contains':
      return `${searchable(known, field)} ilike ${parameter(`%${value.replace(/[\\%_]/g, '\\$&')}%`)}`
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
  { filters: { all, groups, nots }, search = '' }: ListFilter,
  parameter: Parameter,
): string[] => {
  const sqlOf = (condition: Condition) => conditionSql(known, condition, parameter)
  const conditions = all.map(sqlOf)
  const together = (group: Condition[]) => `(${group.map(sqlOf).join(' and ')})`
  if (groups.length > 0) conditions.push(`(${groups.map(together).join(' or ')})`)
  // A comparison with an absent value doesn't hold, so its opposite does.
  conditions.push(...nots.map((group) => `not coalesce(${together(group)}, false)`))
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

/** Ids as one text: what the driver makes of an array of ten thousand holds the event loop up. */
const idsText = (ids: string[]) => writeArray(ids, ',', String)

/** Which rows of a list a query is for. */
export interface PageOptions {
  stretch: Stretch
  /** Rows at most. */
  limit: number
  /** These records alone. */
  ids?: string[]
  /** Without large values: to be authorized. */
  isLean?: boolean
}

type Sorted = ListFilter & Pick<ListQuery, 'sort'>

/** The rows of a stretch, part by part. `select` gives the head of each for what is selected besides. */
const stretchRows = (
  known: KnownType,
  actor: Actor,
  query: Sorted,
  { stretch, limit, ids }: PageOptions,
  parameter: Parameter,
  select: (position: string) => string,
): string => {
  const where = [...scopeConditions(known, actor, parameter), ...conditionsOf(known, query, parameter)]
  if (ids) where.push(idSql(known).isAnyText(parameter(idsText(ids))))
  const { position, parts } = stretchSql(known, query.sort, stretch, parameter)
  const most = parameter(limit)
  const texts = parts.map(({ conditions, order }) => {
    const all = [...where, ...conditions]
    return `${select(position)} ${all.length > 0 ? `where ${all.join(' and ')}` : ''} order by ${order} limit ${most}`
  })
  // Parts with a limit of their own are read one after another, and the second one only if the first has too few.
  return texts.length === 1
    ? texts.join()
    : `${texts.map((text) => `(${text})`).join(' union all ')} limit ${most}`
}

/** Rows of a list, in order, each with `noclobber_sort`. */
export const pageQuery = (known: KnownType, actor: Actor, query: Sorted, options: PageOptions): Query => {
  const { values, parameter } = parameters()
  const select = options.isLean ? known.sql.selectLean : known.sql.selectSized
  const text = stretchRows(known, actor, query, options, parameter, (position) =>
    select([`${position} as "noclobber_sort"`]),
  )
  return { text, values }
}

/**
 * Of the rows of a stretch these records, in its order, each with `noclobber_sort` and the id of the row before it, `noclobber_before`; and,
 * with its `noclobber_place` beyond the limit, the first row that is too many.
 */
export const placesQuery = (
  known: KnownType,
  actor: Actor,
  query: Sorted,
  { stretch, limit }: PageOptions,
  ids: string[],
): Query => {
  const { values, parameter } = parameters()
  const id = idSql(known)
  const keys = stretchRows(
    known,
    actor,
    query,
    { stretch, limit: limit + 1 },
    parameter,
    (position) => `select ${id.text} as id, ${position} as at from ${known.table} t`,
  )
  const text = `${known.sql.selectSized([
    'w.at as "noclobber_sort"',
    'w.before as "noclobber_before"',
    'w.place::integer as "noclobber_place"',
  ])} join (select n.* from (select k.*, pg_catalog.lag(k.id) over (rows unbounded preceding) as before, row_number() over () as place
      from (${keys}) k) n where n.id = any(${parameter(idsText(ids))}::text[]) or n.place > ${parameter(limit)}) w
    on ${id.isText('w.id')} order by w.place`
  return { text, values }
}

/** Types whose values have a sum. */
const SUMMED = new Set(['int2', 'int4', 'int8', 'numeric', 'float4', 'float8'])

/** Is this a shown field whose values have a sum? */
export const isSummable = ({ shownNames, columns }: KnownType, name: string): boolean =>
  shownNames.includes(name) && SUMMED.has(columns.get(name)?.type ?? '')

/** How many records a list has, and the sums of these fields, as `sum_0` and so on; of these records alone, if they are given. */
export const totalsQuery = (
  known: KnownType,
  actor: Actor,
  filter: ListFilter,
  sums: string[],
  ids?: string[],
): Query => {
  const { values, parameter } = parameters()
  const where = [...scopeConditions(known, actor, parameter), ...conditionsOf(known, filter, parameter)]
  if (ids) where.push(idSql(known).isAnyText(parameter(idsText(ids))))
  const condition = where.length > 0 ? `where ${where.join(' and ')}` : ''
  const summed = sums.map((name, at) => {
    if (!isSummable(known, name)) return refuse('malformed', `There is no field ${name} to sum.`)
    return `, sum(t.${columnSql(known, name)}::numeric)::text as "sum_${at}"`
  })
  return {
    text: `select pg_catalog.count(*)::text as count${summed.join('')} from ${known.table} t ${condition}`,
    values,
  }
}

/** These records, wherever they stand now, in the order of their ids given: each with `noclobber_matches` and its `noclobber_place`. */
export const matchQuery = (known: KnownType, actor: Actor, filter: ListFilter, ids: string[]): Query => {
  const { values, parameter } = parameters()
  const matches = conditionsOf(known, filter, parameter)
  const text = `${known.sql.selectSized([
    `coalesce(${matches.length > 0 ? matches.join(' and ') : 'true'}, false) as "noclobber_matches"`,
    'i.place::integer as "noclobber_place"',
  ])} join pg_catalog.unnest(${parameter(idsText(ids))}::text[]) with ordinality i(id, place)
    on ${idSql(known).isText('i.id')}
    ${tenantParameter(known, actor)
      .map((tenant) => `where t.${columnSql(known, known.tenantColumn as string)} = ${parameter(tenant)}`)
      .join()} order by i.place`
  return { text, values }
}
