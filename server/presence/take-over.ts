// "Ask to take over": what two people at one record say to each other, passed on from node to node.
// Invariant: advisory; nothing here stops or lets through a save. An ask reaches only a user of the same tenant who edits
// the record, from one who may change it; an answer only one who has asked; and each only while they may read the record.

import type { Limits, Logger } from '../base/options.ts'
import type { Actor, PermissionRecord } from '../base/record-type.ts'
import type { Backplane } from '../cluster/backplane.ts'
import { shortName } from '../cluster/node-messages.ts'
import { readTakeOverMessage } from '../live/client-messages.ts'
import { recordRoom } from '../live/rooms.ts'
import { createReceiver, refused } from '../live/socket-messages.ts'
import { watchersOf } from '../live/socket-watchers.ts'
import { type Audience, isAdmitted, type Watcher, type WatcherServer } from '../live/watchers.ts'
import type { ProblemCode, RefusedMessage } from '../protocol/index.ts'
import { TAKE_OVER_MS, type TakeOverAnswer, type TakeOverMessage } from '../protocol/take-over.ts'
import { batchedRows } from '../records/batched-reads.ts'
import { asksParents, readAuthorizedParts } from '../records/parents.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { canonicalId } from '../tables/record-id.ts'
import { tenantOf } from '../tables/tenant.ts'
import { readTakeOver, type TakeOverPassed } from './node-messages.ts'
import type { PresenceEntry } from './roster.ts'
import { tabKey } from './tab-key.ts'

export interface TakeOverOptions {
  database: Database
  backplane: Backplane
  /** The event streams of this node. */
  streams: Audience
  /** Who of a tenant's people is at a record, on all nodes. */
  present(room: string, userTenantId: string): PresenceEntry[]
  limits: Limits
  log: Logger
  now?: () => number
}

export interface TakeOver {
  /** Takes a Socket.IO server's connections in. Returns its dispose function. */
  serve(io: WatcherServer): () => void
  /** The same from a tab without a socket, which has announced that it is at the record. */
  say(actor: Actor, tabId: string, message: TakeOverMessage): Promise<ProblemCode | null>
}

/** Who says something, and whether they are at the record of this room. */
interface Speaker {
  actor: Actor
  isAt(room: string): boolean
}

/** The same person is asked again at most so often. */
const ASK_GAP_MS = 5_000
const MOST_ASKS = 10_000

/** A tab in the background that has edits is asked too. */
const isEditing = ({ state, unsaved }: PresenceEntry) => state === 'editing' || unsaved

const keyOf = ({ room, userTenantId }: TakeOverPassed, asker: string, asked: string) =>
  JSON.stringify([room, userTenantId, asker, asked])

