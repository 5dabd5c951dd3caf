// How a node reads its log: the feed, what is done with what it has read, and what is forgotten where the database has another history.
import type { Limits, Logger } from '../base/options.ts'
import type { ChangeWaiters } from '../log/change-waiters.ts'
import { createFeed, type Feed } from '../log/feed.ts'
import { createRelay } from '../log/relay.ts'
import { settleRestoredLog } from '../log/restored-log.ts'
import type { Database } from '../tables/database.ts'
import { sourcesOf } from '../tables/tenant.ts'
import { createFeedDelivery, type FeedDeliveryOptions } from './feed-delivery.ts'
import type { RecordNode } from './node.ts'

export interface LogReadingOptions extends Pick<FeedDeliveryOptions, 'receivers' | 'onBatches'> {
  database: Database
  limits: Limits
  log: Logger
  changeWaiters: ChangeWaiters
  /** Once it is there. */
  node(): RecordNode
  /** One node reads for the others. */
  isRelaying: boolean
  /** What this node remembers of records and changes may never have been. */
  forget(): void
  /** Nobody can be sure any more of having received everything. */
  resync(): void
}

export const createLogReading = (options: LogReadingOptions) => {
  const { database, limits, log, node, forget, resync } = options
  const { knex, lineages } = database
  const delivery = createFeedDelivery({
    ...options,
    feed: () => logFeed,
    eventsPerRecord: limits.eventsPerRecord,
  })
  const logFeed = createFeed({
    knex,
    limits,
    log,
    namesStatements: database.namesStatements,
    checkConnection: (connection) => lineages.check(connection, knex.client.driver),
    sources: () => sourcesOf(database.types()),
    select: delivery.select,
    deliver: delivery.deliver,
    onLost: forget,
    onDead: lineages.endAll,
    onReset: () => {
      forget()
      delivery.forget()
      settleRestoredLog(database, log).catch((error) =>
        log.error({ err: error }, 'A restored log stays unsettled.'),
      )
      resync()
    },
    onMissed: resync,
    relay: options.isRelaying
      ? createRelay({ id: database.nodeId, send: (page) => node().sendPage(page) })
      : undefined,
  })
  /** Its position and age are those of what was handed on. */
  const feed: Feed = { ...logFeed, cursor: delivery.cursor, age: delivery.age }
  return { feed, ahead: delivery.ahead }
}
