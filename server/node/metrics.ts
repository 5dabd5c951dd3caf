// What an operator watches, for Prometheus.
// Invariant: no label has a value that a client can make up, so that the number of series is bounded.
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { type Middleware, pathOf } from '../base/request.ts'
import type { Dropped } from '../cluster/node-seal.ts'
import { watchersOf } from '../live/socket-watchers.ts'
import type { Audience, WatcherServer } from '../live/watchers.ts'
import type { Feed } from '../log/feed.ts'
import type { LogFigures } from './log-figures.ts'

/** The metrics of one record server. */
export interface Metrics {
  /** The media type of `text()`. */
  contentType: string
  /** All of them as Prometheus reads them. */
  text(): Promise<string>
  /** To be merged with the app's own: `Registry.merge([own, records.metrics.registry])`. */
  registry: Registry
}

export interface NodeMetrics extends Metrics {
  /** Counts the requests that pass. */
  observe: Middleware
  /** Counts one request, begun at this moment of `performance.now()`. */
  answered(operation: string, status: number, begun: number): void
  /** The same audience, counted. */
  counted(audience: Audience): Audience
  /** So many changes of the log were read. */
  read(count: number): void
  /** Changes of the log were handed on. */
  delivered(changes: { updatedAt: string }[]): void
  /** Changes could not be handed on, and were left out. */
  skipped(count: number): void
  limited(what: (typeof LIMITS)[number]): void
  slowReader(): void
  /** A message between nodes was none, or not one of ours. */
  dropped(reason: Dropped): void
}

