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
import { type SocketWatcher, watchersOf } from '../live/socket-watchers.ts'
import { isAdmitted, type WatcherServer } from '../live/watchers.ts'
import type { ProblemCode, RefusedMessage } from '../protocol/index.ts'
import { TAKE_OVER_MS, type TakeOverAnswer } from '../protocol/take-over.ts'
import { batchedRows } from '../records/batched-reads.ts'
import { asksParents, readAuthorizedParts } from '../records/parents.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { canonicalId } from '../tables/record-id.ts'
import { tenantOf } from '../tables/tenant.ts'
import { readTakeOver, type TakeOverPassed } from './node-messages.ts'
import type { PresenceEntry } from './roster.ts'

export interface TakeOverOptions {
  database: Database
  backplane: Backplane
  /** Who of a tenant's people is at a record, on all nodes. */
  present(room: string, userTenantId: string): PresenceEntry[]
  limits: Limits
  log: Logger
  now?: () => number
}

export interface TakeOver {
  /** Takes a Socket.IO server's connections in. Returns its dispose function. */
  serve(io: WatcherServer): () => void
}

/** The same person is asked again at most so often. */
const ASK_GAP_MS = 5_000
const MOST_ASKS = 10_000

/** A tab in the background that has edits is asked too. */
const isEditing = ({ state, unsaved }: PresenceEntry) => state === 'editing' || unsaved

const keyOf = ({ room, userTenantId }: TakeOverPassed, asker: string, asked: string) =>
  JSON.stringify([room, userTenantId, asker, asked])

export const createTakeOver = (options: TakeOverOptions): TakeOver => {
  const { database, backplane, present, limits, log, now = () => performance.now() } = options
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

  /** An ask goes to the tabs with edits, an answer to all that watch the record, or are at it in a list. */
  const socketsOf = ({ room, tenantId, type, say, to, userTenantId }: TakeOverPassed): SocketWatcher[] => {
    const known = database.typeOf(type, tenantId)
    const at = present(room, userTenantId)
    const meant = new Set(at.flatMap((entry) => (say !== 'ask' || isEditing(entry) ? entry.socketId : [])))
    return [...servers].flatMap((io) => {
      const watching = say === 'ask' ? [] : (io.of('/').adapter.rooms.get(room) ?? [])
      return [...new Set([...meant, ...watching])].flatMap((socketId) => {
        const socket = watchersOf(io).get(socketId)
        if (!socket || !known || !(meant.has(socketId) || isAdmitted(known, socket, room, tenantId)))
          return []
        const { actor } = socket.data
        return actor.id === to && actor.tenantId === userTenantId ? [socket] : []
      })
    })
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
    const [meant] = socketsOf(message)
    if (!meant) return
    // All of them are one person's.
    const found = await rowOf(message, meant.data.actor)
    if (!found) return
    const { type, id, from, say } = message
    for (const socket of socketsOf(message))
      if (found.known.mayRead(socket.data.actor, found.row)) socket.emit('TakeOver', { type, id, from, say })
  }

  backplane.on('take-over', readTakeOver, (message) => {
    deliver(message).catch((error) => log.warn({ err: error }, 'An ask to take over could not be passed on.'))
  })

  const take = async (socket: SocketWatcher, value: unknown): Promise<ProblemCode | null> => {
    const message = readTakeOverMessage(value)
    if (!message) return 'malformed'
    const { actor, watching } = socket.data
    const known = database.typeOf(message.type, actor.tenantId)
    const id = known && canonicalId(known.key.kind, message.id)
    if (!known || !id) return 'not_found'
    const { type, to, say } = message
    const tenantId = tenantOf(known, actor)
    const room = recordRoom(tenantId, type, id)
    const isAt = present(room, actor.tenantId).some(({ socketId }) => socketId === socket.id)
    if (!watching.get(room)?.admitted && !isAt) return 'not_found'
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

  const receive = createReceiver<TakeOverAnswer | RefusedMessage>({
    ...{ name: 'take_over', log, limits },
    work: async (watcher, message, answer) => {
      const code = await take(watcher, message)
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

  return { serve }
}
