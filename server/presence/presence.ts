// Presence on its way: from a tab to the roster, from node to node, and to those who may see the record.
// Invariant: who is at a record is sent only to sockets of the same tenant that were let into its room, or that watch a
// list which shows it, and only while they may read it, judged with the row in hand.

import type { Limits, Log } from '../base/options.ts'
import type { PermissionRecord } from '../base/record-type.ts'
import { atMostEvery, type Backplane } from '../cluster/backplane.ts'
import { MAX_ENTRIES, readNothing, shortName } from '../cluster/node-messages.ts'
import { readPresenceMessage } from '../live/client-messages.ts'
import { listRoom, recordRoom } from '../live/rooms.ts'
import { createReceiver, refused } from '../live/socket-messages.ts'
import { type SocketWatcher, watchersOf } from '../live/socket-watchers.ts'
import { isAdmitted, type WatcherServer } from '../live/watchers.ts'
import type { PresenceAnswer, ProblemCode, RefusedMessage } from '../protocol/index.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { readRecords } from '../tables/read-records.ts'
import { canonicalId } from '../tables/record-id.ts'
import { tenantOf } from '../tables/tenant.ts'
import { readPresence } from './node-messages.ts'
import { createRoster, type PresenceEntry } from './roster.ts'

export interface PresenceOptions {
  database: Database
  backplane: Backplane
  nodeId: string
  limits: Limits
  log: Log
}

export interface Presence {
  /** Takes a Socket.IO server's connections in. Returns its own undoing. */
  serve(io: WatcherServer): () => void
  /** A socket has been let into these rooms: it is told who is there already. */
  watched(io: WatcherServer, socket: SocketWatcher, fresh: string[]): void
  /** Every tab of a tenant's people at a record, by its room. */
  at(room: string, userTenantId: string): PresenceEntry[]
  /** Tabs that are known to be at a record. */
  size(): number
  stop(): void
}

/** Changes of one moment (a person moves through a form) are told together. */
const GATHER_MS = 100
const MOST_SWEEP_MS = 5_000
const ANSWER_GAP_MS = 200
const CHUNK = 500

