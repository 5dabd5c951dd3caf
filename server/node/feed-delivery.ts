// What a node does with what its feed has read: who waits for changes is woken, and of the changes those that somebody here
// watches are taken whole and delivered.
// Invariant: each kind of watcher is asked about each change. What one transaction did to a record is wanted together or not
// at all, since it is one event.

import type { Delivery } from '../live/delivery.ts'
import type { ChangeWaiters } from '../log/change-waiters.ts'
import type { FeedBatch, Selected } from '../log/feed-batch.ts'
import type { ChangeKey } from '../log/log-reader.ts'
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
  const { receivers, changeWaiters, node, onBatches } = options
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
      const failures: unknown[] = []
      // One that fails keeps nothing from the others.
      for (const { deliver } of receivers())
        await Promise.resolve(deliver(batch)).catch((error) => failures.push(error))
      if (failures.length > 0) throw failures[0]
    },
  }
}
