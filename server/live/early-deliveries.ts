// Changes that were delivered before the feed came to them, so that it doesn't deliver them again.
// Invariant: what is dropped here is delivered twice, never not at all.
import type { Change } from '../log/log-reader.ts'

type DeliveredChange = Pick<Change, 'source' | 'tenantId' | 'id' | 'version'>

export interface EarlyDeliveries {
  /** Has the feed been quicker? */
  isLate(change: DeliveredChange): boolean
  /** Was the version before it delivered here? */
  follows(change: DeliveredChange): boolean
  /** It was delivered to everybody. */
  add(change: DeliveredChange): void
  /** The feed has come to it: was it delivered? */
  pass(change: DeliveredChange): boolean
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
  return {
    isLate: (change) => passed.has(keyOf(change, change.version)),
    follows: (change) => {
      const before = keyOf(change, change.version - 1)
      return early.has(before) || passed.has(before)
    },
    add: (change) => put(early, keyOf(change, change.version)),
    pass: (change) => {
      const key = keyOf(change, change.version)
      if (early.has(key)) return true
      put(passed, key)
      return false
    },
  }
}
