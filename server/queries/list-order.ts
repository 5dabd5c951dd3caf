// The order of a list as SQL: by one column and then by the key, empty values last both ways, and any stretch of it between two positions.
// Invariant: each part of a stretch is in the order of a plain index on (tenant, column, key), read forwards or backwards, so the
// first rows of a stretch cost the same wherever it begins. Positions are compared as the database compares the column.
import { refuse } from '../base/problems.ts'
import type { KnownType } from '../tables/database.ts'
import { columnSql, fieldText } from '../tables/field-sql.ts'
import { idSql } from '../tables/head-sql.ts'

/** Where a page ended: the row's sort value as text, and its id. */
export type Position = [value: string | null, id: string]

/** An end of a stretch. */
interface Bound {
  at: Position
  /** A row at this very position belongs to the stretch. */
  isIncluded: boolean
}

/** Rows that stand between two bounds; `null`: from the first one, to the last one. */
export interface Stretch {
  from: Bound | null
  to: Bound | null
  /** Its last rows come first. */
  isBackward: boolean
}

export const WHOLE: Stretch = { from: null, to: null, isBackward: false }

/** A page can't end at a row whose sort value is longer, in characters. */
export const MAX_SORT_VALUE = 2_000

export const INCOMPARABLE = new Set([
  'json',
  'xml',
  'point',
  'line',
  'lseg',
  'box',
  'path',
  'polygon',
  'circle',
])
export const UNSORTABLE = new Set([...INCOMPARABLE, 'jsonb'])

/** By what a list is sorted; `column` is `null` for its key. */
interface Order {
  column: string | null
  text: string
  asValue: (text: string) => unknown
  cast: string
  isDescending: boolean
}

const BY_KEY = { column: null, text: '', asValue: (text: string): unknown => text, cast: '' }

const orderOf = (known: KnownType, sort: string): Order => {
  const isDescending = sort.startsWith('-')
  const name = isDescending ? sort.slice(1) : sort
  const { names, owned } = known
  const time = owned.updatedAt && names.fieldOf(owned.updatedAt.name)
  if (name === 'id') return { ...BY_KEY, isDescending }
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
  if (isKey) return { ...BY_KEY, isDescending }
  return {
    column: `t.${columnSql(known, column)}`,
    text: fieldText(known, column),
    asValue: (text: string) => found.codec.toParameter(text),
    cast: found.cast,
    isDescending,
  }
}

/** What a query takes the rows of a stretch from: several parts, each with its condition and its order, one after another. */
interface StretchSql {
  /** The text of a row's sort value, as positions have it. */
  position: string
  parts: { conditions: string[]; order: string }[]
}

/** @param parameter Adds a value to the query's. */
export const stretchSql = (
  known: KnownType,
  sort: string,
  { from, to, isBackward }: Stretch,
  parameter: (value: unknown) => string,
): StretchSql => {
  const by = orderOf(known, sort)
  const id = idSql(known)
  const direction = by.isDescending !== isBackward ? 'desc' : 'asc'
  const sign = (isFrom: boolean, { isIncluded }: Bound) =>
    `${isFrom === by.isDescending ? '<' : '>'}${isIncluded ? '=' : ''}`
  const beyondKey = (isFrom: boolean, bound: Bound) =>
    `(${id.order()}) ${sign(isFrom, bound)} (${id.parts(parameter(bound.at[1]))})`
  const position = `left(${by.column === null ? id.text : by.text}, ${MAX_SORT_VALUE + 1})`
  const byKey = (bounds: [boolean, Bound | null][]) =>
    bounds.flatMap(([isFrom, bound]) => (bound ? beyondKey(isFrom, bound) : []))
  const { column } = by
  if (column === null)
    return {
      position,
      parts: [
        {
          conditions: byKey([
            [true, from],
            [false, to],
          ]),
          order: id.order(direction),
        },
      ],
    }
  const beyond = (isFrom: boolean, bound: Bound | null) => {
    if (!bound || bound.at[0] === null) return []
    const [value, key] = bound.at
    const at = `${parameter(by.asValue(value))}::${by.cast}`
    return [`(${column}, ${id.order()}) ${sign(isFrom, bound)} (${at}, ${id.parts(parameter(key))})`]
  }
  const isEmpty = (bound: Bound | null) => bound !== null && bound.at[0] === null
  const parts: StretchSql['parts'] = []
  if (!isEmpty(from))
    parts.push({
      conditions: [`${column} is not null`, ...beyond(true, from), ...beyond(false, to)],
      order: `${column} ${direction}, ${id.order(direction)}`,
    })
  if (to === null || isEmpty(to))
    parts.push({
      conditions: [
        `${column} is null`,
        ...byKey([
          [true, isEmpty(from) ? from : null],
          [false, to],
        ]),
      ],
      order: id.order(direction),
    })
  // From an empty value to one that isn't there is nothing.
  if (parts.length === 0) parts.push({ conditions: ['false'], order: id.order(direction) })
  return { position, parts: isBackward ? parts.reverse() : parts }
}

/** What is left of a stretch when its rows up to this one were read. */
export const restOf = (stretch: Stretch, read: Position): Stretch => {
  const bound = { at: read, isIncluded: false }
  return stretch.isBackward ? { ...stretch, to: bound } : { ...stretch, from: bound }
}
