// The only wiring: options in, a router, sockets and functions out. Nothing here decides anything.
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { createAttachedServers } from './attached-servers.ts'
import { harmlessLogger } from './base/logger.ts'
import { normalizedIds } from './base/normalized-actor.ts'
import { createOpenRequests } from './base/open-requests.ts'
import { limitsOf, loggerOf, type RecordServerOptions } from './base/options.ts'
import type { Actor, RecordType } from './base/record-type.ts'
import { createShortcuts } from './base/shortcuts.ts'
import { asKnex, clientOf, type Sql } from './db/pg-as-knex.ts'
import { tryConnection } from './db/raw-connection.ts'
import { createHandshakes } from './endpoints/handshakes.ts'
import { hostHandler, recordRouter } from './endpoints/router.ts'
import { checkedOrigins } from './http/cors.ts'
import { createOriginCheck } from './http/origin.ts'
import { signIn } from './http/sign-in.ts'
import { createStreams } from './live/event-streams.ts'
import { recheckAccess } from './live/recheck-access.ts'
import type { Audience } from './live/watchers.ts'
import { createChangeWaiters } from './log/change-waiters.ts'
import { settleRestoredLog } from './log/restored-log.ts'
import { checkGiven } from './node/given-options.ts'
import { createLogReading } from './node/log-reading.ts'
import { createNode } from './node/node.ts'
import { createResync } from './node/resync.ts'
import { createStarting } from './node/starting.ts'
import { createUpkeep } from './node/upkeep.ts'
import { recordOperations } from './operations/operations.ts'
import { createAdmissionQueue, ENTERING } from './pacing/admission-queue.ts'
import { createReconnectSpread } from './pacing/reconnect-spread.ts'
import { createTurns } from './pacing/turns.ts'
import { DEFAULT_BASE_PATH } from './protocol/index.ts'
import type { RecordServer } from './record-server-interface.ts'
import { createDatabase } from './tables/database.ts'
import { tenantConcerned } from './tables/tenant.ts'

/**
 * Makes the server side of a toolkit for one database.
 *
 * @throws Error for options that no server can work with: neither `knex` nor `pool`, no `types`, no `authenticate`, an unknown limit, an origin that is none.
 *
 * @example
 * const records = createRecordServer({ knex, types: [project, task], authenticate: (request) => sessionOf(request) })
 * app.use('/api/v1', records.router)
 * records.attach(httpServer)
 */
