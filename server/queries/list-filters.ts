// Filters of a list, as a query's parameters name them.
// Invariant: `filter[NAME]` is the field of that name, whatever it is called; a bare name is one where it means nothing else.
import { addTo } from '../base/groups.ts'
import { refuse } from '../base/problems.ts'
import type { KnownType } from '../tables/database.ts'

/** How a field is compared. `null`: whether it has no value, `true` or `false`; `never`: no record is in the list. */
const OPERATORS = ['eq', 'ne', 'lt', 'lte', 'gt', 'gte', 'in', 'contains', 'null'] as const
type Operator = (typeof OPERATORS)[number]

/** One comparison of a field with a text. */
export interface Condition {
  field: string
  operator: Operator
  value: string
}

/** All of these conditions; where there are groups, all those of one group; and of each of `nots` not all. */
export interface Filters {
  all: Condition[]
  groups: Condition[][]
  nots: Condition[][]
}

/** Parameters of a list that are no filters as bare names. */
const RESERVED = new Set(['sort', 'limit', 'after', 'cursor', 'search', 'count'])

/** Parameters that no bare name of a field is. */
const OTHER = /^(window\[(after|before|from|to)\]|sum\[.+\])$/s

const MOST = 50
/** Values of one `in`. */
const MOST_VALUES = 500
/** Characters of all `contains`: each text is compared with them at each of its places. */
const MOST_CONTAINED = 200

const isOperator = (text: string): text is Operator => (OPERATORS as readonly string[]).includes(text)

/** `NAME`, or `NAME][OPERATOR`: a field of that very name comes first. */
const conditionOf = (inner: string, value: string, isField: (name: string) => boolean): Condition | null => {
  if (isField(inner)) return { field: inner, operator: 'eq', value }
  const at = inner.lastIndexOf('][')
  const [field, operator] = [inner.slice(0, at), inner.slice(at + 2)]
  return at > 0 && isField(field) && isOperator(operator) ? { field, operator, value } : null
}

/** @throws Refusal for a name that is no field of the type, and for a parameter that stands twice. */
export const filtersOf = (parameters: URLSearchParams, { shownNames, lists }: KnownType): Filters => {
  const isField = (name: string) => shownNames.includes(name) || lists.includes(name)
  const all: Condition[] = []
  const groups = { or: new Map<string, Condition[]>(), not: new Map<string, Condition[]>() }
  const names = [...parameters.keys()].filter((name) => !RESERVED.has(name) && !OTHER.test(name))
  if (names.length > MOST) return refuse('malformed', `A list takes ${MOST} filters at most.`)
  for (const name of names) {
    const [value = '', ...further] = parameters.getAll(name)
    if (further.length > 0) return refuse('malformed', `${name} must be given once.`)
    const inner = /^filter\[(.+)\]$/s.exec(name)?.[1] ?? ''
    const plain = isField(name) ? ({ field: name, operator: 'eq', value } as const) : null
    const condition = plain ?? conditionOf(inner, value, isField)
    const [, kind = 'or', group = '', within = ''] = /^(or|not)\]\[(\d{1,2})\]\[(.+)$/s.exec(inner) ?? []
    const grouped = condition ? null : conditionOf(within, value, isField)
    if ((condition ?? grouped)?.operator === 'in' && valuesIn(value).length > MOST_VALUES)
      return refuse('malformed', `${name} takes ${MOST_VALUES} values at most.`)
    if (condition) all.push(condition)
    else if (grouped) addTo(groups[kind as 'or' | 'not'], group, grouped)
    else return refuse('malformed', `There is no field ${inner || name} to filter by.`)
  }
  const filters = { all, groups: [...groups.or.values()], nots: [...groups.not.values()] }
  const contained = [all, ...filters.groups, ...filters.nots]
    .flat()
    .reduce((sum, { operator, value }) => sum + (operator === 'contains' ? value.length : 0), 0)
  return contained <= MOST_CONTAINED
    ? filters
    : refuse('malformed', `contains takes ${MOST_CONTAINED} characters at most, of all filters together.`)
}

/** The values of `in`: separated by commas, a comma within one as `\,`, a backslash as `\\`. */
export const valuesIn = (text: string): string[] => {
  const values = ['']
  for (const [piece] of text.matchAll(/\\.|[^\\]|\\$/gsu)) {
    if (piece === ',') values.push('')
    else values[values.length - 1] += piece.length === 2 && piece.startsWith('\\') ? piece.slice(1) : piece
  }
  return values
}
