// From the roster to the sockets and event streams of this node that may see it.
// Invariant: who is at a record is sent only to watchers of the same tenant that were let into its room, or that watch a
// list which shows it, and only while they may read it, authorized with the record's row.
import { addTo } from '../base/groups.ts'
import type { Logger } from '../base/options.ts'
import type { PermissionRecord } from '../base/record-type.ts'
import { recordRoom } from '../live/rooms.ts'
import { watchersOf } from '../live/socket-watchers.ts'
import { type Audience, isAdmitted, type Watcher, type WatcherServer } from '../live/watchers.ts'
import type { PresenceEvent } from '../protocol/index.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { readRecords } from '../tables/read-records.ts'
import { tenantOf } from '../tables/tenant.ts'
import { roomsShowing } from './rooms-showing.ts'
import { type PresenceEntry, peopleFor, type Roster } from './roster.ts'

/** Changes of one moment (a user moves through a form) are sent together. */
const GATHER_MS = 100
/** Records that one query reads. */
const CHUNK = 500

/** The rows by which a person's entries are authorized, by room: from the cache, else one query for some records of a type and tenant. */
const readRows = async (
  database: Database,
  entries: PresenceEntry[],
): Promise<Map<string, PermissionRecord>> => {
  const rows = new Map<string, PermissionRecord>()
  const missing = new Map<string, PresenceEntry[]>()
  for (const entry of entries) {
    const cached = database.recordCache.get(entry.tenantId, entry.type, entry.id)
    if (cached) rows.set(entry.room, cached)
    else addTo(missing, JSON.stringify([entry.tenantId, entry.type]), entry)
  }
  for (const group of missing.values()) {
    const [{ type, tenantId }] = group as [PresenceEntry]
    const known = database.typeOf(type, tenantId)
    if (!known) continue
    for (let at = 0; at < group.length; at += CHUNK) {
      const ids = group.slice(at, at + CHUNK).map(({ id }) => id)
      const records = await readRecords(database, known, ids, { tenantId, toCache: true })
      for (const record of records.values()) rows.set(recordRoom(tenantId, type, record.id), record)
    }
  }
  return rows
}

/** What a watcher is to be sent for rooms that it was just let into: one entry of each record at which somebody is. */
const entriesIn = (
  database: Database,
  roster: Roster,
  { data: { actor, watching } }: Watcher,
  rooms: string[],
): PresenceEntry[] => {
  const entries = new Map<string, PresenceEntry>()
  for (const room of rooms) {
    const watched = watching.get(room)
    if (!watched) continue
    const { type } = 'record' in watched ? watched.record : watched.list
    const known = database.typeOf(type, actor.tenantId)
    if (!known) continue
    for (const entry of roster.records(tenantOf(known, actor), type, actor.tenantId))
      if (!('record' in watched) || entry.room === room) entries.set(entry.room, entry)
  }
  return [...entries.values()]
}

export interface PresenceBroadcast {
  /** Sends to a Socket.IO server's sockets too. Returns its dispose function. */
  serve(io: WatcherServer): () => void
  /** The people at an entry's record have changed: sent soon, with what else changes meanwhile. */
  changed(entry: PresenceEntry): void
  /** Sends a watcher who is there already, for rooms that it was just let into. */
  sendFirst(watcher: Watcher, fresh: string[]): void
  stop(): void
}

/** Whom presence is sent to. */
type Seers = Pick<Audience, 'rooms' | 'watchers'>

export const createPresenceBroadcast = (
  database: Database,
  roster: Roster,
  streams: Seers,
  log: Logger,
): PresenceBroadcast => {
  const servers = new Set<WatcherServer>()
  const audiences = (): Seers[] => [
    ...[...servers].map((io) => ({ rooms: () => io.of('/').adapter.rooms, watchers: () => watchersOf(io) })),
    streams,
  ]
  /** One entry of each record, and tenant of its people, that has changed. */
  const dirty = new Map<string, PresenceEntry>()
  let flushing: NodeJS.Timeout | null = null

  const eventOf = ({ type, id, room, userTenantId }: PresenceEntry): PresenceEvent => ({
    type,
    id,
    people: roster.people(room, userTenantId),
  })

  const seenBy = (known: KnownType, { data }: Watcher, event: PresenceEvent): PresenceEvent =>
    known.isGuarded ? { ...event, people: peopleFor(known.forActor(data.actor), event.people) } : event

  /** To those whose database session the row was read in. */
  const send = (audience: Seers, entry: PresenceEntry, row: PermissionRecord, session: Database) => {
    const known = database.typeOf(entry.type, entry.tenantId)
    if (!known) return
    const local = audience.rooms()
    const event = eventOf(entry)
    const sentTo = new Set<string>()
    for (const room of roomsShowing(known, entry, row)) {
      for (const id of local.get(room) ?? []) {
        const watcher = audience.watchers().get(id)
        if (!watcher || sentTo.has(id)) continue
        if (watcher.data.actor.tenantId !== entry.userTenantId) continue
        if (!isAdmitted(known, watcher, room, entry.tenantId)) continue
        if (database.forActor(watcher.data.actor) !== session) continue
        sentTo.add(id)
        if (known.mayRead(watcher.data.actor, row))
          watcher.emit('PresenceChanged', seenBy(known, watcher, event))
      }
    }
  }

  const warn = (error: unknown) => log.warn({ err: error }, 'Presence could not be sent.')

  /** The database sessions of those who may be here to see it. */
  const sessions = (): Iterable<Database> => {
    if (!database.hasSessions) return [database]
    const watchers = audiences().flatMap((audience) => [...audience.watchers().values()])
    return new Set(watchers.map(({ data }) => database.forActor(data.actor)))
  }

  const sendWithin = async (session: Database, entries: PresenceEntry[]) => {
    const rows = await readRows(session, entries)
    for (const entry of entries) {
      const row = rows.get(entry.room)
      if (row) for (const audience of audiences()) send(audience, entry, row, session)
    }
  }

  const flush = async () => {
    flushing = null
    const entries = [...dirty.values()]
    dirty.clear()
    try {
      for (const session of sessions()) await sendWithin(session, entries)
    } catch (error) {
      warn(error)
    }
  }

  const sendAll = async (watcher: Watcher, fresh: string[]) => {
    const entries = entriesIn(database, roster, watcher, fresh)
    if (entries.length === 0) return
    const rows = await readRows(database.forActor(watcher.data.actor), entries)
    for (const entry of entries) {
      const row = rows.get(entry.room)
      const known = database.typeOf(entry.type, entry.tenantId)
      if (!row || !known?.mayRead(watcher.data.actor, row) || !watcher.connected) continue
      const { watching } = watcher.data
      if (roomsShowing(known, entry, row).some((room) => watching.get(room)?.admitted))
        watcher.emit('PresenceChanged', seenBy(known, watcher, eventOf(entry)))
    }
  }

  return {
    serve: (io) => {
      servers.add(io)
      return () => void servers.delete(io)
    },
    changed: (entry) => {
      dirty.set(JSON.stringify([entry.room, entry.userTenantId]), entry)
      flushing ??= setTimeout(flush, GATHER_MS)
    },
    sendFirst: (watcher, fresh) => {
      if (roster.size() > 0) sendAll(watcher, fresh).catch(warn)
    },
    stop: () => {
      if (flushing) clearTimeout(flushing)
    },
  }
}
