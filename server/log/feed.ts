// Each node reads the change log itself: what was committed since its last read, for delivery. Wake-ups (its own saves, other
// nodes, NOTIFY, a timer) are hints; the cursor decides.
// Invariant: the cursor advances only after the changes before it were delivered. Which are wanted is asked after they were read:
// watchers who come later read a version that has them, see docs/decisions/045. After any failure the feed opens a new
// connection and continues from its cursor; if the database has another history by then, `onReset` is called.
import { setTimeout as pause } from 'node:timers/promises'
import type { Knex } from 'knex'
import type { Limits, Logger } from '../base/options.ts'
import { inSpan } from '../base/tracing.ts'
import { openConnection } from '../db/raw-connection.ts'
import { type Connection, type Statement, sendOn } from '../db/statement.ts'
import { atMost, createEnding, withinMs } from '../pacing/timeouts.ts'
import type { Age } from '../protocol/index.ts'
import type { Cursor } from './cursor.ts'
import { type FeedBatch, type Found, readBatch, type Selected } from './feed-batch.ts'
import { type ChangeKey, createLogReader, type LogReader } from './log-reader.ts'

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
  /** Changes could not be delivered, even by retries: watchers must refetch. */
  onMissed(): void
}

export interface Feed {
  /** Opens the feed's own connection, trying until it stands, and begins at the present. Resolves then, or when stopped. */
  start(): Promise<void>
  /** Something was committed, perhaps. */
  wake(): void
  /** Opens its connection anew: there may be another primary. */
  reopen(): void
  /** The position up to which everything was handed on; `null` before the first connection. */
  cursor(): Cursor | null
  /** Time since the log was last read to its end, in milliseconds; `Infinity` before the first time. */
  idleMs(): number
  /** Everything that was committed before `as_of` was handed on. */
  age(): Age
  stop(): Promise<void>
}

/** pg's client as Knex opens it. */
interface FeedConnection extends Connection {
  query(query: object | string): Promise<{ rows: never[]; rowCount: number | null }>
  on(event: 'notification' | 'error' | 'end', listener: () => void): void
  connection?: { stream?: { destroy(): void; pause?(): void; resume?(): void } }
}

/** The connection in use. */
interface Open {
  reader: LogReader
  connection: FeedConnection
  close(): void
}

const RECONNECT_MS = [100, 250, 500, 1_000, 2_000]
/** For a delivery that is under way at the stop: it may wait for a pool that gives no connection any more. */
const STOP_MS = 2_000
/** Pauses before a failed delivery is tried again. */
const HAND_ON_MS = [50, 200, 500]

/** How many times `gapMs` a pause may be while nobody waits for what is found. */
const MOST_GAPS = 4

/** A round that found nothing gets no span: there is one each second. */
const foundAny = ({ count }: Found) => count > 0

export const createFeed = (options: FeedOptions): Feed => {
  const { knex, limits, log, namesStatements, checkConnection, deliver, onReset, onLost, onMissed } = options
  const { sources, select } = options
  let cursor: Cursor | null = null
  let open: Open | null = null
  let stopped = false
  let woken = false
  let lastReadAt = Number.NEGATIVE_INFINITY
  /** When the last reading that came to its end began: by the database's clock, and by this process's. */
  let handedOn: { asOf: string; at: number } | null = null
  let endRest: (() => void) | null = null
  let loop: Promise<void> | null = null
  let began: () => void = () => {}
  const beginning = new Promise<void>((resolve) => {
    began = resolve
  })

  const ending = createEnding()

  const wake = () => {
    woken = true
    endRest?.()
  }

  /** Waits for a wake-up, at most so long. */
  const rest = (ms: number) =>
    new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer)
        endRest = null
        resolve()
      }
      const timer = setTimeout(done, ms)
      endRest = done
      if (woken || stopped) done()
    })

  /** Pauses. Notifications that come meanwhile are read together afterwards: one by one each costs as much as ten changes. */
  const away = async ({ connection }: Open, ms: number) => {
    const stream = connection.connection?.stream
    stream?.pause?.()
    await pause(ms)
    stream?.resume?.()
  }

  /** Waits for the database as long as a feed does: not for ever, and not beyond its own end. */
  const within = <T>(work: Promise<T>) =>
    withinMs(
      limits.feedTimeoutMs,
      ending.orEnd(work),
      `The database did not answer the feed within ${limits.feedTimeoutMs} ms.`,
    )

  const connect = async () => {
    const opening: Promise<FeedConnection> = openConnection(knex)
    const connection = await within(opening).catch((error) => {
      opening.then((late) => late.connection?.stream?.destroy()).catch(() => {})
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
      open = { reader, connection, close }
      began()
    } catch (error) {
      close()
      throw error
    }
  }

  const factsOf = ({ changes, largeTransactions }: FeedBatch) => ({
    'noclobber.changes': changes.length,
    'noclobber.large_transactions': largeTransactions.length,
  })

  /** Rounds one after the other that found changes, and none that somebody waits for. */
  let unawaited = 0

  /** Where nobody waits one read may do for more changes. */
  const pauseMs = ({ count, isAwaited }: Found) => {
    unawaited = isAwaited ? 0 : unawaited + 1
    return unawaited > 0 ? limits.gapMs * Math.min(unawaited, MOST_GAPS) : Math.min(count, limits.gapMs)
  }

  const handOn = async (batch: FeedBatch) => {
    if (batch.changes.length === 0 && batch.largeTransactions.length === 0) return
    for (const ms of [...HAND_ON_MS, null]) {
      try {
        return await inSpan('deliver', factsOf(batch), () => deliver(batch))
      } catch (error) {
        if (stopped) return
        if (ms === null) log.error({ err: error }, 'Changes could not be delivered: watchers must refetch.')
        else await pause(ms)
      }
    }
    onMissed()
  }

  const readToEnd = async ({ reader, connection }: Open) => {
    const begunAt = performance.now()
    const { driver } = knex.client
    const send = async (query: Statement, values: unknown[]) =>
      (await sendOn(connection, driver, query, values, namesStatements())).rows
    const { asOf, after, ...found } = await readBatch({
      ...{ reader, send, limits, within, handOn, sources, select },
      from: cursor as Cursor,
    })
    cursor = after
    lastReadAt = performance.now()
    if (asOf !== null) handedOn = { asOf, at: begunAt }
    return found
  }

  const run = async () => {
    for (let failures = 0; !stopped; ) {
      try {
        if (!open) await connect()
        const current = open
        if (!current) continue
        woken = false
        const found = await inSpan('feed.read', {}, () => readToEnd(current), foundAny)
        failures = 0
        if (found.count > 0) await away(current, pauseMs(found))
        await rest(limits.pollMs)
      } catch (error) {
        open?.close()
        if (stopped) return
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
    reopen: () => open?.close(),
    cursor: () => cursor,
    idleMs: () => performance.now() - lastReadAt,
    age: () =>
      handedOn
        ? { as_of: handedOn.asOf, behind_ms: Math.round(performance.now() - handedOn.at) }
        : { as_of: null, behind_ms: null },
    stop: async () => {
      stopped = true
      ending.end(new Error('The feed was stopped.'))
      began()
      endRest?.()
      if (loop) await atMost(STOP_MS, loop)
      open?.close()
    },
  }
}
