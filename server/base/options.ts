// Every option of the server and its default, in one place.

import type { IncomingMessage } from 'node:http'
import type { Knex } from 'knex'
import { HEARTBEAT_MS } from '../protocol/index.ts'
import type { Logger } from './logger.ts'
import type { PgPool } from './pg.ts'
import type { Actor, RecordType } from './record-type.ts'
import type { Shortcuts } from './shortcuts.ts'

export { type Logger, loggerOf, SILENT } from './logger.ts'

/** Makes an actor of a request, or `null` where nobody is signed in. Called for HTTP and for socket handshakes. */
export type Authenticate<A extends Actor = Actor> = (request: IncomingMessage) => A | null | Promise<A | null>

/**
 * Settings of a person's session in the database, by name: `(actor) => ({ 'app.tenant_id': actor.tenantId })`. `null` is an empty
 * text. Called often: keep it free of I/O.
 */
export type SessionOf<A extends Actor = Actor> = (
  actor: A,
) => Record<string, string | number | bigint | boolean | null | undefined>

/** Where each tenant's tables are, if not all tenants share them by a column. */
export interface Tenancy {
  /**
   * The schema of a tenant: `(tenantId) => 'tenant_' + tenantId`. Each tenant must have one of its own. Its tables are looked up when its
   * first person comes. Types whose `table` names a schema are shared by all.
   */
  schema(tenantId: string): string
}

/** ioredis or node-redis, single or cluster, by the part of it that is used. The app keeps owning its client. */
export interface RedisClient {
  /** Listens to `error`, so that a lost Redis ends no process. */
  // biome-ignore lint/suspicious/noExplicitAny: both libraries overload it
  on(event: any, listener: (...values: any[]) => void): unknown
  /** Gives a connection of its own with the same options, for what is subscribed to. */
  // biome-ignore lint/suspicious/noExplicitAny: their options differ
  duplicate(...options: any[]): any
}

/** What {@link createRecordServer} takes. */
// biome-ignore lint/suspicious/noExplicitAny: each type may narrow the actor to the app's own
export interface RecordServerOptions<A extends Actor = any> {
  /** The app's own Knex on PostgreSQL, or its `pool`. One connection besides its pool is opened for the feed. */
  knex?: Knex
  /** The app's own pool of `pg`, where it has no Knex. */
  pool?: PgPool
  /** The record types that are served: {@link defineRecordType}. */
  types: RecordType<A>[]
  /** Who sent a request, or `null`: for HTTP, and for a socket’s handshake. */
  authenticate: Authenticate<A>
  /**
   * For row level security: each statement for a person (reads, writes, what is judged before an event) is sent in a transaction in which
   * these are set, as by SET LOCAL, for policies with `current_setting`. What is done for nobody (the feed, pruning, the doctor) reads
   * the log's own tables, without them. Default: none, and each statement is sent by itself.
   */
  session?: SessionOf<A>
  /** Where each tenant has a schema of its own: `{ schema: (tenantId) => 'tenant_' + tenantId }`. Default: a column, as tables were tracked. */
  tenancy?: Tenancy
  /** Where warnings and errors go: pino, winston or another. Default: the console; `null` or `false`: nowhere. */
  log?: Logger | null | false
  /**
   * Origins besides the request's own host whose pages may read, write and connect: `https://app.example.com`. Their preflights
   * (CORS) are answered too.
   */
  origins?: string[]
  /** Where `records.handler` finds the routes in an address. Default `/api/v1`; `records.router` is mounted by the host instead. */
  basePath?: string
  /** Figures that differ from {@link DEFAULT_LIMITS}. */
  limits?: Partial<Limits>
  /**
   * Where there are several nodes: an ioredis or node-redis client, single or cluster, or what makes one. It carries
   * hints alone (wake-ups, presence, revocations) on connections of its own; without it, or while it is down, the
   * nodes learn of each other's changes by their timers.
   */
  redis?: RedisClient | (() => RedisClient) | undefined
  /**
   * Where there are several nodes: one of them reads the log and sends what there is to the others, which then ask the database only for
   * what somebody on them watches. Who gets nothing in time reads by itself. Default `false`: each reads the log.
   */
  relay?: boolean
  /**
   * Live events, for everybody or by person: `(actor) => actor.tenantId !== 'acme'`. Default `true`. Where they are off,
   * sockets and streams are refused, clients ask for versions instead, and saves are guarded as ever.
   */
  live?: boolean | ((actor: A) => boolean)
  /** Shortcuts past libraries' own ways, all on by default. One whose library has other inner parts turns itself off. */
  shortcuts?: Partial<Shortcuts>
}

