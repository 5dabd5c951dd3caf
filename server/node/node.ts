// What one node has beside its records: the way to the other nodes and what travels on it, limits, metrics, health, and
// its leaving. Invariant: everything that it starts, `stop` ends; nothing here is needed for a record to be right.

import type { OpenRequests } from '../base/open-requests.ts'
import type { Limits, Logger, RedisClient } from '../base/options.ts'
import type { RevokeOptions } from '../base/revoke-options.ts'
import type { Shortcut } from '../base/shortcuts.ts'
import { type Backplane, createBackplane } from '../cluster/backplane.ts'
import { readNodeKey } from '../cluster/node-key.ts'
import { readNothing } from '../cluster/node-messages.ts'
import { readPage, sentPage } from '../cluster/relayed-pages.ts'
import { createRevocations } from '../cluster/revocations.ts'
import type { Lineage } from '../db/lineage.ts'
import type { Access } from '../live/recheck-access.ts'
import { closeSlowReaders } from '../live/slow-consumers.ts'
import { socketAudience } from '../live/socket-broadcast.ts'
import { watchersOf } from '../live/socket-watchers.ts'
import type { Audience, Watcher, WatcherServer } from '../live/watchers.ts'
import type { Feed } from '../log/feed.ts'
import type { RelayedPage } from '../log/relay.ts'
import { atMostEvery } from '../pacing/at-most-every.ts'
import {
  type BegunImport,
  createImportProgress,
  type ImportProgressReport,
} from '../presence/import-progress.ts'
import { createPresence, type Presence } from '../presence/presence.ts'
import { createProposalEvents } from '../presence/proposal-events.ts'
import { createTakeOver, type TakeOver } from '../presence/take-over.ts'
import type { Age, ProposalEvent } from '../protocol/index.ts'
import type { Database } from '../tables/database.ts'
import { createDrain, type DrainOptions, type Leaver } from './drain.ts'
import { createHealth, type Health } from './health.ts'
import { keepHeartbeat } from './heartbeat.ts'
import { createLogFigures } from './log-figures.ts'
import { type PassedChanges, recheckMembers } from './membership-changes.ts'
import { createMetrics, type NodeMetrics } from './metrics.ts'
import { createRequestLimits, type RequestLimits } from './request-limits.ts'

export interface NodeOptions {
  database: Database
  feed: Feed
  redis?: RedisClient | (() => RedisClient) | undefined
  limits: Limits
  log: Logger
  /** Requests that are under way. */
  requests: OpenRequests
  /** Event streams, which leave as sockets do. */
  streams(): Iterable<Leaver>
  streamAudience: Audience
  /** Some connections have not been asked yet to look again. */
  isResyncing(): boolean
  /** Sends each stream its heartbeat. */
  beatStreams(age: Age): void
  /** Of events, past Socket.IO. */
  frames: Shortcut
  /** All who listened have left. */
  onDrained(): void
}

export interface RecordNode {
  /** Something was committed here: this feed and the others' look at the log. */
  wake(): void
  /** The log was read here: the other nodes needn't. */
  sendPage(page: RelayedPage): void
  /** A primary was learned of: the other nodes learn of it, and the feed follows to it. */
  primaryFound(): void
  /** The database can be asked: nodes receive each other's messages. */
  open(): void
  /** Takes a Socket.IO server in, before it takes connections. Returns its dispose function. */
  join(io: WatcherServer): () => void
  /** Takes an audience's permissions in. */
  guard(access: Access): Access
  /** A batch of the feed: who has joined or left an audience is looked at again. */
  passed(batch: PassedChanges): void
  /** A watcher has been let into these rooms. */
  watched(watcher: Watcher, fresh: string[]): void
  announce: Presence['announce']
  /** Passes on what a tab without a socket says to a person at a record. */
  takeOver: TakeOver['say']
  /** An import begins: those who watch such a list receive its progress. */
  importing(begun: BegunImport): ImportProgressReport
  /** Something was proposed or decided: those who watch the record receive it, on every node. */
  announceProposal(event: ProposalEvent): void
  requestLimits: RequestLimits
  metrics: NodeMetrics
  health(): Promise<Health>
  drain(options?: DrainOptions): Promise<void>
  isDraining(): boolean
  revoke(options: RevokeOptions): Promise<void>
  stop(): Promise<void>
}

/** A feed reads everything that was committed, so a burst of commits needs few wake-ups. */
const WAKE_GAP_MS = 5
const PRIMARY_GAP_MS = 500

