// Three versions of one value into one: the common original, mine and theirs. Objects are merged by their keys, and
// rows by their stable ids, so that two people who work in different rows of one field don't collide.
// Invariant: a value that only one side changed comes out as that side has it; nothing is ever half of each.

import type { Fields } from '../../../server/protocol/index.ts'
import { isSame } from './values.ts'

/** The merged value, or `null` where both sides changed the same thing differently. */
export type Merged = { value: unknown } | null

/** A row's stable id, where a list is one of rows: `id`, else `key`. */
const idOf = (row: unknown): string | null => {
  if (typeof row !== 'object' || row === null) return null
  const { id, key } = row as { id?: unknown; key?: unknown }
  const found = id ?? key
  return typeof found === 'string' || typeof found === 'number' ? String(found) : null
}

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isRows = (value: unknown): value is unknown[] => {
  if (!Array.isArray(value)) return false
  const ids = value.map(idOf)
  return !ids.includes(null) && new Set(ids).size === ids.length
}

/**
 * Merges one field's value.
 *
 * @example
 * mergeValues({ a: 1, b: 1 }, { a: 2, b: 1 }, { a: 1, b: 3 })   // { value: { a: 2, b: 3 } }
 */
export function mergeValues(original: unknown, mine: unknown, theirs: unknown): Merged {
  if (isSame(mine, theirs) || isSame(theirs, original)) return { value: mine }
  if (isSame(mine, original)) return { value: theirs }
  if (isObject(original) && isObject(mine) && isObject(theirs)) return mergeObjects(original, mine, theirs)
  if (isRows(original) && isRows(mine) && isRows(theirs)) return mergeRows(original, mine, theirs)
  return null
}

/** `undefined` stands for a key that is not there: taking a key away is a change like any other. */
function mergeObjects(original: Fields, mine: Fields, theirs: Fields): Merged {
  const merged: [string, unknown][] = []
  for (const key of new Set([...Object.keys(theirs), ...Object.keys(mine), ...Object.keys(original)])) {
    const one = mergeValues(own(original, key), own(mine, key), own(theirs, key))
    if (!one) return null
    if (one.value !== undefined) merged.push([key, one.value])
  }
  return { value: Object.fromEntries(merged) }
}

const own = (fields: Fields, key: string): unknown => (Object.hasOwn(fields, key) ? fields[key] : undefined)

/** Theirs give the order; rows of mine that they don't have stand after the row that they stood after. */
function mergeRows(original: unknown[], mine: unknown[], theirs: unknown[]): Merged {
  const [before, my, their] = [original, mine, theirs].map(byId) as [Rows, Rows, Rows]
  const order = [...their.keys()]
  let last: string | null = null
  for (const id of my.keys()) {
    if (!their.has(id)) order.splice(last === null ? 0 : order.indexOf(last) + 1, 0, id)
    last = id
  }
  const merged: unknown[] = []
  for (const id of order) {
    const one = mergeValues(before.get(id), my.get(id), their.get(id))
    if (!one) return null
    if (one.value !== undefined) merged.push(one.value)
  }
  return isReordered(original, mine) && isReordered(original, theirs)
    ? null
    : { value: inOrder(merged, original, mine) }
}

type Rows = Map<string, unknown>

const byId = (rows: unknown[]): Rows => new Map(rows.map((row) => [idOf(row) ?? '', row]))

/** The rows that both have stand in another order. */
function isReordered(original: unknown[], changed: unknown[]): boolean {
  const there = byId(changed)
  const here = byId(original)
  const left = [...here.keys()].filter((id) => there.has(id))
  return !isSame(
    left,
    [...there.keys()].filter((id) => here.has(id)),
  )
}

/** Where only I moved rows, mine give the order. */
function inOrder(rows: unknown[], original: unknown[], mine: unknown[]): unknown[] {
  if (!isReordered(original, mine)) return rows
  const places = new Map(mine.map((row, place) => [idOf(row), place]))
  const placeOf = (row: unknown) => places.get(idOf(row)) ?? mine.length
  return rows.toSorted((a, b) => placeOf(a) - placeOf(b))
}
