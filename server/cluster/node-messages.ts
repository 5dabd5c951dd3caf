// What every message between nodes is read with: a node of another release may send other ones.
// Invariant: a reader gives a message or `null` for a payload of any shape, never throws, and bounds each part.
import { recordRoom } from '../live/rooms.ts'

/** The longest id of a person, tenant or record that travels between nodes, in characters. */
export const MAX_ID = 1_000
/** A longer name is cut: it is for people to read. */
export const MAX_NAME = 200
/** Entries of one message. */
export const MAX_ENTRIES = 100

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const isText = (value: unknown, most = MAX_ID): value is string =>
  typeof value === 'string' && value.length <= most

export const isTextOrNull = (value: unknown, most = MAX_ID): value is string | null =>
  value === null || isText(value, most)

export const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0

/** A name as it travels. */
export const shortName = (name: string): string =>
  name.length <= MAX_NAME ? name : `${name.slice(0, MAX_NAME - 1).toWellFormed()}…`

export const readPerson = (value: unknown): { id: string; name: string } | null =>
  isObject(value) && isText(value.id) && isText(value.name, MAX_NAME)
    ? { id: value.id, name: value.name }
    : null

/** A record's address and its room, where they belong together. */
export const readRecordRoom = ({ room, tenantId, type, id }: Record<string, unknown>) => {
  if (!isText(tenantId) || !isText(type, MAX_NAME) || !isText(id)) return null
  return room === recordRoom(tenantId, type, id) ? { room, tenantId, type, id } : null
}

/** All entries, or `null` where one can't be read or there are more than `most`. */
export const readEach = <T>(value: unknown, most: number, read: (entry: unknown) => T | null): T[] | null => {
  if (!Array.isArray(value) || value.length > most) return null
  const entries = value.map(read)
  return entries.includes(null) ? null : (entries as T[])
}

/** A message that says all by its name. */
export const readNothing = (value: unknown): true | null => (value === null ? true : null)
