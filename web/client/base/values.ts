// Comparing and cutting field values. Two values are the same when their JSON would be.

import type { Fields, WireRecord } from '../../../server/protocol/index.ts'

/** Structural equality of JSON values; key order does not count, nor does a key that holds `undefined`. */
export function isSame(a: unknown, b: unknown): boolean {
  if (a === b || Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const left = a as Fields
  const right = b as Fields
  const keys = keysOf(left)
  return (
    keys.length === keysOf(right).length &&
    keys.every((key) => Object.hasOwn(right, key) && isSame(left[key], right[key]))
  )
}

const keysOf = (value: Fields) => Object.keys(value).filter((key) => value[key] !== undefined)

/** The names of the fields whose values differ. */
export function differingFields(a: Fields, b: Fields): string[] {
  const names = new Set([...Object.keys(a), ...Object.keys(b)])
  return [...names].filter((name) => !isSame(a[name], b[name]))
}

/** Only those entries that pass. */
export function pick(fields: Fields, passes: (field: string, value: unknown) => boolean): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([field, value]) => passes(field, value)))
}

/** It has a field of this name; one may be called `constructor`. */
export const hasField: (fields: object, field: string) => boolean = Object.hasOwn

export const isEmpty = (fields: object): boolean => Object.keys(fields).length === 0

/**
 * The values for somebody else's hands: what they change in place changes nothing here. What has parts is copied when it is read:
 * most of it is read by nobody, at each key.
 */
export function copiesOf(fields: Fields): Fields {
  const copies: Fields = { ...fields }
  const put = (field: string, value: unknown) =>
    Object.defineProperty(copies, field, { value, enumerable: true, configurable: true, writable: true })
  for (const [field, value] of Object.entries(fields))
    if (typeof value === 'object' && value !== null)
      Object.defineProperty(copies, field, {
        enumerable: true,
        configurable: true,
        get: () => put(field, structuredClone(value))[field],
        set: (given) => put(field, given),
      })
  return copies
}

/** May its reader not change this field? One that they don't see either: it is not there. */
export const isReadOnly = ({ fields, rights, read_only: fixed = [] }: WireRecord, field: string): boolean =>
  rights !== undefined && (fixed.includes(field) || !hasField(fields, field))
