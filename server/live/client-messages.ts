// What sockets send, checked before anything is done with it.
// Invariant: a frame of any shape at all gives a message or a refusal, and never throws.
import type { ListAddress, PresenceState, RecordAddress, Scope } from '../protocol/index.ts'
import type { TakeOverMessage, TakeOverWord } from '../protocol/take-over.ts'

/** A `watch` or `unwatch` message that could be read. */
export interface WatchRequest {
  records: RecordAddress[]
  lists: (ListAddress & { scope: Scope; cursor?: string })[]
}

const MAX_NAME = 200

/** A plain object; binary parts of a frame arrive as buffers, which are refused. */
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype

const isName = (value: unknown): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= MAX_NAME

const readScope = (value: unknown): Scope | null => {
  if (value === undefined) return {}
  if (!isObject(value)) return null
  const entries = Object.entries(value)
  return entries.length <= 1 && entries.every(([, text]) => isName(text))
    ? (Object.fromEntries(entries) as Scope)
    : null
}

const readList = (value: unknown) => {
  if (!isObject(value) || !isName(value.type)) return null
  const scope = readScope(value.scope)
  if (!scope || (value.cursor !== undefined && typeof value.cursor !== 'string')) return null
  return { type: value.type, scope, ...(value.cursor === undefined ? {} : { cursor: value.cursor }) }
}

const readRecord = (value: unknown): RecordAddress | null => {
  if (!isObject(value) || !isName(value.type) || !isName(value.id)) return null
  if (value.version !== undefined && !Number.isSafeInteger(value.version)) return null
  return { type: value.type, id: value.id }
}

const STATES: readonly unknown[] = [null, 'viewing', 'editing', 'idle'] satisfies (PresenceState | null)[]

/** A `presence` message that could be read. */
export interface PresenceRequest extends RecordAddress {
  /** `null`: no longer there. */
  state: PresenceState | null
  field: string | null
  unsaved: boolean
}

/** The message, or `null` where it isn't one. */
export const readPresenceMessage = (value: unknown): PresenceRequest | null => {
  if (!isObject(value) || !isName(value.type) || !isName(value.id) || !STATES.includes(value.state))
    return null
  const { type, id, state, field = null, unsaved = false } = value
  if ((field !== null && !isName(field)) || typeof unsaved !== 'boolean') return null
  return { type, id, state: state as PresenceState | null, field, unsaved }
}

const WORDS: readonly unknown[] = ['ask', 'handed_over', 'not_now'] satisfies TakeOverWord[]

/** The message, or `null` where it isn't one. */
export const readTakeOverMessage = (value: unknown): TakeOverMessage | null => {
  if (!isObject(value) || !isName(value.type) || !isName(value.id) || !isName(value.to)) return null
  const { type, id, to, say } = value
  return WORDS.includes(say) ? { type, id, to, say: say as TakeOverWord } : null
}

const readEach = <T>(value: unknown, most: number, read: (entry: unknown) => T | null): T[] | null => {
  if (value === undefined) return []
  if (!Array.isArray(value) || value.length > most) return null
  const entries: T[] = []
  for (const entry of value) {
    const found = read(entry)
    if (found === null) return null
    entries.push(found)
  }
  return entries
}

/** The message, or `null` where it isn't one. At most `most` records and as many lists. */
export const readWatchMessage = (value: unknown, most: number): WatchRequest | null => {
  if (!isObject(value)) return null
  const records = readEach(value.records, most, readRecord)
  const lists = readEach(value.lists, most, readList)
  return records && lists ? { records, lists } : null
}