/** Figures that an operator may want to change. */
export interface Limits {
  /** The largest request body, in bytes. */
  bodyBytes: number
  /** The largest frame that a socket may send, in bytes; a larger one closes it. */
  frameBytes: number
  /** Rooms that one socket may be in. */
  roomsPerSocket: number
  /** Rooms that one person may be in on one node with all their sockets, and as many with all their streams. */
  roomsPerPerson: number
  /** Long polls of one person that one node holds; a further one is answered `rate_limited`. */
  pollsPerPerson: number
  /**
   * Requests of one person for a single record that are worked on at a time on one node while others ask too; further ones
   * wait for their turn. Somebody who has been alone for a second may use four fifths of the pool's connections.
   */
  shortPerPerson: number
  /**
   * Long pieces of work (lists, deltas, bulk edits, histories, 500 versions, pages of the feed) that one node does at a time;
   * never more than half of the pool's connections. Further ones wait, in turns between tenants and people.
   */
  longAtOnce: number
  /** Those of one person. */
  longPerPerson: number
  /**
   * The share of a node's time that a person who has most of it may have while others are at work on it, for single records, for long work and
   * for joining rooms each: 0.4 is 200 saves a second, or a list under way for 0.4 of the time. Beyond it and a burst their
   * requests wait; anyone who is alone has all of it. `Infinity`: any.
   */
  workPerPerson: number
  /** Requests of one person that may wait for their turn in one node; a further one is answered `rate_limited`. */
  waitingPerPerson: number
  /** Event streams that one person may have open on one node. */
  streamsPerPerson: number
  /** Bytes that a stream's reader may leave unread before it is cut off. */
  streamBufferBytes: number
  /** Messages a second from one socket; the rest is answered `rate_limited`. */
  messagesPerSecond: number
  /** Messages a second from all sockets of one person on one node; the rest is answered `rate_limited`. */
  messagesPerPerson: number
  /** Sockets that one person may have open on one node; a further one is refused and tries again later. */
  socketsPerPerson: number
  /** What may wait to be sent to one socket, in bytes; one that reads more slowly is closed and comes back. */
  bufferedBytes: number
  /** Requests a minute of one person, on all nodes together where there is Redis. `Infinity`: any number. */
  requestsPerPerson: number
  /** Requests a minute from one address, signed in or not. An office is often one address. */
  requestsPerAddress: number
  /** Records and lists that one socket may ask to watch in a second; the rest is answered `rate_limited`. */
  joinsPerSecond: number
  /**
   * A node that is behind by more asks its sockets and streams once to come back, elsewhere if there is another: `/readyz` has
   * been saying for a while that it isn't ready. In milliseconds; `Infinity`: never.
   */
  behindMs: number
  /** How often each socket and stream gets the node's age, in milliseconds; pages call 25 s without it behind. */
  heartbeatMs: number
  /** How often this node sends the others who is here, in milliseconds. */
  presenceBeatMs: number
  /** Presence that isn't renewed for so long ends. */
  presenceLeaseMs: number
  /** How often the feed looks at the log unasked: the longest delay when no wake-up arrives. */
  pollMs: number
  /** The longest pause between two reads of a busy log; four times as long while nobody on the node watches what changes. */
  gapMs: number
  /** Changes read at a time. */
  feedBatch: number
  /** A feed's read that takes longer is given up, and its connection opened anew. */
  feedTimeoutMs: number
  /** How often the declared tables are looked up again, in milliseconds: one may be tracked, altered or get triggers. */
  tablesMs: number
  /** How long `start()` waits for a database that can't be reached before it says so; it goes on trying. */
  startMs: number
  /** How often each socket's sign-in and permissions are looked at again. */
  recheckMs: number
  /** The age of a request's sign-in, in milliseconds, from which it is looked up again before the request writes. */
  signInAgeMs: number
  /** Rooms that one round of this looks at, in turns between people; who has more of them is looked at in several rounds. */
  recheckRooms: number
  /** Changes of one type in one transaction from which lists receive one `RecordsImported` instead of each. */
  bulkThreshold: number
  /**
   * Events of one record that its watchers get at once in a second. Where it changes faster, further changes are one event at the
   * second's end, with the last version and all fields. `Infinity`: each is one. The change feed has them all in any case.
   */
  eventsPerRecord: number
  /** How long changes and stored responses stay in the log, in milliseconds: 30 days. */
  retentionMs: number
  /** First answers that are kept for one person's writes with a mutation id, in bytes, about; beyond it their oldest go. */
  answerBytesPerPerson: number
  /** How often the log is pruned, in milliseconds; 0: never by itself. */
  pruneEveryMs: number
  /** The longest file of an import, in bytes. */
  importBytes: number
  /** The longest pause in the upload of a file, in milliseconds. */
  importIdleMs: number
  /** The longest time that the upload of a file may keep this node waiting in all, in milliseconds. */
  importTotalMs: number
  /** The least bytes a second that an upload must bring on average, and after how many milliseconds of waiting that counts. */
  importBytesPerSecond: number
  /** For how many milliseconds of waiting `importBytesPerSecond` doesn’t count yet. */
  importGraceMs: number
  /** Imports that one person may have under way on one node, from their first byte on. */
  importsPerPerson: number
  /** Imports that may be under way on one node; the rest is answered `rate_limited`. */
  importsPerNode: number
  /** Imports that this node writes at a time, each on one connection of the pool; the rest waits, fairly by tenant and person. */
  importsAtOnce: number
  /** How long a file that was read may wait to be written, in milliseconds; then it is answered `rate_limited`. */
  importWaitMs: number
  /** How long requests that have begun may go on after `stop`, in milliseconds; then they are cut. */
  leaveMs: number
  /** The most that one answer of many records holds, in bytes of their values; a page that is full ends early. One record alone may be larger. */
  pageBytes: number
  /** The bytes of all answers of more than half a megabyte that this node makes at a time; others wait, 10 s at most. */
  largeAnswersBytes: number
  /** Rows, readable or not, that one answer of a list looks at where permission depends on the record. */
  judgedRows: number
  /** Retries of a write after a deadlock or a serialization failure. */
  writeRetries: number
  /** Use named (prepared) statements. Behind a pooler that forgets them they turn themselves off, with a warning. */
  namedStatements: boolean
}

