// Who watches what on this node: sockets and event streams, the actors behind them, their rooms.
// Invariant: a watcher is in a room only while its entry here says so, and each entry was asked for by that watcher.

import type { IncomingMessage } from 'node:http'
import type { Server, Socket } from 'socket.io'
import { addTo } from '../base/groups.ts'
import type { Limits } from '../base/options.ts'
import type { Actor } from '../base/record-type.ts'
import type {
  ClientMessages,
  ListAddress,
  RecordAddress,
  RecordEventName,
  RevokedEvent,
  Scope,
  ServerEvents,
  Writer,
} from '../protocol/index.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { tenantOf } from '../tables/tenant.ts'
import { userRoom } from './rooms.ts'

/** What a room is of. */
export type Watched = (
  | { readonly record: RecordAddress }
  | { readonly list: ListAddress & { scope: Scope } }
) & {
  /** Permission was asked, and given. Until then nothing but what is authorized with the record's row may be sent. */
  readonly admitted: boolean
  /** The last message that asks for it, while it is being answered. */
  readonly pendingSubscription?: symbol
}

/** What each watcher carries. */
export interface Connection {
  actor: Actor
  /** By what it signed in, for looking at the sign-in again. */
  request: IncomingMessage
  tabId: string | null
  watching: WatchedRooms
  /** With which rights to the fields of all types it was answered last; `undefined` before the first time. */
  rights?: string
}

/** What one person has open on this node, of one kind of connection. */
interface PersonTally {
  connections: number
  /** Over all of them. */
  rooms: number
}

const nobody = (): PersonTally => ({ connections: 0, rooms: 0 })

/** What a connection watches, by room; its person's rooms are counted as they come and go, never by looking at all their connections. */
export class WatchedRooms extends Map<string, Watched> {
  /** Nobody's until the connection is counted, and after it has gone. */
  person = nobody()

  override set(room: string, watched: Watched): this {
    const before = this.size
    super.set(room, watched)
    this.person.rooms += this.size - before
    return this
  }

  override delete(room: string): boolean {
    const isGone = super.delete(room)
    if (isGone) this.person.rooms -= 1
    return isGone
  }
}

/** Counts the connections of one kind and their rooms, by person. */
export class ConnectionTally {
  readonly #people = new Map<string, PersonTally>()

  add({ actor, watching }: Connection): void {
    const key = userRoom(actor.tenantId, actor.id)
    const person = this.#people.get(key) ?? nobody()
    this.#people.set(key, person)
    person.connections += 1
    person.rooms += watching.size
    watching.person = person
  }

