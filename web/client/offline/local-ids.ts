// Ids of records that are not on the server yet, and where one record names another by such an id.

import { isNewRecord, newRecordId } from '../http/new-record.ts'

/** Of a creation with a key of the app's own: that key follows. See `createBySave`. */
const GIVEN = '\u0000='
/** A UUID, with dashes or without. */
const UNIQUE = /^([0-9a-f]-?){32}$/i

/** The id of a new record that others may name. `given`: the key that it will have. */
export const localIdOf = (unique: string, given?: string): string =>
  given === undefined ? newRecordId({ draftKey: unique }) : GIVEN + given

/** The key that the record will have, where the app has chosen it. */
export const givenIdOf = (id: string): string | null => (id.startsWith(GIVEN) ? id.slice(GIVEN.length) : null)

/** It stands for one record for ever. The form of a new record may be used again and again under its `draftKey`, unless that is a UUID. */
export const isLocalId = (id: string): boolean =>
  id.startsWith(GIVEN) || (isNewRecord(id) && UNIQUE.test(id.slice(1)))

const ID = '((?:=|%3D)[^\\s"/?&,:]+|(?:[0-9a-f]-?){32})'
const IN_ADDRESS = new RegExp(`(%00|\\u0000)${ID}`, 'gi')
const IN_JSON = new RegExp(`(\\\\+u0000)${ID}`, 'gi')

/** A text of a request, an address, a form or JSON, with each such id as `to` has it; others with what looks like one are left alone. */
export function withLocalIds(text: string, to: (id: string) => string): string {
  const isJson = /^\s*[[{"]/.test(text)
  return text.replace(isJson ? IN_JSON : IN_ADDRESS, (whole, before: string, found: string) => {
    // Of two backslashes the first makes the second a text of its own.
    const slashes = isJson ? before.length - 'u0000'.length : 1
    if (slashes % 2 === 0) return whole
    const id = to(idIn(found))
    return isJson ? '\\'.repeat(slashes - 1) + JSON.stringify(id).slice(1, -1) : encodeURIComponent(id)
  })
}

const idIn = (found: string): string =>
  /^(=|%)/.test(found) ? GIVEN + decoded(found.replace(/^(=|%3D)/i, '')) : localIdOf(found)

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** A value with each text as `to` has it; the same value where nothing changes. */
export function withTexts<T>(value: T, to: (text: string) => string): T {
  if (typeof value === 'string') return to(value) as T
  if (typeof value !== 'object' || value === null) return value
  const parts = Object.entries(value).map(([name, part]) => [name, withTexts(part, to)] as const)
  if (parts.every(([name, part]) => Object.is(part, (value as Record<string, unknown>)[name]))) return value
  return (Array.isArray(value) ? parts.map(([, part]) => part) : Object.fromEntries(parts)) as T
}

/** Whether a text in it passes. */
export function hasText(value: unknown, passes: (text: string) => boolean): boolean {
  if (typeof value === 'string') return passes(value)
  return (
    typeof value === 'object' && value !== null && Object.values(value).some((part) => hasText(part, passes))
  )
}
