// Each node reads the change log itself: what was committed since its last read, for delivery. Wake-ups (its own saves, other
// nodes, NOTIFY, a timer) are hints; the cursor decides.
// Invariant: the cursor advances only after the changes before it were delivered. Which are wanted is asked after they were read:
// watchers who come later read a version that has them, see docs/decisions/045. After any failure the feed opens a new
// connection and continues from its cursor; if the database has another history by then, `onReset` is called.
import { setTimeout as pause } from 'node:timers/promises'
import type { Knex } from 'knex'
import type { Limits, Logger } from '../base/options.ts'
import { inSpan } from '../base/tracing.ts'
import { createLifeline, type Lifeline, type RawConnection } from '../db/lifeline.ts'
import { openConnection } from '../db/raw-connection.ts'
import { type Connection, type Statement, sendOn } from '../db/statement.ts'
import { atMost, createEnding, withinMs } from '../pacing/timeouts.ts'
import type { Age } from '../protocol/index.ts'
import type { Cursor } from './cursor.ts'
import { createFeedAge } from './feed-age.ts'
import { type FeedBatch, type Found, readBatch, type Selected, takePage } from './feed-batch.ts'
import { createFeedRest } from './feed-rest.ts'
import { type ChangeKey, createLogReader, type LogReader } from './log-reader.ts'
import type { Relay, RelayedPage } from './relay.ts'

export interface FeedOptions {
  knex: Knex
  limits: Pick<Limits, 'pollMs' | 'gapMs' | 'feedBatch' | 'feedTimeoutMs' | 'bulkThreshold'>
  /** Whether statements are sent by name. */
  namesStatements(): boolean
  log: Logger
  /** @throws where the feed's connection leads to no primary. */
  checkConnection(connection: Connection): Promise<void>
  /** The tables of the declared types: nothing else is read. `null`: everything is. Another array where they have changed. */
  sources(): string[] | null
  /** Learns what was committed, without the large transactions, and gives those changes that are wanted whole. */
  select(keys: ChangeKey[]): Selected
  /** Takes what is wanted. After what it throws it gets the same once more, a few times. */
  deliver(batch: FeedBatch): void | Promise<void>
  /** The database's history is another one than before: watchers must refetch. */
  onReset(): void
  /** The connection was lost: whatever answers next may have lost what was committed last. */
  onLost(): void
  /** Its connection led to nobody any more, and didn't say so: others may not either. */
  onDead(): void
  /** Changes could not be delivered, even by retries: watchers must refetch. */
  onMissed(): void
  /** Where nodes read for each other. */
  relay?: Relay | undefined
}

export interface Feed {
  /** Opens the feed's own connection, trying until it stands, and begins at the present. Resolves then, or when stopped. */
  start(): Promise<void>
  /** Something was committed, perhaps. */
  wake(): void
  /** Another node has read the log. */
  receive(page: RelayedPage, sender: string): void
  /** Opens its connection anew: there may be another primary. */
  reopen(): void
  /** The position up to which everything was handed on; `null` before the first connection. */
  cursor(): Cursor | null
  /** How often this node has read the log by itself. */
  reads(): number
  /** Time since the log was last read to its end, in milliseconds; `Infinity` before the first time. */
  idleMs(): number
  /** Why it reads nothing just now; `null` where it does. */
  failure(): unknown
  /** Everything that was committed before `as_of` was handed on. */
  age(): Age
  stop(): Promise<void>
}

/** pg's client as Knex opens it. */
interface FeedConnection extends RawConnection {
  query(query: object | string): Promise<{ rows: never[]; rowCount: number | null }>
  on(event: 'notification' | 'error' | 'end', listener: () => void): void
}

/** The connection in use. */
interface Open {
  reader: LogReader
  connection: FeedConnection
  isListening: boolean
  lifeline: Lifeline
  close(): void
}

const RECONNECT_MS = [100, 250, 500, 1_000]
/** The first try to connect may take this long, each further one twice as long, up to `feedTimeoutMs`: a lost packet waits for seconds. */
const CONNECT_MS = 2_000
/** For a delivery that is under way at the stop: it may wait for a pool that gives no connection any more. */
const STOP_MS = 2_000
/** Pauses before a failed delivery is tried again. */
const HAND_ON_MS = [50, 200, 500]

/** How many times `gapMs` a pause may be while nobody waits for what is found. */
const MOST_GAPS = 4

/** Where others read for it a feed still reads by itself now and then: it sees that it can, and how the clocks stand. */
const OWN_READ_MS = 10_000
/** A page that was read longer ago comes from a node, or over a line, that is too slow to wait for. */
const FRESH_MS = 150

/** A round that found nothing gets no span: there is one each second. */
const foundAny = ({ count }: Found) => count > 0

