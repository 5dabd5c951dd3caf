// What statements of many rows left in batches is put into rows of the log, a little at a time, by whichever node comes
// first, on a connection of its own that lives as long as there is work. Invariant: nothing waits for it. A change in a
// batch is read as one in a row is; it is only found more slowly.
import type { Knex } from 'knex'
import type { Logger } from '../base/options.ts'
import { openConnection } from '../db/raw-connection.ts'
import { type Connection, sendOn, statement } from '../db/statement.ts'
import { atMost, pauseUntil, withinMs } from '../pacing/timeouts.ts'

/** Changes of one transaction: some ten milliseconds of the database's time. */
const SLICE = 1_000
/** Rests between two, because others write too: so many times what the slice took, and at least so long. */
const REST_SHARE = 3
const LEAST_REST_MS = 25
/** A writer of many rows often writes many again. */
const GATHER_MS = 250
/** Batched log rows that no node has compacted: written while none ran, or left by one that died. */
const LOOK_MS = 60_000
const RETRY_MS = 2_000
const STOP_MS = 2_000

/** How many at most, about: the oldest first. Answers how many were moved: 0 where none is left, or another is at it. */
export const COMPACT = statement('select noclobber.compact($1) as moved')

/** pg's client as Knex opens it. */
interface RawConnection extends Connection {
  on(event: 'error', listener: () => void): void
  connection?: { stream?: { destroy(): void } }
}

/** Keeps the log free of batches until stopped. `wake`: there are some, perhaps. `timeoutMs`: for each answer. */
export const keepCompacted = ({ knex, log, timeoutMs }: { knex: Knex; log: Logger; timeoutMs: number }) => {
  const { client } = knex
  let isWoken = false
  let isEnding = false
  let resting: { controller: AbortController; mayWake: boolean } | null = null

  /**
   * Waits so long, or until the end; where it `mayWake`, until there is work. Each rest has a controller of its own: what is
   * combined with a signal that stays, as `AbortSignal.any` does, piles up in that signal.
   */
  const rest = async (ms: number, mayWake = false) => {
    if (isEnding || (mayWake && isWoken)) return
    resting = { controller: new AbortController(), mayWake }
    await pauseUntil(ms, resting.controller.signal)
    resting = null
  }

  const within = <T>(work: Promise<T>) =>
    withinMs(timeoutMs, work, `The database did not answer within ${timeoutMs} ms.`)

  const compact = async () => {
    const opening: Promise<RawConnection> = openConnection(knex)
    const connection = await within(opening).catch((error) => {
      // It stands too late, or never.
      opening.then((late) => late.connection?.stream?.destroy()).catch(() => {})
      throw error
    })
    // What is asked next finds out that it was lost.
    connection.on('error', () => {})
    try {
      while (!isEnding) {
        const begun = performance.now()
        const [row] = (await within(sendOn(connection, client.driver, COMPACT, [SLICE], false))).rows
        if ((row?.moved ?? 0) < SLICE) return
        await rest(Math.max(LEAST_REST_MS, REST_SHARE * (performance.now() - begun)))
      }
    } finally {
      await atMost(STOP_MS, client.destroyRawConnection(connection))
      connection.connection?.stream?.destroy()
    }
  }

  const rounds = async () => {
    while (!isEnding) {
      isWoken = false
      const isDone = await compact().then(
        () => true,
        (error) => {
          if (!isEnding)
            log.warn({ err: error }, 'Batches of changes could not be put into the log; it is tried again.')
          return false
        },
      )
      await rest(isDone ? LOOK_MS : RETRY_MS, true)
      await rest(GATHER_MS)
    }
  }
  const running = rounds()

  return {
    wake: () => {
      isWoken = true
      if (resting?.mayWake) resting.controller.abort()
    },
    stop: async () => {
      isEnding = true
      resting?.controller.abort()
      await atMost(STOP_MS, running)
    },
  }
}