export interface MetricsOptions {
  feed: Feed
  servers(): Iterable<WatcherServer>
  /** Tabs that are known to be at a record. */
  present(): number
  redisDepth(): number
  isRedisUp(): boolean | null
  logFigures(): Promise<LogFigures>
  /** Knex's pool, where it has one. */
  pool(): { numUsed(): number; numPendingAcquires(): number } | undefined
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** What is asked beside `/records`. */
const DOORS = ['changes', 'events', 'deleted', 'proposals']
/** What becomes of a proposal. */
const DECISIONS = ['accept', 'reject']
/** What is asked of a record. */
const PARTS = new Map([
  ['version', 'version'],
  ['history', 'history'],
  ['restore', 'restore'],
  ['presence', 'presence'],
  ['take-over', 'take_over'],
])

/** What a request is, by its method and the shape of its path. */
const operationOf = (method: string, path: string): string => {
  const [, door = '', , id, part, , decision] = path.split('/')
  if (door !== 'records') return DOORS.includes(door) ? door : 'other'
  if (path === '/records/versions') return 'versions'
  if (decision) return DECISIONS.includes(decision) ? decision : 'other'
  if (part === 'proposals') return method === 'POST' ? 'propose' : 'proposals'
  if (id === 'import') return part ? 'undo_import' : 'import'
  if (part) return PARTS.get(part) ?? 'other'
  if (method === 'POST') return 'create'
  if (method === 'PATCH') return id ? 'save' : 'bulk'
  if (method === 'DELETE') return 'remove'
  return id ? 'read' : 'list'
}

const WRITES = new Set([
  'save',
  'create',
  'remove',
  'bulk',
  'import',
  'undo_import',
  'restore',
  'propose',
  ...DECISIONS,
])
const OPERATIONS = [...new Set([...WRITES, ...DOORS, ...PARTS.values(), 'read', 'list', 'versions', 'other'])]
const OUTCOMES = ['saved', 'conflict', 'gone', 'invalid', 'limited', 'refused', 'failed']
/** Those that alerts are about. */
const STATUSES = [200, 429, 500, 503]
const LIMITS = ['address', 'person', 'sockets'] as const
const REASONS: Dropped[] = ['too_large', 'malformed', 'forged', 'late', 'repeated', 'flood']
const EVENTS = ['RecordCreated', 'RecordUpdated', 'RecordDeleted', 'RecordsImported']

const outcomeOf = (status: number): string => {
  if (status < 300) return 'saved'
  if (status === 409 || status === 412) return 'conflict'
  if (status === 410) return 'gone'
  if (status === 422) return 'invalid'
  if (status === 429) return 'limited'
  return status < 500 ? 'refused' : 'failed'
}

/** Counting that fails is nobody else's failure: a delivery and an answer go on. */
const harmless =
  <Parts extends unknown[]>(count: (...parts: Parts) => void) =>
  (...parts: Parts): void => {
    try {
      count(...parts)
    } catch {
      // A figure less.
    }
  }

/** Makes series of this library in a registry. */
const seriesIn = (registry: Registry) => {
  const registers = [registry]
  return {
    counter: (name: string, help: string, labelNames: string[] = []) =>
      new Counter({ name: `noclobber_${name}`, help, labelNames, registers }),
    gauge: (
      name: string,
      help: string,
      collect: (set: Gauge) => void | Promise<void>,
      labelNames: string[] = [],
    ) =>
      new Gauge({
        name: `noclobber_${name}`,
        help,
        labelNames,
        registers,
        collect() {
          this.reset()
          return collect(this)
        },
      }),
    histogram: (name: string, help: string, labelNames: string[] = []) =>
      new Histogram({ name: `noclobber_${name}`, help, labelNames, buckets: SECONDS, registers }),
  }
}

type Series = ReturnType<typeof seriesIn>

/** What is counted as it happens. */
const countersOf = ({ counter, histogram }: Series) => {
  const counters = {
    requests: counter('requests_total', 'Requests by what they are and how they were answered.', [
      'operation',
      'status',
    ]),
    seconds: histogram('request_seconds', 'How long requests took.', ['operation']),
    writes: counter('writes_total', 'Writes by their outcome; "conflict" is a stale save.', [
      'operation',
      'outcome',
    ]),
    events: counter('events_total', 'Events sent to rooms of this node.', ['event']),
    changes: counter('changes_total', 'Changes of declared tables that this node has read in the log.'),
    skipped: counter('skipped_changes_total', 'Changes of the log that could not be handed on.'),
    delay: histogram(
      'delivery_seconds',
      'From the write of a change to its delivery by this node, if somebody here watches.',
    ),
    limits: counter('limited_total', 'Refusals by a limit.', ['limit']),
    dropped: counter('node_messages_dropped_total', 'Messages between nodes that were not taken.', [
      'reason',
    ]),
    slow: counter('slow_readers_total', 'Connections closed because they read too slowly.'),
  }
  // A series that begins with its first rise shows no rise: `increase()` needs the 0 before it.
  for (const operation of OPERATIONS) {
    for (const status of STATUSES) counters.requests.inc({ operation, status }, 0)
    if (operation !== 'events') counters.seconds.zero({ operation })
  }
  for (const operation of WRITES)
    for (const outcome of OUTCOMES) counters.writes.inc({ operation, outcome }, 0)
  for (const limit of LIMITS) counters.limits.inc({ limit }, 0)
  for (const reason of REASONS) counters.dropped.inc({ reason }, 0)
  for (const event of EVENTS) counters.events.inc({ event }, 0)
  return counters
}

/** What is looked up when somebody asks. */
const addGauges = ({ gauge }: Series, options: MetricsOptions): void => {
  gauge('feed_idle_seconds', 'Time since the log was last read to its end.', (set) => {
    const idle = options.feed.idleMs() / 1_000
    set.set(Number.isFinite(idle) ? idle : -1)
  })
  gauge(
    'sockets',
    'Open sockets by transport.',
    (set) => {
      for (const transport of ['websocket', 'polling']) set.set({ transport }, 0)
      for (const io of options.servers())
        for (const { socket } of watchersOf(io).values()) set.inc({ transport: socket.conn.transport.name })
    },
    ['transport'],
  )
  gauge('rooms', 'Rooms with somebody in them.', (set) => {
    let rooms = 0
    for (const io of options.servers()) rooms += io.of('/').adapter.rooms.size
    set.set(rooms)
  })
  gauge('present_tabs', 'Tabs that are known to be at a record, on all nodes.', (set) =>
    set.set(options.present()),
  )
  gauge('pool_used', 'Connections of the pool in use.', (set) => set.set(options.pool()?.numUsed() ?? 0))
  gauge('pool_waiting', 'Who waits for a connection of the pool.', (set) =>
    set.set(options.pool()?.numPendingAcquires() ?? 0),
  )
  gauge('redis_up', '1: reached. 0: not. -1: there is none.', (set) => {
    const isUp = options.isRedisUp()
    set.set(isUp === null ? -1 : Number(isUp))
  })
  gauge('redis_in_flight', 'Messages that Redis has not answered.', (set) => set.set(options.redisDepth()))
  const ofLog = (name: string, help: string, read: (figures: LogFigures) => number) =>
    gauge(name, `${help} -1: the database does not answer.`, async (set) =>
      set.set(read(await options.logFigures())),
    )
  ofLog('log_bytes', 'Size of the change log with its indexes.', ({ bytes }) => bytes)
  ofLog('log_age_seconds', 'Since the oldest change in the log.', ({ ageSeconds }) => ageSeconds)
  ofLog(
    'log_pruned_seconds',
    'Since the log was last pruned, by any node. -1 too: never.',
    (figures) => figures.prunedSeconds,
  )
}

export const createMetrics = (options: MetricsOptions): NodeMetrics => {
  const registry = new Registry()
  const series = seriesIn(registry)
  const { requests, seconds, writes, events, changes, skipped, delay, limits, dropped, slow } =
    countersOf(series)
  new Counter({
    name: 'noclobber_log_reads_total',
    help: 'Reads of the log by this node itself; where nodes relay, one of them reads for the others.',
    registers: [registry],
    collect() {
      this.reset()
      this.inc(options.feed.reads())
    },
  })
  addGauges(series, options)

  const answered: NodeMetrics['answered'] = harmless((operation, status, begun) => {
    requests.inc({ operation, status })
    if (operation !== 'events') seconds.observe({ operation }, (performance.now() - begun) / 1_000)
    if (WRITES.has(operation)) writes.inc({ operation, outcome: outcomeOf(status) })
  })
  const published = harmless((event: string) => events.inc({ event }))

  return {
    registry,
    contentType: registry.contentType,
    text: () => registry.metrics(),
    observe: (request, response, next) => {
      const operation = operationOf(request.method ?? '', pathOf(request.url))
      const begun = performance.now()
      response.once('finish', () => answered(operation, response.statusCode, begun))
      next()
    },
    answered,
    counted: (audience) => ({
      ...audience,
      publishTo: audience.publishTo,
      publish: (rooms, except, name, ...event) => {
        published(name)
        audience.publish(rooms, except, name, ...event)
      },
    }),
    read: harmless((count) => changes.inc(count)),
    delivered: harmless((batch) => {
      const now = Date.now()
      for (const { updatedAt } of batch) {
        const age = Math.max(0, now - Date.parse(updatedAt)) / 1_000
        if (Number.isFinite(age)) delay.observe(age)
      }
    }),
    skipped: harmless((count) => skipped.inc(count)),
    limited: harmless((limit) => limits.inc({ limit })),
    slowReader: harmless(() => slow.inc()),
    dropped: harmless((reason) => dropped.inc({ reason })),
  }
}
