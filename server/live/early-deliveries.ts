// Changes that were delivered before the feed came to them, so that it doesn't deliver them again.
// Invariant: what is dropped here is delivered twice, never not at all.
import type { Change } from '../log/log-reader.ts'

type DeliveredChange = Pick<Change, 'source' | 'tenantId' | 'id' | 'version'>

export interface EarlyDeliveries {
  /** Has the feed been quicker? */
  isLate(change: DeliveredChange): boolean
  /** Was the version before it delivered here, all of it? */
  follows(change: DeliveredChange): boolean
  /** It was delivered to everybody. */
  add(change: DeliveredChange): void
  /** The feed has come to it: was it delivered? */
  pass(change: DeliveredChange): boolean
  /** Was it delivered before? */
  has(change: DeliveredChange): boolean
  /** The feed has delivered it, or nobody waits for it. */
  done(change: DeliveredChange): void
}

/** So many changes of each kind are remembered at most. */
const SIZE = 5_000

/** Two tenants may have had a record of one id, one after the other. */
const keyOf = ({ source, tenantId, id }: DeliveredChange, version: number) =>
  `${version} ${id.length} ${tenantId?.length ?? '-'} ${id}${tenantId ?? ''}${source}`

const put = (keys: Set<string>, key: string) => {
  keys.add(key)
  if (keys.size > SIZE) keys.delete(keys.values().next().value as string)
}

export const createEarlyDeliveries = (): EarlyDeliveries => {
  const early = new Set<string>()
  const passed = new Set<string>()
  const done = new Set<string>()
  return {
    isLate: (change) => {
      const key = keyOf(change, change.version)
      return passed.has(key) || done.has(key)
    },
    follows: (change) => {
      const before = keyOf(change, change.version - 1)
      return early.has(before) || done.has(before)
    },
    has: (change) => early.has(keyOf(change, change.version)),
    done: (change) => put(done, keyOf(change, change.version)),
    add: (change) => put(early, keyOf(change, change.version)),
    pass: (change) => {
      const key = keyOf(change, change.version)
      if (early.has(key)) return true
      put(passed, key)
      return false
    },
  }
}
