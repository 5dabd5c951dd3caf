// Values on their way between a form and a record: a record holds JSON, a form may hold dates and numbers that are none.

import { isSame } from '../client/base/values.ts'

const MIDNIGHT = /T00:00:00\.000Z$/

/**
 * A form's value as the record takes it. A date of `valueAsDate` is the day that was chosen, unless the record's own value
 * has a time of day; what is no date and no number is no value.
 */
export function recordValue(value: unknown, base: unknown): unknown {
  if (!(value instanceof Date)) return value === undefined ? undefined : structuredClone(jsonOf(value))
  const text = value.toJSON()
  const isDay = !(typeof base === 'string' && base.includes('T'))
  return text !== null && isDay && MIDNIGHT.test(text) ? text.slice(0, 10) : text
}

function jsonOf(value: unknown): unknown {
  if (value instanceof Date) return value.toJSON()
  if (typeof value === 'number') return Number.isFinite(value) ? value : null
  if (Array.isArray(value)) return value.map(jsonOf)
  if (typeof value !== 'object' || value === null) return value
  if (Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, jsonOf(each)]))
}

/** The form shows it already. */
export const isShown = (shown: unknown, value: unknown): boolean => isSame(recordValue(shown, value), value)

/** What stands in a form's field when there is nothing to show. */
export function emptyOf(value: unknown): unknown {
  if (typeof value === 'string') return ''
  if (typeof value === 'boolean') return false
  return Array.isArray(value) ? [] : null
}
