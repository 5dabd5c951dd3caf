// Presence of this node's tabs: what each says goes into the roster, to the other nodes and to who watches the record.
// Invariant: a tab is at a record only while its socket is admitted to the record's room, or to a list that shows it to a user
// who may read it; without a socket, for one lease after each request of a user who may read it.
import type { Limits, Logger } from '../base/options.ts'
import type { Actor } from '../base/record-type.ts'
import type { Backplane } from '../cluster/backplane.ts'
import { shortName } from '../cluster/node-messages.ts'
import { type PresenceRequest, readPresenceMessage } from '../live/client-messages.ts'
import { recordRoom } from '../live/rooms.ts'
import { createReceiver, refused } from '../live/socket-messages.ts'
import type { SocketWatcher } from '../live/socket-watchers.ts'
import { type Audience, isAdmitted, type Watcher, type WatcherServer } from '../live/watchers.ts'
import type { PresenceAnswer, ProblemCode, RefusedMessage } from '../protocol/index.ts'
import { batchedRows } from '../records/batched-reads.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { canonicalId } from '../tables/record-id.ts'
import { tenantOf } from '../tables/tenant.ts'
import { createPresenceBroadcast } from './presence-broadcast.ts'
import { roomsShowing } from './rooms-showing.ts'
import { createRoster, type PresenceEntry, peopleFor } from './roster.ts'
import { exchangeRoster } from './roster-exchange.ts'
import { createRowsOfLists } from './rows-of-lists.ts'
import { tabKey } from './tab-key.ts'

export interface PresenceOptions {
  database: Database
  backplane: Backplane
  nodeId: string
  /** The event streams of this node. */
  streams: Audience
  limits: Limits
  log: Logger
}

export interface Presence {
  /** Takes a Socket.IO server's connections in. Returns its dispose function. */
  serve(io: WatcherServer): () => void
  /** A watcher has been let into these rooms: it is sent who is there already. */
  watched(watcher: Watcher, fresh: string[]): void
  /** Takes in what a tab says that has no socket: on an event stream, or polling. */
  announce(actor: Actor, tabId: string, message: PresenceRequest): Promise<PresenceAnswer | ProblemCode>
  /** Every tab of a tenant's people at a record, by its room. */
  at(room: string, userTenantId: string): PresenceEntry[]
  /** Tabs that are known to be at a record. */
  size(): number
  stop(): void
}

/** People whose announcements without a socket are counted; those who have been quiet longest are forgotten. */
const MOST_PEOPLE = 10_000

const presentUser = ({ id, name, kind, onBehalfOf }: Actor): PresenceEntry['user'] => ({
  id,
  name: shortName(name),
  ...(kind === 'agent' &&
    onBehalfOf && { on_behalf_of: { id: onBehalfOf.id, name: shortName(onBehalfOf.name) } }),
})

/** What a tab says of itself as the roster has it, with the lists that it is there by; or why it is refused. */
const readEntry = async (
  database: Database,
  socket: SocketWatcher,
  value: unknown,
  onGone: (room: string) => void,
): Promise<{ entry: PresenceEntry; lists: string[]; known: KnownType } | ProblemCode> => {
  const message = readPresenceMessage(value)
  if (!message) return 'malformed'
  const { actor } = socket.data
  const known = database.typeOf(message.type, actor.tenantId)?.forActor(actor)
  const id = known && canonicalId(known.key.kind, message.id)
  if (!known || !id) return 'not_found'
  const tenantId = tenantOf(known, actor)
  const room = recordRoom(tenantId, message.type, id)
  const shown = { room, tenantId, type: message.type }
  const isThere = isAdmitted(known, socket, room, tenantId)
  const row = isThere ? null : (await batchedRows(database)(known, tenantId, [id])).get(id)?.row
  const lists =
    row && known.mayRead(actor, row)
      ? roomsShowing(known, shown, row).filter((list) => isAdmitted(known, socket, list, tenantId))
      : []
  if (!isThere && lists.length === 0) {
    onGone(room)
    return 'not_found'
  }
  const isField = message.field !== null && known.shownNames.includes(message.field)
  const entry = {
    room,
    tenantId,
    type: message.type,
    id,
    socketId: socket.id,
    userTenantId: actor.tenantId,
    user: presentUser(actor),
    state: message.state,
    field: isField ? message.field : null,
    unsaved: message.unsaved,
  }
  return { entry, lists, known }
}