export const createTakeOver = (options: TakeOverOptions): TakeOver => {
  const { database, backplane, streams, present, limits, log, now = () => performance.now() } = options
  const servers = new Set<WatcherServer>()
  /** Since when somebody waits for an answer. */
  const asks = new Map<string, number>()

  const keep = (message: TakeOverPassed) => {
    const key = keyOf(message, message.from.id, message.to)
    asks.delete(key)
    asks.set(key, now())
    if (asks.size > MOST_ASKS) asks.delete(asks.keys().next().value as string)
  }

  const sinceAsk = (message: TakeOverPassed, asker: string, asked: string) =>
    now() - (asks.get(keyOf(message, asker, asked)) ?? Number.NEGATIVE_INFINITY)

  const rowOf = async ({ type, id, tenantId }: TakeOverPassed, actor: Actor) => {
    const known = database.typeOf(type, tenantId)
    const row = known && (await batchedRows(database.forActor(actor))(known, tenantId, [id])).get(id)?.row
    return known && row ? { known, row } : null
  }

  /** Streams carry the events of several tabs, and lists show rows: each tab of the person knows what concerns it. */
  const streamsOf = ({ to, userTenantId }: TakeOverPassed): Watcher[] =>
    [...streams.watchers().values()].filter(
      ({ data: { actor } }) => actor.id === to && actor.tenantId === userTenantId,
    )

  /** An ask goes to the tabs with edits, an answer to all that watch the record, or are at it in a list. */
  const watchersMeant = (message: TakeOverPassed): Watcher[] => {
    const { room, tenantId, type, say, to, userTenantId } = message
    const known = database.typeOf(type, tenantId)
    const at = present(room, userTenantId)
    const meant = new Set(at.flatMap((entry) => (say !== 'ask' || isEditing(entry) ? entry.socketId : [])))
    const sockets = [...servers].flatMap((io) => {
      const watching = say === 'ask' ? [] : (io.of('/').adapter.rooms.get(room) ?? [])
      return [...new Set([...meant, ...watching])].flatMap((socketId) => {
        const socket = watchersOf(io).get(socketId)
        if (!socket || !known || !(meant.has(socketId) || isAdmitted(known, socket, room, tenantId)))
          return []
        const { actor } = socket.data
        return actor.id === to && actor.tenantId === userTenantId ? [socket] : []
      })
    })
    return [...sockets, ...streamsOf(message)]
  }

  const mayUpdate = async (known: KnownType, actor: Actor, row: PermissionRecord) => {
    if (!asksParents(known, actor, 'update')) return known.may(actor, 'update', row)
    const asking = { known, actor, transaction: undefined, isLocking: false }
    return (
      await readAuthorizedParts(database.forActor(actor), asking, { action: 'update', ids: [row.id] })
    ).parts.get(row.id)?.isAllowed
  }

  /** Sends to those tabs of the other person that are on this node. */
  const deliver = async (message: TakeOverPassed) => {
    if (message.say === 'ask') keep(message)
    else asks.delete(keyOf(message, message.to, message.from.id))
    const [meant] = watchersMeant(message)
    if (!meant) return
    // All of them are one person's.
    const found = await rowOf(message, meant.data.actor)
    if (!found) return
    const { type, id, from, say } = message
    for (const watcher of watchersMeant(message))
      if (found.known.mayRead(watcher.data.actor, found.row))
        watcher.emit('TakeOver', { type, id, from, say })
  }

  backplane.on('take-over', readTakeOver, (message) => {
    deliver(message).catch((error) => log.warn({ err: error }, 'An ask to take over could not be passed on.'))
  })

  const take = async ({ actor, isAt }: Speaker, message: TakeOverMessage): Promise<ProblemCode | null> => {
    const known = database.typeOf(message.type, actor.tenantId)
    const id = known && canonicalId(known.key.kind, message.id)
    if (!known || !id) return 'not_found'
    const { type, to, say } = message
    const tenantId = tenantOf(known, actor)
    const room = recordRoom(tenantId, type, id)
    if (!isAt(room)) return 'not_found'
    const from = { id: actor.id, name: shortName(actor.name) }
    const passed: TakeOverPassed = { type, id, room, tenantId, userTenantId: actor.tenantId, to, from, say }
    const found = await rowOf(passed, actor)
    if (!found || !known.mayRead(actor, found.row)) return 'not_found'
    if (say === 'ask') {
      if (!(await mayUpdate(found.known, actor, found.row))) return 'forbidden'
      const isThere = present(room, actor.tenantId).some((entry) => entry.user.id === to && isEditing(entry))
      if (!isThere || to === actor.id) return 'not_found'
      if (sinceAsk(passed, actor.id, to) < ASK_GAP_MS) return 'rate_limited'
    } else if (sinceAsk(passed, to, actor.id) > TAKE_OVER_MS) return 'not_found'
    backplane.send('take-over', passed)
    await deliver(passed)
    return null
  }

  const isPresent = (room: string, actor: Actor, key: string) =>
    present(room, actor.tenantId).some(({ socketId }) => socketId === key)

  const receive = createReceiver<TakeOverAnswer | RefusedMessage>({
    name: 'take_over',
    log,
    limits,
    work: async (socket, value, answer) => {
      const message = readTakeOverMessage(value)
      if (!message) return answer(refused('malformed'))
      const { actor, watching } = socket.data
      const isAt = (room: string) =>
        watching.get(room)?.admitted === true || isPresent(room, actor, socket.id)
      const code = await take({ actor, isAt }, message)
      answer(code ? refused(code) : { ok: true })
    },
  })

  const serve = (io: WatcherServer) => {
    servers.add(io)
    const stop = receive(io)
    return () => {
      servers.delete(io)
      stop()
    }
  }

  const say: TakeOver['say'] = (actor, tabId, message) => {
    const key = tabKey(actor, tabId)
    return take({ actor, isAt: (room) => isPresent(room, actor, key) }, message)
  }

  return { serve, say }
}
