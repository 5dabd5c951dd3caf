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
  /** The feed has delivered it. */
  done(change: DeliveredChange): void
}

/** So many changes of each kind are remembered at least, and twice as many at most. */
const SIZE = 5_000

/** Two tenants may have had a record of one id, one after the other. */
const keyOf = ({ source, tenantId, id }: DeliveredChange, version: number) =>
  `${version} ${id.length} ${tenantId?.length ?? '-'} ${id}${tenantId ?? ''}${source}`

/** The last ones. In two parts, of which the older is dropped whole: to take the oldest out of a set again and again is dear. */
const createLast = () => {
  let [newer, older] = [new Set<string>(), new Set<string>()]
  return {
    has: (key: string) => newer.has(key) || older.has(key),
    put: (key: string) => {
      newer.add(key)
      if (newer.size < SIZE) return
      older = newer
      newer = new Set()
    },
  }
}

export const createEarlyDeliveries = (): EarlyDeliveries => {
  const early = createLast()
  const passed = createLast()
  const done = createLast()
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
    done: (change) => done.put(keyOf(change, change.version)),
    add: (change) => early.put(keyOf(change, change.version)),
    pass: (change) => {
      const key = keyOf(change, change.version)
      if (early.has(key)) return true
      passed.put(key)
      return false
    },
  }
}