export const createPresence = ({
  database,
  backplane,
  nodeId,
  streams,
  limits,
  log,
}: PresenceOptions): Presence => {
  const roster = createRoster({ leaseMs: limits.presenceLeaseMs })
  const broadcast = createPresenceBroadcast(database, roster, streams, log)
  const exchange = exchangeRoster({ roster, backplane, nodeId, limits, onChanged: broadcast.changed })

  const publish = (entry: PresenceEntry) => {
    broadcast.changed(entry)
    exchange.announce([entry])
  }

  const rows = createRowsOfLists()
  const remove = (room: string, socketId: string) => {
    const gone = roster.remove(room, socketId)
    if (gone) publish(gone)
  }

  const receive = createReceiver<PresenceAnswer | RefusedMessage>({
    name: 'presence',
    log,
    limits,
    work: async (socket, message, answer) => {
      const read = await readEntry(database, socket, message, (room) => remove(room, socket.id))
      if (typeof read === 'string') return answer(refused(read))
      const { entry, lists, known } = read
      // One that has gone meanwhile is at nothing: nobody would take it out again.
      if (!socket.connected) return
      if (entry.state === null || lists.length === 0) rows.drop(socket.id, entry.room)
      else {
        const givenUp = rows.add(socket.id, entry.room, lists)
        if (givenUp !== null) remove(givenUp, socket.id)
      }
      if (socket.data.tabId !== null) remove(entry.room, tabKey(socket.data.actor, socket.data.tabId))
      if (roster.put(nodeId, entry)) publish(entry)
      answer({ ok: true, people: peopleFor(known, roster.people(entry.room, entry.userTenantId)) })
    },
  })

  const serve = (io: WatcherServer) => {
    const left = (room: string, socketId: string) => {
      remove(room, socketId)
      for (const row of rows.left(socketId, room)) remove(row, socketId)
    }
    const { adapter } = io.of('/')
    adapter.on('leave-room', left)
    const disposers = [broadcast.serve(io), receive(io), () => void adapter.off('leave-room', left)]
    return () => {
      for (const dispose of disposers) dispose()
    }
  }

  /** By person: the records at which their tabs without a socket are. */
  const announced = new Map<string, ReturnType<typeof createRowsOfLists>>()
  const rowsOfPerson = ({ tenantId, id }: Actor) => {
    const key = JSON.stringify([tenantId, id])
    const known = announced.get(key) ?? createRowsOfLists()
    announced.delete(key)
    announced.set(key, known)
    if (announced.size > MOST_PEOPLE) announced.delete(announced.keys().next().value as string)
    return known
  }

  const announce: Presence['announce'] = async (actor, tabId, message) => {
    const { type, state, field, unsaved } = message
    const known = database.typeOf(type, actor.tenantId)?.forActor(actor)
    const id = known && canonicalId(known.key.kind, message.id)
    if (!known || !id) return 'not_found'
    const tenantId = tenantOf(known, actor)
    const room = recordRoom(tenantId, type, id)
    const socketId = tabKey(actor, tabId)
    const found = await batchedRows(database.forActor(actor))(known, tenantId, [id])
    const row = found.get(id)?.row
    if (!row || !known.mayRead(actor, row)) {
      remove(room, socketId)
      return 'not_found'
    }
    const own = rowsOfPerson(actor)
    if (state === null) own.drop('', room)
    else {
      const givenUp = own.add('', room, [])
      if (givenUp !== null)
        for (const entry of roster.at(givenUp, actor.tenantId))
          if (entry.user.id === actor.id && entry.socketId.startsWith('tab ')) remove(givenUp, entry.socketId)
    }
    const entry: PresenceEntry = {
      room,
      tenantId,
      type,
      id,
      socketId,
      userTenantId: actor.tenantId,
      state,
      unsaved,
      user: presentUser(actor),
      field: field !== null && known.shownNames.includes(field) ? field : null,
    }
    if (roster.put(nodeId, entry)) publish(entry)
    return { ok: true, people: peopleFor(known, roster.people(room, actor.tenantId)) }
  }

  return {
    serve,
    announce,
    watched: broadcast.sendFirst,
    at: roster.at,
    size: roster.size,
    stop: () => {
      exchange.stop()
      broadcast.stop()
    },
  }
}