const readLineage = (payload: unknown): Lineage | null => {
  const { system, timeline } = (payload ?? {}) as Partial<Lineage>
  const isOne =
    typeof system === 'string' && /^\d{1,20}$/.test(system) && /^[0-9A-F]{8}$/.test(String(timeline))
  return isOne ? { system, timeline: String(timeline) } : null
}

/** What nodes send each other of the log and of the primary that they follow. */
const linkFeeds = (backplane: Backplane, feed: Feed, { lineages }: Database) => {
  const wakeOthers = atMostEvery(WAKE_GAP_MS, () => backplane.send('wake'))
  backplane.on('wake', readNothing, feed.wake)
  backplane.on('page', readPage, feed.receive)
  const sendPrimary = atMostEvery(PRIMARY_GAP_MS, () => backplane.send('primary', lineages.newest()))
  backplane.on('primary', readLineage, (found) => {
    const is = lineages.newest()
    if (is && lineages.learn(found) === 'older') sendPrimary()
  })
  backplane.onUp(() => {
    feed.wake()
    wakeOthers()
    if (lineages.newest()) sendPrimary()
  })
  const linked: Pick<RecordNode, 'wake' | 'sendPage' | 'primaryFound'> = {
    wake: () => {
      feed.wake()
      wakeOthers()
    },
    sendPage: (page) => backplane.send('page', sentPage(page)),
    primaryFound: () => {
      if (backplane.isUp() !== null) sendPrimary()
      feed.reopen()
    },
  }
  return linked
}

/** Permissions that are looked at again on a timer, and when one is taken away. */
const createAccesses = () => {
  const accesses = new Set<Access>()
  const guard: RecordNode['guard'] = (access) => {
    accesses.add(access)
    const stop = () => {
      accesses.delete(access)
      access.stop()
    }
    return { ...access, stop }
  }
  return { accesses, guard }
}

export const createNode = (options: NodeOptions): RecordNode => {
  const { database, feed, redis, limits, log } = options
  const servers = new Set<WatcherServer>()
  const { accesses, guard } = createAccesses()
  const backplane = createBackplane({
    redis,
    log,
    nodeId: database.nodeId,
    readKey: () => readNodeKey(database),
    onDropped: (reason) => metrics.dropped(reason),
  })
  const presence = createPresence({
    database,
    backplane,
    nodeId: database.nodeId,
    limits,
    log,
    streams: options.streamAudience,
  })
  const takeOver = createTakeOver({
    database,
    backplane,
    limits,
    log,
    streams: options.streamAudience,
    present: presence.at,
  })
  const audiences = () => [...[...servers].map((io) => socketAudience(io)), options.streamAudience]
  const linked = linkFeeds(backplane, feed, database)
  const requestLimits = createRequestLimits({ limits, backplane })
  const leavers = (): Leaver[] => [
    ...[...servers].flatMap((io) => [...watchersOf(io).values()]),
    ...options.streams(),
  ]
  const { drain, isDraining, sendAway } = createDrain(leavers, options.onDrained)
  const stopHeartbeat = keepHeartbeat({
    limits,
    log,
    age: feed.age,
    isResyncing: options.isResyncing,
    send: (age) => {
      for (const io of servers)
        socketAudience(io, options.frames).publishTo([...watchersOf(io).keys()], 'Heartbeat', age)
      options.beatStreams(age)
    },
    sendAway: () => void sendAway(),
  })
  const metrics = createMetrics({
    feed,
    servers: () => servers,
    present: presence.size,
    redisDepth: backplane.depth,
    isRedisUp: backplane.isUp,
    logFigures: createLogFigures(database),
    pool: () => database.knex.client.pool,
  })

  return {
    ...linked,
    open: backplane.open,
    join: (io) => {
      backplane.join(io)
      servers.add(io)
      const undo = [presence.serve(io), takeOver.serve(io)]
      const stopClosing = closeSlowReaders({ io, limits, log, onClosed: metrics.slowReader })
      return () => {
        servers.delete(io)
        stopClosing()
        for (const end of undo) end()
        backplane.leave(io)
      }
    },
    guard,
    watched: presence.watched,
    announce: presence.announce,
    takeOver: takeOver.say,
    importing: createImportProgress({ database, backplane, audiences }),
    announceProposal: createProposalEvents({ database, backplane, log, audiences }),
    requestLimits,
    metrics,
    health: createHealth({ database, feed, limits, isRedisUp: backplane.isUp, isDraining }),
    drain,
    isDraining,
    passed: (batch) => recheckMembers(database, accesses, batch),
    revoke: createRevocations({ backplane, accesses: () => accesses, requests: options.requests, log }),
    stop: async () => {
      stopHeartbeat()
      requestLimits.stop()
      presence.stop()
      await backplane.stop()
    },
  }
}
