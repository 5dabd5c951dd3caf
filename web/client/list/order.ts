// The order of a list's rows, the same for a whole list and for one row that finds its place: by one field, empty values
// last whichever way, then by id. Text is ordered as people of the language order it.

import type { WireRecord } from '../../../server/protocol/index.ts'
import { localeOf } from '../base/locale.ts'

export type CompareRecords = (a: WireRecord, b: WireRecord) => number

const DIGITS = /^-?\d+$/
/** Dates and times, for which the language makes no difference, and which are many. */
const TIME = /^\d{4}-\d\d-\d\d(T|$)/
const NUMBER = /^-?\d+(\.\d+)?$/

/** `sort` as lists take it: a field, `id`, `version` or `updated_at`; `-` before it for descending. */
export function compareRecords(sort: string, locale?: string): CompareRecords {
  const isDescending = sort.startsWith('-')
  const name = isDescending ? sort.slice(1) : sort
  const sign = isDescending ? -1 : 1
  const collator = new Intl.Collator(locale && localeOf(locale), { numeric: true })
  return (a, b) => {
    if (name !== 'id') {
      const [left, right] = [sortValue(a, name), sortValue(b, name)]
      if (left === null || right === null) {
        if (left !== right) return left === null ? 1 : -1
      } else {
        const order = compareValues(left, right, collator)
        if (order !== 0) return sign * order
      }
    }
    return sign * compareIds(a.id, b.id)
  }
}

function sortValue(record: WireRecord, name: string): unknown {
  if (name === 'version') return record.version
  return (name === 'updated_at' ? record.updated_at : record.fields[name]) ?? null
}

/** Values of one column: a number too long for JavaScript comes as its digits. */
function compareValues(a: unknown, b: unknown, collator: Intl.Collator): number {
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b)
  if (typeof a === 'number' && typeof b === 'number') return a - b
  if (typeof a === 'number' || typeof b === 'number') return Number(a) - Number(b)
  const [left, right] = [String(a), String(b)]
  if (left === right) return 0
  if (left.length === right.length && TIME.test(left) && TIME.test(right)) return left < right ? -1 : 1
  if (isLongNumber(left) && isLongNumber(right) && Number(left) !== Number(right))
    return Number(left) - Number(right)
  return collator.compare(left, right) || (left < right ? -1 : 1)
}

const isLongNumber = (text: string) => text.length > 15 && NUMBER.test(text)

/** Integer keys by size, others by their text. */
function compareIds(a: string, b: string): number {
  if (a === b) return 0
  if (DIGITS.test(a) && DIGITS.test(b))
    return a.length > 15 || b.length > 15 ? (BigInt(a) < BigInt(b) ? -1 : 1) : Number(a) - Number(b)
  return a < b ? -1 : 1
}

/** Puts sorted rows into sorted rows; of both, none changes its place among its own. */
export function mergeRows(
  rows: readonly WireRecord[],
  arriving: readonly WireRecord[],
  compare: CompareRecords,
): WireRecord[] {
  const merged: WireRecord[] = []
  let next = 0
  for (const row of rows) {
    for (let one = arriving[next]; one && compare(one, row) < 0; one = arriving[++next]) merged.push(one)
    merged.push(row)
  }
  return [...merged, ...arriving.slice(next)]
}
