// What a node does with what its feed has read: who waits for changes is woken, and of the changes those that somebody here
// watches are taken whole and delivered.
// Invariant: each kind of watcher is asked about each change. What one transaction did to a record is wanted together or not
// at all, since it is one event. While something is held back (event-storms.ts), this node's age and position are those of before it.

import type { Delivery } from '../live/delivery.ts'
import type { ChangeWaiters } from '../log/change-waiters.ts'
import type { Cursor } from '../log/cursor.ts'
import type { Feed } from '../log/feed.ts'
import type { FeedBatch, Selected } from '../log/feed-batch.ts'
import type { ChangeKey } from '../log/log-reader.ts'
import type { Age } from '../protocol/index.ts'
import type { SavedChange } from '../tables/saved-changes.ts'
import { createEventStorms } from './event-storms.ts'
import type { RecordNode } from './node.ts'

/** Watchers of one kind. */
type Receiver = Pick<Delivery, 'wants' | 'deliver'>

export interface FeedDeliveryOptions {
  receivers(): Receiver[]
  changeWaiters: ChangeWaiters
  /** Once it is there. */
  node(): Pick<RecordNode, 'metrics' | 'passed'>
  /** There may be batches in the log. */
  onBatches(): void
  /** How far the feed has come. */
  feed(): Pick<Feed, 'cursor' | 'age'>
  /** Events of one record that go out at once in a second. */
  eventsPerRecord: number
}

/** How far the feed had come before something was held back. */
interface HeldSince {
  cursor: Cursor | null
  age: Age
  at: number
}

/** A statement that changes more rows than 20 leaves batches. */
const LEAST_BATCHED = 21

const mayHaveBatches = (keys: ChangeKey[]): boolean => {
  if (keys.length < LEAST_BATCHED) return false
  const counts = new Map<string, number>()
  return keys.some(({ xid }) => {
    const count = (counts.get(xid) ?? 0) + 1
    counts.set(xid, count)
    return count >= LEAST_BATCHED
  })
}

const recordOf = ({ xid, source, tenantId, id }: ChangeKey) => JSON.stringify([xid, source, tenantId, id])

/** Those that are wanted, and what the same transaction did to the same records. */
const withTheirs = (keys: ChangeKey[], wanted: ChangeKey[]): ChangeKey[] => {
  if (wanted.length === 0 || wanted.length === keys.length) return wanted
  const records = new Set(wanted.map(recordOf))
  return keys.filter((key) => records.has(recordOf(key)))
}

export const createFeedDelivery = (options: FeedDeliveryOptions) => {
  const { receivers, changeWaiters, node, onBatches, feed } = options
  let since: HeldSince | null = null
  /** One delivery after the other: what is held goes out between two batches. */
  let last: Promise<unknown> = Promise.resolve()

  const inOrder = <T>(work: () => Promise<T>): Promise<T> => {
    const done = last.then(work)
    // Who has asked for it gets the failure.
    last = done.catch(() => {})
    return done
  }

  /** One that fails keeps nothing from the others. */
  const handOn = async (batch: FeedBatch) => {
    const failures: unknown[] = []
    for (const { deliver } of receivers())
      await Promise.resolve(deliver(batch)).catch((error) => failures.push(error))
    if (failures.length > 0) throw failures[0]
  }

  const release = async () => {
    const changes = storms.held()
    const after = feed().cursor() ?? since?.cursor
    if (changes.length === 0 || !after) return
    await handOn({ changes, largeTransactions: [], after })
    storms.wentOut()
    since = null
  }

  const storms = createEventStorms(options.eventsPerRecord, () => {
    inOrder(release).catch(storms.later)
  })

  const deliverBatch = async ({ changes, largeTransactions, after }: FeedBatch) => {
    if (largeTransactions.length > 0) await release()
    const before = since ?? { cursor: feed().cursor(), age: feed().age(), at: performance.now() }
    const now = storms.take(changes)
    if (storms.isHolding()) since = before
    await handOn({ changes: now, largeTransactions, after: (since && before.cursor) ?? after })
    if (!storms.isHolding()) since = null
  }

  return {
    /** Learns of changes, and gives those that somebody waits for. */
    select: (keys: ChangeKey[]): Selected => {
      node().metrics.read(keys.length)
      let isAwaited = changeWaiters.notify(keys)
      node().passed({ changes: keys, largeTransactions: [] })
      if (mayHaveBatches(keys)) onBatches()
      const asked = receivers()
      const wanted = keys.filter((key) => {
        const answers = asked.map(({ wants }) => wants(key))
        isAwaited ||= answers.some((answer) => answer !== null)
        return answers.includes('whole')
      })
      return { wanted: withTheirs(keys, wanted), isAwaited }
    },
    deliver: async (batch: FeedBatch): Promise<void> => {
      const { changes, largeTransactions } = batch
      node().metrics.delivered(changes)
      if (largeTransactions.length > 0) {
        changeWaiters.notify(largeTransactions)
        node().passed({ changes: [], largeTransactions })
        onBatches()
      }
      await inOrder(() => deliverBatch(batch))
    },
    /** Those that may go out ahead of the feed. */
    ahead:
      (deliver: (saved: SavedChange) => void) =>
      (saved: SavedChange): void => {
        if (storms.admit(saved.change)) deliver(saved)
      },
    /** The position before which everything was handed on. */
    cursor: (): Cursor | null => (since ? since.cursor : feed().cursor()),
    /** Everything that was committed before `as_of` was handed on. */
    age: (): Age =>
      since?.age.behind_ms != null
        ? { ...since.age, behind_ms: Math.round(since.age.behind_ms + performance.now() - since.at) }
        : feed().age(),
    /** What is held may never have been. */
    forget: (): void => {
      storms.forget()
      since = null
    },
  }
}