  /** It has gone; once more does nothing. */
  remove({ actor, watching }: Connection): void {
    const { person } = watching
    const key = userRoom(actor.tenantId, actor.id)
    if (this.#people.get(key) !== person) return
    person.connections -= 1
    person.rooms -= watching.size
    watching.person = nobody()
    if (person.connections === 0) this.#people.delete(key)
  }

  /** How many connections a person has. */
  of(actor: Pick<Actor, 'tenantId' | 'id'>): number {
    return this.#people.get(userRoom(actor.tenantId, actor.id))?.connections ?? 0
  }
}

export type WatcherServer = Server<ClientMessages, ServerEvents>
export type WatcherSocket = Socket<ClientMessages, ServerEvents>

/** A connection that events are sent to: a socket or an event stream. */
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

/** All watchers of one kind on this node, and the way to send to many of them at once. */
export interface Audience {
  /** The ids of watchers, by room. */
  rooms(): ReadonlyMap<string, ReadonlySet<string>>
  /** By id. */
  watchers(): ReadonlyMap<string, Watcher>
  /** Sends to everybody in any of the rooms, once each. */
  publish<Name extends keyof ServerEvents>(
    rooms: string[],
    except: string[],
    name: Name,
    ...event: Parameters<ServerEvents[Name]>
  ): void
  /** Sends to these, by their ids. */
  publishTo<Name extends keyof ServerEvents>(
    ids: string[],
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

/** Takes rooms from a watcher, and sends it which; of a room that it was not admitted to yet its `watch` is refused. */
export const revoke = (
  watcher: Watcher,
  rooms: Iterable<string>,
  why: Pick<RevokedEvent, 'signed_out'> = {},
): void => {
  const revoked: RevokedEvent = { ...why, records: [], lists: [] }
  for (const room of rooms) {
    const watched = watcher.data.watching.get(room)
    if (!watched) continue
    watcher.data.watching.delete(room)
    watcher.leave(room)
    if (!watched.admitted) continue
    if ('record' in watched) revoked.records.push({ type: watched.record.type, id: watched.record.id })
    else revoked.lists.push({ type: watched.list.type, scope: watched.list.scope })
  }
  if (revoked.records.length > 0 || revoked.lists.length > 0) watcher.emit('AccessRevoked', revoked)
}

/** Who wrote something, and the socket that the writer named as its own. */
interface Written {
  socketId: string | null
  tabId: string | null
  tenantId: string | null
  updatedBy: Writer | null
}

/**
 * Is this a connection of the person who wrote? A writer's tenant is known by the record's; where a type has no tenants,
 * where two people of one id may be, the connection must be of the page that wrote: whose tab's id nobody else learns.
 */
export const isWriters = ({ data }: Watcher, { tabId, tenantId, updatedBy }: Written): boolean => {
  if (updatedBy === null || updatedBy.kind === 'database' || data.actor.id !== updatedBy.id) return false
  return tenantId === null ? tabId !== null && data.tabId === tabId : data.actor.tenantId === tenantId
}

/**
 * The socket that needn't receive a change: the one that its writer named, if it is the writer's. Any other text is
 * nobody's, above all no room's.
 */
export const echoOf = (audience: Audience, written: Written): string[] => {
  const { socketId } = written
  const watcher = socketId === null ? undefined : audience.watchers().get(socketId)
  return watcher && isWriters(watcher, written) && socketId !== null ? [socketId] : []
}

/**
 * Sends everybody in the rooms what somebody wrote. Which tab wrote it is sent to the connections of its user alone:
 * in anybody else's hands it hides their own saves from that page.
 */
export const publishWritten = <Name extends 'RecordsImported' | RecordEventName>(
  audience: Audience,
  { rooms, except, own }: { rooms: string[]; except: string[]; own: string[] },
  name: Name,
  event: Parameters<ServerEvents[Name]>[0],
): void => {
  // TypeScript doesn't see that an event of one of these names is the only argument.
  const alone = (sent: typeof event) => [sent] as never as Parameters<ServerEvents[Name]>
  audience.publish(
    rooms,
    own.length > 0 ? [...except, ...own] : except,
    name,
    ...alone({ ...event, tab_id: null }),
  )
  if (own.length > 0) audience.publishTo(own, name, ...alone(event))
}

/** An actor's rights to the fields of all types, as one text. */
export const rightsOf = (database: Pick<Database, 'types'>, actor: Actor): string =>
  database
    .types(actor.tenantId)
    .flatMap((known) => (known.isGuarded ? (known.forActor(actor).rights ?? []) : []))
    .join()

/** Watchers by the type as they see it: those of one kind may be sent the same event. */
export const byRights = (
  audience: Pick<Audience, 'watchers'>,
  known: KnownType,
  ids: Iterable<string>,
): Map<KnownType, string[]> => {
  const kinds = new Map<KnownType, string[]>()
  const views = new Map<Actor, KnownType>()
  for (const id of ids) {
    const actor = audience.watchers().get(id)?.data.actor
    if (!actor) continue
    const view = views.get(actor) ?? known.forActor(actor)
    views.set(actor, view)
    addTo(kinds, view, id)
  }
  return kinds
}

/** The same for some of those in the rooms. */
export const publishWrittenTo = (
  audience: Audience,
  { ids, own }: { ids: string[]; own: string[] },
  name: RecordEventName,
  event: Parameters<ServerEvents[RecordEventName]>[0],
): void => {
  const isOwn = (id: string) => own.includes(id)
  const others = ids.filter((id) => !isOwn(id))
  if (others.length > 0) audience.publishTo(others, name, { ...event, tab_id: null })
  if (others.length < ids.length) audience.publishTo(ids.filter(isOwn), name, event)
}

/** How many rooms a watcher may be in: its own limit, and what its person's other connections of its kind leave. */
export const roomsLeft = (
  { roomsPerSocket, roomsPerPerson }: Pick<Limits, 'roomsPerSocket' | 'roomsPerPerson'>,
  { watching }: Connection,
): number => Math.max(0, Math.min(roomsPerSocket, roomsPerPerson - (watching.person.rooms - watching.size)))
