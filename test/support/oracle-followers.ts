// Readers of GET /changes for the oracle: by pages, by long polls, by followChanges over a line that is cut, each from
// the same cursor. Each keeps every entry as it came, and when.
import { setTimeout as pause } from 'node:timers/promises'
import { followChanges } from '../../web/client/http/follow-changes.ts'
import type { TestApp } from './app.ts'
import { keyOf } from './oracle-book.ts'

export interface Follower {
  name: string
  /** What it is for: a change that it must have, or must not. */
  sees(key: string, tenant: string): boolean
  /** Entries in the order in which they came, and the time of each. */
  seen: string[]
  times: number[]
  resets: number
  /** How often it was cut off or began anew from its stored cursor. */
  faults: number
  stop(): Promise<void>
}

export interface FollowerOptions {
  name: string
  /** The node, or a proxy before it. */
  origin: string
  cursor: string
  as?: string
  types?: string[]
}

const WAIT_S = 2
/** The longest time for an answer stays; the pauses after failures are shortened. */
const ANSWER_MS = WAIT_S * 1_000 + 15_000

const TENANTS: Record<string, string> = { alice: 'acme', gina: 'globex' }

const createFollower = ({ name, as = 'alice', types = [] }: FollowerOptions): Follower => ({
  name,
  sees: (key, tenant) =>
    (tenant === '' || tenant === TENANTS[as]) &&
    (types.length === 0 || types.includes(key.split(' ')[0] ?? '')),
  seen: [],
  times: [],
  resets: 0,
  faults: 0,
  stop: async () => {},
})

const take = (follower: Follower, changes: Parameters<typeof keyOf>[0][]) => {
  const now = performance.now()
  for (const change of changes) {
    follower.seen.push(keyOf(change))
    follower.times.push(now)
  }
}

/** Asks for small pages, one after the other, and never waits for a change. */
export const startPager = (
  app: Pick<TestApp, 'call'>,
  options: FollowerOptions & { limit: number },
): Follower => {
  const follower = createFollower(options)
  let { cursor } = options
  let isStopped = false
  const run = async () => {
    while (!isStopped) {
      const { body } = await app.call('GET', `/changes?limit=${options.limit}&cursor=${cursor}`)
      if (body.reset) follower.resets += 1
      take(follower, body.data)
      cursor = body.cursor
      if (!body.more) await pause(15)
    }
  }
  const running = run()
  follower.stop = async () => {
    isStopped = true
    await running
  }
  return follower
}

/** Follows as a program does; `restart` makes it begin anew from the cursor that it stored last. */
export const startFollowing = (options: FollowerOptions & { limit: number }) => {
  const follower = createFollower(options)
  let { cursor } = options
  let isStopped = false
  let current = { stop: () => {} }
  const run = async () => {
    while (!isStopped) {
      const following = followChanges({
        url: `${options.origin}/api/v1`,
        cursor,
        types: options.types ?? [],
        token: () => options.as ?? 'alice',
        limit: options.limit,
        waitS: WAIT_S,
        onReset: () => {
          follower.resets += 1
        },
        onRetry: () => {
          follower.faults += 1
        },
        clock: {
          now: Date.now,
          after: (ms, act) => {
            const timer = setTimeout(act, ms === ANSWER_MS ? ms : ms / 10)
            return () => clearTimeout(timer)
          },
        },
      })
      current = following
      for await (const batch of following) {
        take(follower, batch.changes)
        cursor = batch.cursor
      }
    }
  }
  const running = run()
  follower.stop = async () => {
    isStopped = true
    current.stop()
    await running
  }
  const restart = () => {
    follower.faults += 1
    current.stop()
  }
  return { follower, restart }
}
