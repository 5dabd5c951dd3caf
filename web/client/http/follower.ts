// The requests of `followChanges`, loaded when it is used: page by page, then by long polls.

import type { ChangesAnswer, Problem } from '../../../server/protocol/index.ts'
import type { Clock } from '../base/clock.ts'
import type { ChangeBatch, FollowOptions, FollowRefusedError, Pauses } from './follow-options.ts'

const FIRST_DELAY_MS = 500
const LONGEST_DELAY_MS = 4_000
/** On top of the requested wait, an answer may take this long. */
const ANSWER_TIMEOUT_MS = 15_000
/** The longest that the server waits. */
const WAIT_S = 25

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

interface FollowerOptions extends FollowOptions {
  url: string
  clock: Clock
  pauses: Pauses
  Refused: typeof FollowRefusedError
}

export interface Follower {
  follow(): AsyncGenerator<ChangeBatch, void, undefined>
  stop(): void
}

export function createFollower(options: FollowerOptions): Follower {
  const { url, clock, pauses, Refused, types = [], limit = 500, waitS = WAIT_S } = options
  const { random = Math.random, token = () => null } = options
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
        throw new Refused(status, body as Problem | null)
      return {
        kind: 'retry',
        cause: `The server answered ${status}.`,
        afterMs: retryAfterMs(response.headers),
      }
    } catch (error) {
      if (error instanceof Refused) throw error
      return { kind: 'retry', cause: error instanceof Error ? error.message : String(error), afterMs: null }
    } finally {
      stopTimer()
    }
  }

  async function* follow(): AsyncGenerator<ChangeBatch, void, undefined> {
    for (let failures = 0; !isStopped; ) {
      const asked = await ask()
      if (isStopped) return
      if (asked.kind === 'retry') {
        const longest = Math.min(FIRST_DELAY_MS * 2 ** failures, LONGEST_DELAY_MS)
        const delayMs = Math.max(longest * (0.5 + random() / 2), asked.afterMs ?? 0)
        failures += 1
        options.onRetry?.(asked.cause, delayMs)
        await pauses.pause(delayMs)
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
    follow,
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
