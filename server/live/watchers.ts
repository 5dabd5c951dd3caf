// Who watches what on this node: sockets and event streams, the actors behind them, their rooms.
// Invariant: a watcher is in a room only while its entry here says so, and each entry was asked for by that watcher.
import type { IncomingMessage } from 'node:http'
import type { Server, Socket } from 'socket.io'
import type { Actor } from '../base/record-type.ts'
import type {
  ClientMessages,
  ListAddress,
  RecordAddress,
  RevokedEvent,
  Scope,
  ServerEvents,
  Writer,
} from '../protocol/index.ts'
import { tenantOf } from '../records/read.ts'
import type { KnownType } from '../tables/database.ts'

/** What a room is of. */
export type Watched = (
  | { readonly record: RecordAddress }
  | { readonly list: ListAddress & { scope: Scope } }
) & {
  /** Permission was asked, and given. Until then nothing but what is judged with the row in hand may be told. */
  readonly admitted: boolean
  /** The last message that asks for it, while it is being answered. */
  readonly pendingSubscription?: number
}

/** What each watcher carries. */
export interface Connection {
  actor: Actor
  /** By what it signed in, for looking at the sign-in again. */
  request: IncomingMessage
  tabId: string | null
  /** By room. */
  watching: Map<string, Watched>
}

export type WatcherServer = Server<ClientMessages, ServerEvents>
export type WatcherSocket = Socket<ClientMessages, ServerEvents>

/** A connection that changes are told to: a socket or an event stream. */
export interface Watcher {
  readonly id: string
  data: Connection
  readonly connected: boolean
  readonly rooms: ReadonlySet<string>
  join(rooms: string[]): unknown
  leave(room: string): unknown
  emit<Name extends keyof ServerEvents>(name: Name, ...event: Parameters<ServerEvents[Name]>): unknown
  disconnect(close?: boolean): unknown
}

/** All watchers of one kind on this node, and the way to tell many of them at once. */
export interface Audience {
  /** The ids of watchers, by room. */
  rooms(): ReadonlyMap<string, ReadonlySet<string>>
  /** By id. */
  watchers(): ReadonlyMap<string, Watcher>
  /** Tells whoever is in any of the rooms, once each. */
  tell<Name extends keyof ServerEvents>(
    rooms: string[],
    except: string[],
    name: Name,
    ...event: Parameters<ServerEvents[Name]>
  ): void
}

/**
 * Whether what is in a room concerns a watcher: it asked for the room itself, and its own session is of the tenant whose
 * records are there. That a socket is a member of the room says neither.
 */
export const isWatching = (known: KnownType, { data }: Watcher, room: string, tenantId: string): boolean =>
  data.watching?.has(room) === true && tenantOf(known, data.actor) === tenantId

/** The same, once permission was asked and given. */
export const isAdmitted = (known: KnownType, watcher: Watcher, room: string, tenantId: string): boolean =>
  isWatching(known, watcher, room, tenantId) && watcher.data.watching.get(room)?.admitted === true

/** Takes rooms from a watcher, and tells it. */
export const revoke = (watcher: Watcher, rooms: Iterable<string>): void => {
  const revoked: RevokedEvent = { records: [], lists: [] }
  for (const room of rooms) {
    const watched = watcher.data.watching.get(room)
    if (!watched) continue
    watcher.data.watching.delete(room)
    watcher.leave(room)
    if ('record' in watched) revoked.records.push({ type: watched.record.type, id: watched.record.id })
    else revoked.lists.push({ type: watched.list.type, scope: watched.list.scope })
  }
  if (revoked.records.length > 0 || revoked.lists.length > 0) watcher.emit('AccessRevoked', revoked)
}

/** Who wrote something, and the socket that he named as his own. */
interface Written {
  socketId: string | null
  tenantId: string | null
  updatedBy: Writer | null
}

/**
 * The socket that needn't hear of a change: the one that its writer named, if it is the writer's. Any other text is
 * nobody's, above all no room's.
 */
export const echoOf = (audience: Audience, { socketId, tenantId, updatedBy }: Written): string[] => {
  const actor = socketId === null ? undefined : audience.watchers().get(socketId)?.data.actor
  const isWriter = actor?.id === updatedBy?.id && (tenantId === null || actor?.tenantId === tenantId)
  return actor && isWriter && socketId !== null ? [socketId] : []
}
