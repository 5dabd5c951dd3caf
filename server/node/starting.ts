// How a server begins: the tables are looked up, then its feed runs.
// Invariant: a start that can't succeed says why within its time, and goes on trying: a database may come up, a table be tracked.
import { setTimeout as pause } from 'node:timers/promises'
import type { Limits, Logger } from '../base/options.ts'
import { causeOf, isRefusedForGood, isUnavailable } from '../db/errors.ts'
import { withinMs } from '../pacing/timeouts.ts'

export interface StartingOptions {
  limits: Pick<Limits, 'startMs' | 'tablesMs'>
  log: Logger
  lookUp(): Promise<void>
  run(): Promise<void>
  /** Opens a connection beside the pool's and closes it. Of one that is refused a pool says only that none came in time. */
  connect(): Promise<void>
  /** Why what runs stands still; `null` where nothing is known. */
  failure(): unknown
}

const RETRY_MS = 1_000
/** After so long without an answer a connection is tried by itself. */
const LONG_MS = 1_000

export const createStarting = ({ limits, log, lookUp, run, connect, failure }: StartingOptions) => {
  let starting: Promise<void> | null = null
  /** Why it hasn't begun yet. */
  let cause: unknown = null
  let stopped = false
  let retry: NodeJS.Timeout | undefined

  /** What a connection of its own is refused by; one that doesn't come soon says nothing, and is waited for no longer. */
  const reasonOf = (error: unknown) =>
    withinMs(LONG_MS, connect(), 'No connection.').then(
      () => error,
      (own) => (own.code === undefined ? error : own),
    )

  /** A database that isn't up yet is waited for. */
  const wait = async () => {
    while (!stopped) {
      try {
        return await lookUp()
      } catch (error) {
        if (!isUnavailable(error)) throw error
        cause = await reasonOf(error)
        log.warn(
          { err: cause },
          'The database is not available yet. It is asked again each second; if it stays away, see the address in DATABASE_URL.',
        )
        await pause(RETRY_MS)
      }
    }
  }

  /** Begins, or goes on beginning; what it waits for is in `cause`. */
  const begin = (): Promise<void> => {
    starting ??= wait()
      .then(() => (stopped ? undefined : run()))
      .catch((error) => {
        starting = null
        // Somebody may yet track the table, or grant the right. Why it failed was said the first time, and is in `health`.
        clearTimeout(retry)
        if (!stopped) retry = setTimeout(() => begin().catch(() => {}), limits.tablesMs).unref()
        throw error
      })
    return starting
  }

  /** As `begun`, or rejected before it, where PostgreSQL lets nobody in: no waiting mends that. */
  const orRefused = (begun: Promise<void>) =>
    new Promise<void>((resolve, reject) => {
      const timer = setTimeout(async () => {
        const reason = await reasonOf(null)
        if (!isRefusedForGood(reason)) return
        cause = reason
        reject(reason)
      }, LONG_MS).unref()
      begun.then(resolve, reject).finally(() => clearTimeout(timer))
    })

  return {
    begin,
    /** The same for who awaits it: where the database stays away, what is waited for is said. It goes on beginning. */
    start: () =>
      withinMs(limits.startMs, orRefused(begin()), `No start within ${limits.startMs} ms.`).catch((error) => {
        if (!starting) throw error
        const isRefused = error === cause
        cause = isRefused ? cause : (failure() ?? cause)
        const why = cause instanceof Error ? causeOf(cause) : 'the database does not answer'
        const within = isRefused ? '' : ` within ${limits.startMs} ms`
        throw new Error(`The record server could not start${within}, and goes on trying: ${why}`, { cause })
      }),
    stop: () => {
      stopped = true
      clearTimeout(retry)
    },
  }
}
