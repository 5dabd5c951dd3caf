// Follows GET /changes for programs: page by page, then by long polls, until stopped. Runs in browsers and in Node 20
// and later.
// Invariant: a batch's cursor is the one behind its changes. A program that stores it together with its results, and
// starts from what it stored, gets each change exactly once, whatever fails in between.

import type { ChangesAnswer, Problem, WireChange } from '../../../server/protocol/index.ts'
import { DEFAULT_BASE_PATH, MAX_WAIT_S } from '../../../server/protocol/index.ts'
import { type Clock, systemClock } from '../base/clock.ts'

const FIRST_DELAY_MS = 500
const LONGEST_DELAY_MS = 30_000
/** On top of the requested wait, an answer may take this long. */
const ANSWER_TIMEOUT_MS = 15_000

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
  fetch?: typeof fetch
  clock?: Clock
  random?: () => number
}

/** Changes, oldest first, and the cursor behind them. */
export interface ChangeBatch {
  /** Empty where only the cursor has moved. */
  changes: WireChange[]
  /** Store it together with your results. */
  cursor: string
}

export interface FollowedChanges extends AsyncIterable<ChangeBatch> {
  /** Ends the iteration, also in the middle of a wait. */
  stop(): void
}

/** The server refused, and would refuse again: 400, 401, 403, 404. */
export class FollowRefusedError extends Error {
  readonly status: number
  readonly problem: Problem | null
  constructor(status: number, problem: Problem | null) {
    super(problem?.detail ?? `The server answered ${status}.`)
    this.name = 'FollowRefusedError'
    this.status = status
    this.problem = problem
  }
}

type Asked =
  | { kind: 'answer'; answer: ChangesAnswer }
  | { kind: 'retry'; cause: string; afterMs: number | null }

const isAnswer = (body: unknown): body is ChangesAnswer =>
  typeof body === 'object' &&
  body !== null &&
  Array.isArray((body as ChangesAnswer).data) &&
  typeof (body as ChangesAnswer).cursor === 'string'

const retryAfterMs = (headers: Headers) => {
  const seconds = Number(headers.get('retry-after') ?? Number.NaN)
  return Number.isFinite(seconds) ? seconds * 1_000 : null
}

/** A retry can't help an address that never works: a path where there is no page, or a host without a scheme. */
const checkUrl = (url: string) => {
  const base = globalThis.location?.href
  if (URL.canParse(url, base) && /^https?:$/.test(new URL(url, base).protocol)) return
  throw new TypeError(
    `followChanges: "${url}" is no address here. Give it whole: http://localhost:3000/api/v1.`,
  )
}

/**
 * Follows the changes that this caller may see.
 *
 * @throws TypeError at once for a `url` that is none; FollowRefusedError from the iteration where a retry can't help; whatever `onReset` throws.
 * @example
 * const following = followChanges({ url: 'https://app.example.com/api/v1', token, cursor: await loadCursor() })
 * for await (const { changes, cursor } of following) {
 *   await db.transaction(async (trx) => {
 *     for (const change of changes) await apply(trx, change)
 *     await storeCursor(trx, cursor)
 *   })
 * }
 */
export function followChanges(options: FollowOptions = {}): FollowedChanges {
  const { url = DEFAULT_BASE_PATH, types = [], limit = 500, waitS = MAX_WAIT_S } = options
  const { clock = systemClock, random = Math.random, token = () => null } = options
  checkUrl(url)
  const send = options.fetch ?? ((...request: Parameters<typeof fetch>) => globalThis.fetch(...request))
  let cursor = options.cursor ?? null
  let isStopped = false
  let interrupt = () => {}

  /** A request that ends with the answer, the timeout, or `stop`. */
  async function ask(): Promise<Asked> {
    const abort = new AbortController()
    interrupt = () => abort.abort()
    const query = new URLSearchParams({ limit: String(limit) })
    if (cursor) query.set('cursor', cursor)
    // The first answer fixes the cursor: changes during a wait before it would be lost with the connection.
    if (cursor) query.set('wait', String(waitS))
    if (types.length > 0) query.set('type', types.join(','))
    const bearer = token()
    const headers = { Accept: 'application/json', ...(bearer ? { Authorization: `Bearer ${bearer}` } : {}) }
    const stopTimer = clock.after(waitS * 1_000 + ANSWER_TIMEOUT_MS, interrupt)
    try {
      const response = await send(`${url}/changes?${query}`, {
        headers,
        credentials: options.token ? 'same-origin' : 'include',
        signal: abort.signal,
      })
      const text = await response.text()
      const body = parse(text)
      if (response.ok && isAnswer(body)) return { kind: 'answer', answer: body }
      const { status } = response
      if (status >= 400 && status < 500 && status !== 408 && status !== 429)
        throw new FollowRefusedError(status, body as Problem | null)
      return {
        kind: 'retry',
        cause: `The server answered ${status}.`,
        afterMs: retryAfterMs(response.headers),
      }
    } catch (error) {
      if (error instanceof FollowRefusedError) throw error
      return { kind: 'retry', cause: error instanceof Error ? error.message : String(error), afterMs: null }
    } finally {
      stopTimer()
    }
  }

  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const stopTimer = clock.after(ms, resolve)
      interrupt = () => {
        stopTimer()
        resolve()
      }
    })

  async function* follow(): AsyncGenerator<ChangeBatch, void, undefined> {
    for (let failures = 0; !isStopped; ) {
      const asked = await ask()
      if (isStopped) return
      if (asked.kind === 'retry') {
        const longest = Math.min(FIRST_DELAY_MS * 2 ** failures, LONGEST_DELAY_MS)
        const delayMs = Math.max(longest * (0.5 + random() / 2), asked.afterMs ?? 0)
        failures += 1
        options.onRetry?.(asked.cause, delayMs)
        await pause(delayMs)
        continue
      }
      failures = 0
      const { answer } = asked
      if (answer.reset) await options.onReset?.(answer.cursor)
      const hasMoved = answer.cursor !== cursor
      cursor = answer.cursor
      if (hasMoved) yield { changes: answer.data, cursor: answer.cursor }
    }
  }

  return {
    [Symbol.asyncIterator]: follow,
    stop() {
      isStopped = true
      interrupt()
    },
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