/** Thirty days. */
export const RETENTION_MS = 30 * 24 * 3_600_000

/** What each limit is where nothing else is chosen. */
export const DEFAULT_LIMITS = {
  bodyBytes: 1_000_000,
  frameBytes: 64_000,
  roomsPerSocket: 500,
  roomsPerPerson: 10_000,
  pollsPerPerson: 20,
  shortPerPerson: 3,
  longAtOnce: 4,
  longPerPerson: 2,
  workPerPerson: 0.4,
  waitingPerPerson: 500,
  streamsPerPerson: 30,
  streamBufferBytes: 1_000_000,
  messagesPerSecond: 50,
  messagesPerPerson: 200,
  socketsPerPerson: 200,
  bufferedBytes: 1_000_000,
  requestsPerPerson: 60_000,
  requestsPerAddress: 120_000,
  joinsPerSecond: 2_000,
  behindMs: 30_000,
  heartbeatMs: HEARTBEAT_MS,
  presenceBeatMs: 15_000,
  presenceLeaseMs: 45_000,
  pollMs: 1_000,
  gapMs: 10,
  feedBatch: 1_000,
  feedTimeoutMs: 10_000,
  tablesMs: 30_000,
  startMs: 30_000,
  recheckMs: 4_000,
  signInAgeMs: 1_000,
  recheckRooms: 5_000,
  bulkThreshold: 50,
  eventsPerRecord: 20,
  retentionMs: RETENTION_MS,
  answerBytesPerPerson: 5_000_000,
  pruneEveryMs: 3_600_000,
  importBytes: 100_000_000,
  importIdleMs: 30_000,
  importTotalMs: 900_000,
  importBytesPerSecond: 1_000,
  importGraceMs: 30_000,
  importsPerPerson: 2,
  importsPerNode: 50,
  importsAtOnce: 2,
  importWaitMs: 60_000,
  leaveMs: 10_000,
  pageBytes: 4_000_000,
  largeAnswersBytes: 16_000_000,
  judgedRows: 10_000,
  writeRetries: 3,
  namedStatements: true,
} satisfies Limits

/**
 * The limits that are given, over the defaults.
 *
 * @throws Error for a name that is no limit, and for a value of another kind than the default.
 */
export const limitsOf = (given: Partial<Limits>): Limits => {
  const defaults: Limits = DEFAULT_LIMITS
  const limits: Record<string, unknown> & Limits = { ...defaults }
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(limits, name))
      throw new Error(`There is no limit "${name}". There are ${Object.keys(DEFAULT_LIMITS).join(', ')}.`)
    if (value === undefined) continue
    if (typeof value !== typeof limits[name] || Number.isNaN(value))
      throw new Error(`limits.${name} must be a ${typeof limits[name]}, not ${value}.`)
    limits[name] = value
  }
  return limits
}
