// What `followChanges` takes and gives, shared with its requests, which are loaded on use.

import type { Problem, WireChange } from '../../../server/protocol/index.ts'
import type { Clock } from '../base/clock.ts'

/** What {@link followChanges} takes. */
export interface FollowOptions {
  /** URL of the mounted router; in a page its path is enough. Default `/api/v1`. */
  url?: string
  /** Where to begin: a stored cursor, or `start` for all that the log still holds. Default: from now on. */
  cursor?: string | null
  /** Type names; default: all types. */
  types?: string[]
  /** Sent as `Authorization: Bearer …`; read anew for each request. */
  token?: () => string | null
  /** Most changes of a batch, 1 to 1,000. Default 500. */
  limit?: number
  /** How long a request waits for a change, in seconds, 1 to 25. Default 25. */
  waitS?: number
  /**
   * The cursor was too old, or of another database: changes were missed. Read everything anew here; the iteration
   * continues from `cursor` when this resolves. A rejection ends it.
   */
  onReset?: (cursor: string) => void | Promise<void>
  /** Called for each failure that is retried. */
  onRetry?: (cause: string, delayMs: number) => void
  /** Sends the requests. Default: the global one. */
  fetch?: typeof fetch
  /** Time and timers, for tests. Default: the system’s. */
  clock?: Clock
  /** From 0 to 1, for the jitter of retries. Default `Math.random`. */
  random?: () => number
}

/** Changes, oldest first, and the cursor behind them. */
export interface ChangeBatch {
  /** Empty where only the cursor has moved. */
  changes: WireChange[]
  /** Store it together with your results. */
  cursor: string
}

/** Batches of changes, without an end until `stop`. */
export interface FollowedChanges extends AsyncIterable<ChangeBatch> {
  /** Ends the iteration, also in the middle of a wait. */
  stop(): void
}

/** The server refused, and would refuse again: 400, 401, 403, 404. */
export class FollowRefusedError extends Error {
  /** Of HTTP. */
  readonly status: number
  /** The answer's body; `null` where it was none of this server's. */
  readonly problem: Problem | null
  constructor(status: number, problem: Problem | null) {
    super(problem?.detail ?? `The server answered ${status}.`)
    this.name = 'FollowRefusedError'
    this.status = status
    this.problem = problem
  }
}

export type Pauses = ReturnType<typeof createPauses>

/** A wait that can be ended. */
export function createPauses(clock: Clock) {
  let end = () => {}
  return {
    pause: (ms: number) =>
      new Promise<void>((resolve) => {
        const stopTimer = clock.after(ms, resolve)
        end = () => {
          stopTimer()
          resolve()
        }
      }),
    end: () => end(),
  }
}
