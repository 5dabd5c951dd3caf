// Values on their way between a form and a record: a record holds JSON, a form may hold dates and numbers that are none.

import { emptyValue, INPUT_KINDS } from '../client/base/field-text.ts'
import { plainValue } from '../client/base/plain-value.ts'
import { isSame } from '../client/base/values.ts'

const MIDNIGHT = /T00:00:00\.000Z$/

/**
 * A form's value as the record takes it. A date of `valueAsDate` is the day that was chosen, unless the record's own value
 * has a time of day; what is no date and no number is no value, and an emptied input is what it is in `field()`.
 *
 * @throws TypeError for what JSON has no form for.
 */
export function recordValue(field: string, value: unknown, base: unknown, inputType = ''): unknown {
  const plain = plainValue(field, value)
  if (plain === '') return emptyValue(INPUT_KINDS[inputType] ?? 'text', inputType, base)
  const isDay = value instanceof Date && !(typeof base === 'string' && base.includes('T'))
  return isDay && typeof plain === 'string' && MIDNIGHT.test(plain) ? plain.slice(0, 10) : plain
}

/** The form shows it already. */
export function isShown(shown: unknown, value: unknown): boolean {
  try {
    return isSame(recordValue('', shown, value), value)
  } catch {
    return false
  }
}

/** What stands in a form's field when there is nothing to show. */
export function emptyOf(value: unknown): unknown {
  if (typeof value === 'string') return ''
  if (typeof value === 'boolean') return false
  return Array.isArray(value) ? [] : null
}
