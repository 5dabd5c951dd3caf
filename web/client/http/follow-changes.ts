// Follows GET /changes for programs: page by page, then by long polls, until stopped. Runs in browsers and in Node 20
// and later.
// Invariant: a batch's cursor is the one behind its changes. A program that stores it together with its results, and
// starts from what it stored, gets each change exactly once, whatever fails in between.

import { DEFAULT_BASE_PATH } from '../../../server/protocol/index.ts'
import { systemClock } from '../base/clock.ts'
import {
  type ChangeBatch,
  createPauses,
  type FollowedChanges,
  type FollowOptions,
  FollowRefusedError,
} from './follow-options.ts'
import type { Follower } from './follower.ts'

export type { ChangeBatch, FollowedChanges, FollowOptions } from './follow-options.ts'
export { FollowRefusedError } from './follow-options.ts'

/** Until the code is asked for again, where it could not be loaded. */
const CODE_DELAY_MS = 5_000

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
  const { url = DEFAULT_BASE_PATH, clock = systemClock } = options
  checkUrl(url)
  const pauses = createPauses(clock)
  let follower: Follower | null = null
  let isStopped = false

  async function* follow(): AsyncGenerator<ChangeBatch, void, undefined> {
    while (!follower && !isStopped) {
      const code = await import('./follower.ts').catch((error: Error) => error)
      if (!(code instanceof Error))
        follower = code.createFollower({ ...options, url, clock, pauses, Refused: FollowRefusedError })
      else {
        options.onRetry?.(code.message, CODE_DELAY_MS)
        await pauses.pause(CODE_DELAY_MS)
      }
    }
    if (follower && !isStopped) yield* follower.follow()
  }

  return {
    [Symbol.asyncIterator]: follow,
    stop() {
      isStopped = true
      follower?.stop()
      pauses.end()
    },
  }
}
