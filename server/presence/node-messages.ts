// Messages between nodes about people: presence, asking to take over, imports under way; checked before it is used.
// Invariant: a payload of any shape gives a message or `null`, and never throws.
import {
  isCount,
  isObject,
  isText,
  isTextOrNull,
  MAX_ENTRIES,
  MAX_NAME,
  readEach,
  readPerson,
  readRecordRoom,
} from '../cluster/node-messages.ts'
import type { ImportingEvent } from '../protocol/import-progress.ts'
import type { PresenceState } from '../protocol/index.ts'
import type { TakeOverEvent, TakeOverWord } from '../protocol/take-over.ts'
import type { PresenceEntry } from './roster.ts'

const STATES: readonly unknown[] = [null, 'viewing', 'editing', 'idle'] satisfies (PresenceState | null)[]

const readEntry = (value: unknown): PresenceEntry | null => {
  if (!isObject(value)) return null
  const recordRoom = readRecordRoom(value)
  const user = readPerson(value.user)
  const { socketId, userTenantId, state, field } = value
  if (!recordRoom || !user || !isText(socketId, MAX_NAME) || !STATES.includes(state)) return null
  if (!isText(userTenantId) || !isTextOrNull(field, MAX_NAME)) return null
  const unsaved = value.unsaved === true
  const behalf = isObject(value.user) ? readPerson(value.user.on_behalf_of) : null
  if (behalf) Object.assign(user, { on_behalf_of: behalf })
  return { ...recordRoom, socketId, userTenantId, user, state: state as PresenceState | null, field, unsaved }
}

export const readPresence = (value: unknown): PresenceEntry[] | null =>
  readEach(value, MAX_ENTRIES, readEntry)

/** What one person says to another at a record, as nodes pass it on. */
export interface TakeOverPassed extends TakeOverEvent {
  room: string
  /** The record's tenant. */
  tenantId: string
  /** The tenant of both users; the record's own, unless its type has no tenants. */
  userTenantId: string
  to: string
}

const WORDS: readonly unknown[] = ['ask', 'handed_over', 'not_now'] satisfies TakeOverWord[]

export const readTakeOver = (value: unknown): TakeOverPassed | null => {
  if (!isObject(value)) return null
  const recordRoom = readRecordRoom(value)
  const from = readPerson(value.from)
  const { userTenantId, to, say } = value
  if (!recordRoom || !from || !isText(userTenantId) || !isText(to) || !WORDS.includes(say)) return null
  return { ...recordRoom, from, userTenantId, to, say: say as TakeOverWord }
}

const PHASES: readonly unknown[] = ['reading', 'writing', 'ended'] satisfies ImportingEvent['phase'][]

export const readImporting = (value: unknown): ImportingEvent | null => {
  if (!isObject(value)) return null
  const { tenant_id, type, import_id, phase, rows, written, bytes, total_bytes, tab_id } = value
  const by = readPerson(value.updated_by)
  if (!by || !isTextOrNull(tenant_id) || !isText(type, MAX_NAME) || !isText(import_id, MAX_NAME)) return null
  if (!PHASES.includes(phase) || !isCount(rows) || !isCount(written) || !isCount(bytes)) return null
  if (!(total_bytes === null || isCount(total_bytes)) || !isTextOrNull(tab_id, MAX_NAME)) return null
  const progress = { phase: phase as ImportingEvent['phase'], rows, written, bytes, total_bytes }
  return { tenant_id, type, import_id, ...progress, updated_by: { ...by, kind: 'user' }, tab_id }
}
