// Comparing and cutting field values. Two values are the same when their JSON would be.

import type { Fields } from '../../../server/protocol/index.ts'

/** Structural equality of JSON values; key order does not count. */
export function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const left = a as Fields
  const right = b as Fields
  const keys = Object.keys(left)
  return (
    keys.length === Object.keys(right).length &&
    keys.every((key) => key in right && isSame(left[key], right[key]))
  )
}

/** The names of the fields whose values differ. */
export function differingFields(a: Fields, b: Fields): string[] {
  const names = new Set([...Object.keys(a), ...Object.keys(b)])
  return [...names].filter((name) => !isSame(a[name], b[name]))
}

/** Only those entries that pass. */
export function pick(fields: Fields, passes: (field: string, value: unknown) => boolean): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([field, value]) => passes(field, value)))
}

export const isEmpty = (fields: object): boolean => Object.keys(fields).length === 0