export const createFeed = (options: FeedOptions): Feed => {
  const { knex, limits, log, namesStatements, checkConnection, deliver, onReset } = options
  const { sources, select, relay, onLost, onDead, onMissed } = options
  let cursor: Cursor | null = null
  let open: Open | null = null
  let stopped = false
  let failure: unknown = null
  let reads = 0
  const ages = createFeedAge()
  let loop: Promise<void> | null = null
  let began: () => void = () => {}
  const beginning = new Promise<void>((resolve) => {
    began = resolve
  })
  const ending = createEnding()

  const { wake, isWoken, begin, end: endRest, rest } = createFeedRest(() => stopped || !!relay?.hasPages())

  /** Until there may be something to read. Where another node reads, a page must come soon after each wake-up, and each `pollMs`. */
  const untilNextLook = async () => {
    if (!relay || relay.leads()) return rest(limits.pollMs)
    await rest(limits.pollMs + relay.waitMs())
    if (isWoken()) await rest(relay.waitMs(), false)
    if (!relay.hasPages()) relay.lead()
  }

  /** Pauses. Notifications that come meanwhile are read together afterwards: one by one each costs as much as ten changes. */
  const away = async ({ connection }: Open, ms: number) => {
    const stream = connection.connection?.stream
    stream?.pause?.()
    await pause(ms)
    stream?.resume?.()
  }

  /** Waits for the database as long as a feed does: not for ever, and not beyond its own end. */
  const within = <T>(work: Promise<T>, ms = limits.feedTimeoutMs) =>
    withinMs(ms, ending.orEnd(work), `The database did not answer the feed within ${ms} ms.`)

  const connect = async (failures: number) => {
    const opening: Promise<FeedConnection> = openConnection(knex)
    const openMs = Math.min(limits.feedTimeoutMs, CONNECT_MS * 2 ** failures)
    const connection = await within(opening, openMs).catch((error) => {
      opening.then((late) => late.connection?.stream?.destroy()).catch(() => {}) // Too late, or never.
      throw error
    })
    const drop = () => {
      if (open?.close === close) open = null
      onLost()
      wake()
    }
    const close = () => {
      drop()
      connection.connection?.stream?.destroy()
    }
    connection.on('error', drop)
    connection.on('end', drop)
    connection.on('notification', wake)
    try {
      await within(connection.query('listen noclobber'))
      await within(checkConnection(connection))
      const lifeline = await within(createLifeline(knex, connection))
      const reader = createLogReader(connection, knex.client.driver, namesStatements())
      const here = await within(reader.here())
      if (cursor && cursor.epoch !== here.epoch) {
        log.warn(
          { was: cursor.epoch, is: here.epoch },
          'The database is another one than before: watchers must refetch.',
        )
        onReset()
        cursor = here
      }
      cursor ??= here
      open = { reader, connection, isListening: true, lifeline, close }
      began()
    } catch (error) {
      close()
      throw error
    }
  }

  /** Rounds one after the other that found changes, and none that somebody waits for. */
  let unawaited = 0

  /** Where nobody waits one read may do for more changes. */
  const pauseMs = ({ count, isAwaited }: Found) => {
    unawaited = isAwaited || relay ? 0 : unawaited + 1
    return unawaited > 0 ? limits.gapMs * Math.min(unawaited, MOST_GAPS) : Math.min(count, limits.gapMs)
  }

  const handOn = async (batch: FeedBatch) => {
    const [changes, large] = [batch.changes.length, batch.largeTransactions.length]
    if (changes + large === 0) return
    const facts = { 'noclobber.changes': changes, 'noclobber.large_transactions': large }
    for (const ms of [...HAND_ON_MS, null]) {
      try {
        return await inSpan('deliver', facts, () => deliver(batch))
      } catch (error) {
        if (stopped) return
        if (ms === null) log.error({ err: error }, 'Changes could not be delivered: watchers must refetch.')
        else await pause(ms)
      }
    }
    onMissed()
  }

  const batchOptions = ({ reader, connection }: Open) => {
    const { driver } = knex.client
    const send = async (query: Statement, values: unknown[]) =>
      (await sendOn(connection, driver, query, values, namesStatements())).rows
    const from = cursor as Cursor
    return { reader, send, limits, within, handOn, sources, select, from, onRead: relay?.send }
  }

  const readToEnd = async (current: Open) => {
    reads += 1
    const begunAt = performance.now()
    const { asOf, after, ...found } = await readBatch(batchOptions(current))
    cursor = after
    ages.read(asOf, begunAt)
    return found
  }

  /** Takes what other nodes have read; `false`: this one must read by itself. */
  const takePages = async (current: Open) => {
    if (!relay?.hasPages() || ages.ownReadMs() > OWN_READ_MS) return false
    for (let page = relay.take(); page; page = relay.take()) {
      const taken = await takePage(batchOptions(current), page)
      if (!taken) return false
      cursor = taken.after
      ages.took(page.asOf)
    }
    return true
  }

  /** Each commit of plain SQL would wake a backend for each that listens: where others read, nobody needs to. */
  const listen = async (current: Open) => {
    const isWanted = !relay || relay.leads()
    if (current.isListening === isWanted) return
    await within(current.connection.query(isWanted ? 'listen noclobber' : 'unlisten noclobber'))
    current.isListening = isWanted
  }

  const look = async (current: Open) => {
    begin()
    await listen(current)
    if (await takePages(current)) return
    const found = await inSpan('feed.read', {}, () => readToEnd(current), foundAny)
    if (found.count > 0) await away(current, pauseMs(found))
  }

  const run = async () => {
    for (let failures = 0; !stopped; ) {
      try {
        if (!open) await connect(failures)
        if (!open) continue
        await open.lifeline.over(look(open), onDead)
        failures = 0
        failure = null
        await untilNextLook()
      } catch (error) {
        open?.close()
        if (stopped) return
        failure = error
        log.warn({ err: error }, 'The feed lost the database and tries again.')
        await pause(RECONNECT_MS[Math.min(failures, RECONNECT_MS.length - 1)] as number)
        failures += 1
      }
    }
  }

  return {
    start: () => {
      loop ??= run()
      return beginning
    },
    wake,
    receive: (page, sender) => {
      relay?.receive(page, sender, performance.now() - ages.momentOf(page.asOf) < FRESH_MS)
      if (relay?.hasPages()) endRest()
    },
    reopen: () => open?.close(),
    cursor: () => cursor,
    reads: () => reads,
    idleMs: ages.idleMs,
    failure: () => failure,
    age: ages.age,
    stop: async () => {
      stopped = true
      ending.end(new Error('The feed was stopped.'))
      began()
      endRest()
      if (loop) await atMost(STOP_MS, loop)
      open?.close()
    },
  }
}