export const createPresence = ({ database, backplane, nodeId, limits, log }: PresenceOptions): Presence => {
  const roster = createRoster({ leaseMs: limits.presenceLeaseMs })
  const servers = new Set<WatcherServer>()
  const dirty = new Map<string, PresenceEntry>()
  let flushing: NodeJS.Timeout | null = null

  const rowsOf = async (entries: PresenceEntry[]): Promise<Map<string, PermissionRecord>> => {
    const rows = new Map<string, PermissionRecord>()
    const wanted = new Map<string, PresenceEntry[]>()
    for (const entry of entries) {
      const seen = database.recordCache.get(entry.tenantId, entry.type, entry.id)
      if (seen) rows.set(entry.room, seen)
      else {
        const key = JSON.stringify([entry.tenantId, entry.type])
        wanted.set(key, [...(wanted.get(key) ?? []), entry])
      }
    }
    for (const group of wanted.values()) {
      const [{ type, tenantId }] = group as [PresenceEntry]
      const known = database.typeOf(type)
      if (!known) continue
      for (let at = 0; at < group.length; at += CHUNK) {
        const ids = group.slice(at, at + CHUNK).map(({ id }) => id)
        const records = await readRecords(database, known, ids, { tenantId, toCache: true })
        for (const record of records.values()) rows.set(recordRoom(tenantId, type, record.id), record)
      }
    }
    return rows
  }

  const listRoomsOf = (known: KnownType, { tenantId, type }: PresenceEntry, row: PermissionRecord) => [
    listRoom(tenantId, type),
    ...known.lists.flatMap((column) => {
      const value = row.fields[column]
      return value === null || value === undefined
        ? []
        : [listRoom(tenantId, type, { [column]: String(value) })]
    }),
  ]

  const eventOf = ({ type, id, room, userTenantId }: PresenceEntry) => ({
    type,
    id,
    people: roster.people(room, userTenantId),
  })

  const tellAbout = (io: WatcherServer, entry: PresenceEntry, row: PermissionRecord) => {
    const known = database.typeOf(entry.type)
    if (!known) return
    const local = io.of('/').adapter.rooms
    const event = eventOf(entry)
    const told = new Set<string>()
    for (const room of [entry.room, ...listRoomsOf(known, entry, row)]) {
      for (const socketId of local.get(room) ?? []) {
        const watcher = watchersOf(io).get(socketId)
        if (!watcher || told.has(socketId)) continue
        if (watcher.data.actor.tenantId !== entry.userTenantId) continue
        if (!isAdmitted(known, watcher, room, entry.tenantId)) continue
        told.add(socketId)
        if (known.mayRead(watcher.data.actor, row)) watcher.emit('PresenceChanged', event)
      }
    }
  }

  const flush = async () => {
    flushing = null
    const entries = [...dirty.values()]
    dirty.clear()
    try {
      const rows = await rowsOf(entries)
      for (const entry of entries) {
        const row = rows.get(entry.room)
        if (row) for (const io of servers) tellAbout(io, entry, row)
      }
    } catch (error) {
      log.warn({ error }, 'Presence could not be told.')
    }
  }

  const changed = (entry: PresenceEntry) => {
    dirty.set(JSON.stringify([entry.room, entry.userTenantId]), entry)
    flushing ??= setTimeout(flush, GATHER_MS)
  }

  const announce = (entries: PresenceEntry[]) => {
    for (let at = 0; at < entries.length; at += MAX_ENTRIES)
      backplane.send('presence', entries.slice(at, at + MAX_ENTRIES))
  }

  /** Nodes that come up together ask all at once. */
  const answerOthers = atMostEvery(ANSWER_GAP_MS, () => announce(roster.of(nodeId)))

  backplane.on('presence', readPresence, (entries, from) => {
    for (const entry of entries) if (roster.put(from, entry)) changed(entry)
  })
  backplane.on('presence-ask', readNothing, answerOthers)
  backplane.on('presence-end', readNothing, (_, from) => {
    for (const entry of roster.removeNode(from)) changed(entry)
  })
  backplane.onUp(() => {
    backplane.send('presence-ask')
    announce(roster.of(nodeId))
  })

  const beat = setInterval(() => announce(roster.of(nodeId)), limits.presenceBeatMs)
  const sweep = setInterval(
    () => {
      for (const entry of roster.expire()) changed(entry)
    },
    Math.min(MOST_SWEEP_MS, limits.presenceLeaseMs / 3),
  )
  beat.unref()
  sweep.unref()

  const take = (socket: SocketWatcher, value: unknown): PresenceAnswer | ProblemCode => {
    const message = readPresenceMessage(value)
    const known = message && database.typeOf(message.type)
    if (!message) return 'malformed'
    const id = known && canonicalId(known.key.kind, message.id)
    if (!known || !id) return 'not_found'
    const { actor } = socket.data
    const tenantId = tenantOf(known, actor)
    const room = recordRoom(tenantId, message.type, id)
    if (!isAdmitted(known, socket, room, tenantId)) return 'not_found'
    const isField = message.field !== null && known.fieldNames.includes(message.field)
    const entry: PresenceEntry = {
      room,
      tenantId,
      type: message.type,
      id,
      socketId: socket.id,
      userTenantId: actor.tenantId,
      user: { id: actor.id, name: shortName(actor.name) },
      state: message.state,
      field: isField ? message.field : null,
    }
    if (roster.put(nodeId, entry)) {
      changed(entry)
      announce([entry])
    }
    return { ok: true, people: roster.people(room, actor.tenantId) }
  }

  const receive = createReceiver<PresenceAnswer | RefusedMessage>({
    ...{ name: 'presence', log, limits },
    work: (watcher, message, answer) => {
      const given = take(watcher, message)
      answer(typeof given === 'string' ? refused(given) : given)
    },
  })

  const serve = (io: WatcherServer) => {
    servers.add(io)
    const stop = receive(io)
    const left = (room: string, socketId: string) => {
      const gone = roster.remove(room, socketId)
      if (!gone) return
      changed(gone)
      announce([gone])
    }
    const { adapter } = io.of('/')
    adapter.on('leave-room', left)
    return () => {
      servers.delete(io)
      adapter.off('leave-room', left)
      stop()
    }
  }

  /** Full state first: a record's people, and for a list those at each of its records that this watcher may read. */
  const tellAtFirst = async (io: WatcherServer, socket: SocketWatcher, fresh: string[]) => {
    const entries = new Map<string, PresenceEntry>()
    for (const room of fresh) {
      const watched = socket.data.watching.get(room)
      if (!watched) continue
      const { type } = 'record' in watched ? watched.record : watched.list
      const known = database.typeOf(type)
      if (!known) continue
      const { actor } = socket.data
      const present = roster.records(tenantOf(known, actor), type, actor.tenantId)
      for (const entry of present)
        if (!('record' in watched) || entry.room === room) entries.set(entry.room, entry)
    }
    if (entries.size === 0) return
    const rows = await rowsOf([...entries.values()])
    for (const [room, entry] of entries) {
      const row = rows.get(room)
      const known = database.typeOf(entry.type)
      if (!row || !known?.mayRead(socket.data.actor, row)) continue
      const shown = [room, ...listRoomsOf(known, entry, row)]
      if (shown.some((name) => socket.data.watching.get(name)?.admitted) && servers.has(io))
        socket.emit('PresenceChanged', eventOf(entry))
    }
  }

  return {
    serve,
    watched: (io, socket, fresh) => {
      if (roster.size() === 0) return
      tellAtFirst(io, socket, fresh).catch((error) => log.warn({ error }, 'Presence could not be told.'))
    },
    at: roster.at,
    size: roster.size,
    stop: () => {
      backplane.send('presence-end')
      clearInterval(beat)
      clearInterval(sweep)
      if (flushing) clearTimeout(flushing)
    },
  }
}