export const createRecordServer = <A extends Actor>({
  knex: given,
  pool,
  types,
  authenticate: authenticateGiven,
  session,
  tenancy,
  log: logger,
  origins: listed = [],
  basePath = DEFAULT_BASE_PATH,
  limits: chosen = {},
  live = true,
  redis,
  relay = false,
  shortcuts: chosenShortcuts = {},
}: RecordServerOptions<A>): RecordServer<A> => {
  checkGiven({ hasOne: !given !== !pool, types, authenticate: authenticateGiven })
  const knex = asKnex((given ?? pool) as Sql)
  const limits = limitsOf(chosen)
  const log = harmlessLogger(loggerOf(logger))
  const authenticate = signIn(authenticateGiven)
  const origins = checkedOrigins(listed)
  const originRefusal = createOriginCheck(origins, log)
  const shortcuts = createShortcuts(chosenShortcuts, log)
  // Each type may narrow the actor to the app's own; only `authenticate` makes actors, so each `can` gets its own kind.
  const declared = types as unknown as RecordType[]
  const database = createDatabase({
    knex,
    types: declared,
    limits,
    nodeId: randomUUID(),
    log,
    tenancy,
    session: session && ((actor) => session(actor as A)),
    shortcut: shortcuts.statements,
    onSkipped: (count) => node.metrics.skipped(count),
    onPrimary: () => node.primaryFound(),
    onTables: () => resync(),
    onProposal: (event) => node.announceProposal(event),
    history: () => feed.cursor()?.epoch,
    age: () => feed.age(),
  })
  const isLive = (actor: Actor) => (typeof live === 'function' ? live(actor as A) : live)
  const authenticateLive = async (request: IncomingMessage) => {
    const actor = await authenticate(request)
    return actor && isLive(actor) ? actor : null
  }
  const changeWaiters = createChangeWaiters((change) => tenantConcerned(database, change))

  /** Nobody can be sure any more of having received everything. */
  const resync = () => {
    changeWaiters.notifyAll()
    watchers.ask()
  }

  /** What this node remembers of the database's records and changes may never have been. */
  const forget = () => {
    database.recordCache.clear()
    for (const delivery of attached.deliveries()) delivery.forget()
    streams.forget()
  }

  const upkeep = createUpkeep({ database, limits, log, onTables: resync })
  const { feed, ahead } = createLogReading({
    database,
    limits,
    log,
    changeWaiters,
    receivers: () => [...attached.deliveries(), streams],
    onBatches: upkeep.wake,
    node: () => node,
    isRelaying: relay,
    forget,
    resync,
  })
  const streams = createStreams({ database, limits, position: feed.cursor })
  const watchers = createResync(function* () {
    yield* attached.watchers()
    yield* streams.audience.watchers().values()
  })

  const enter = createAdmissionQueue(ENTERING)
  const turns = createTurns(limits, knex.client.pool?.max ?? 1)
  const spread = createReconnectSpread({
    count: () => attached.watcherCount() + streams.audience.watchers().size,
    publish: (spread_ms) => {
      for (const watcher of attached.watchers()) watcher.emit('SpreadChanged', { spread_ms })
      streams.spread(spread_ms)
    },
  })
  const requests = createOpenRequests({ authenticate, limits })
  const node = createNode({
    requests,
    database,
    feed,
    redis,
    limits,
    log,
    onDrained: changeWaiters.stop,
    streams: () => streams.audience.watchers().values(),
    streamAudience: streams.audience,
    beatStreams: streams.beat,
    isResyncing: watchers.isPending,
    frames: shortcuts.frames,
  })
  const handshakes = createHandshakes({
    requests,
    originRefusal,
    enter,
    byAddress: node.requestLimits.byAddress,
  })
  const { begin, ...starting } = createStarting({
    limits,
    log,
    failure: () => feed.failure(),
    connect: () => tryConnection(knex),
    lookUp: async () => {
      await database.ready()
      await settleRestoredLog(database, log)
    },
    run: () => {
      node.open()
      upkeep.start()
      return feed.start()
    },
  })

  const recheck = (audience: Audience) =>
    node.guard(
      recheckAccess({
        database,
        audience,
        authenticate: authenticateLive,
        log,
        recheckMs: limits.recheckMs,
        recheckRooms: limits.recheckRooms,
      }),
    )
  const streamAccess = recheck(streams.audience)

  const attached = createAttachedServers({
    sockets: {
      database,
      origins,
      originRefusal,
      limits,
      log,
      isLive,
      handshakes,
      spread,
      turns,
    },
    frames: shortcuts.frames,
    node,
    recheck,
    ahead,
    onAttached: () => {
      begin().catch((error) =>
        log.error(
          { err: error },
          'The record server has not started: its tables could not be looked up. It tries again; until then requests are refused.',
        ),
      )
    },
  })

  const router = recordRouter({
    database,
    requests,
    origins,
    originRefusal,
    limits,
    log,
    node,
    changeWaiters,
    isLive,
    streams,
    enter,
    spread,
    turns,
    wake: node.wake,
    shortcut: shortcuts.routes,
    follow: () => {
      begin().catch((error) =>
        log.error({ err: error }, 'Waiting for changes: the tables could not be looked up.'),
      )
    },
  })

  return {
    router,
    handler: hostHandler(router, basePath) as RecordServer<A>['handler'],
    // Of servers and requests of HTTP/2 what both have is used: http/http2.ts.
    attach: attached.attach as RecordServer<A>['attach'],
    start: starting.start,
    metrics: node.metrics,
    health: node.health,
    drain: node.drain,
    revoke: (options) => node.revoke(normalizedIds(options)),
    stop: async () => {
      starting.stop()
      upkeep.stop()
      changeWaiters.stop()
      streamAccess.stop()
      spread.stop()
      watchers.stop()
      streams.close()
      await attached.stop()
      await Promise.all([feed.stop(), upkeep.ended()])
      await node.stop()
    },
    ...recordOperations(database, node.wake, node.importing),
    transactionOf: (ask) => {
      if (!pool)
        throw new Error(
          'transactionOf finds connections of the `pool` of createRecordServer, and there is none.',
        )
      return clientOf(pool, ask)
    },
  }
}
