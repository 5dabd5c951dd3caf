// Values as plain JSON, once, where they come in. Invariant: what is kept, compared and sent is a copy that nobody else can
// change, and exactly what JSON says; what JSON would drop or empty in silence is refused with a sentence.

import type { Fields } from '../../../server/protocol/index.ts'

/** The digits that a JavaScript number always holds. */
const EXACT_DIGITS = 15

/**
 * A copy of a field's value. No value (`undefined`, NaN) is `null`; what has a `toJSON`, as dates do, is what that says.
 *
 * @throws TypeError for what JSON has no form for: maps, sets, files, functions, circles.
 */
export function plainValue(field: string, value: unknown): unknown {
  if (typeof value === 'string') return value
  try {
    return JSON.parse(JSON.stringify(value, plainPart) ?? 'null')
  } catch (error) {
    throw new TypeError(`${field} cannot be saved: ${error instanceof Error ? error.message : error}`)
  }
}

/** Each of them; one that is `undefined` is not there. */
export const plainFields = (fields: object): Fields => {
  const plain: Fields = {}
  for (const [field, value] of Object.entries(fields))
    if (value !== undefined) plain[field] = plainValue(field, value)
  return plain
}

/** One part, as `JSON.stringify` comes to it. */
function plainPart(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value).length > EXACT_DIGITS ? String(value) : Number(value)
  const kind = typeof value === 'object' ? Object.prototype.toString.call(value).slice(8, -1) : typeof value
  const isPlain = /^(object|array|null|string|number|boolean|undefined)$/i.test(kind)
  if (!isPlain || (kind === 'Object' && isSealed(value as object)))
    throw new TypeError(`JSON has no form for a ${isPlain ? 'closed object' : kind}.`)
  return value
}

/** Of a class, and nothing of it can be seen; a plain object of another frame is none. */
function isSealed(value: object): boolean {
  const prototype = Object.getPrototypeOf(value)
  return Object.keys(value).length === 0 && prototype !== null && Object.getPrototypeOf(prototype) !== null
}
