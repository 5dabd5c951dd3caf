// Changes of one record that come faster than anybody can follow: the first of a second are events at once, further ones are held, and
// are one event at its end, with the last version and all fields.
// Invariant: what is held goes out within a second of having been read, or counts as not handed on; nothing is left out of it but
// versions in between. What one person did and what another did stay apart, unless they alternate.

import type { Change } from '../log/log-reader.ts'
import { mergedChange } from '../log/merged-changes.ts'

const WINDOW_MS = 1_000
/** Records of which something is held. Of further ones each change is an event. */
const MOST_HELD = 10_000
/** Events that one record's held changes are at most, where several people alternate. */
const MOST_RUNS = 4

/** Which change it is. */
type Counted = Pick<Change, 'xid' | 'source' | 'tenantId' | 'id' | 'version'>

const keyOf = ({ source, tenantId, id }: Counted) => JSON.stringify([source, tenantId, id])

const isSameWriter = (one: Change, other: Change) =>
  one.tabId === other.tabId &&
  one.updatedBy?.id === other.updatedBy?.id &&
  one.updatedBy?.kind === other.updatedBy?.kind

/**
 * @param perSecond Events of one record that go out at once in a second; `Infinity`: all.
 * @param onDue Called when what is held is to go out.
 */
export const createEventStorms = (perSecond: number, onDue: () => void) => {
  const held = new Map<string, Change[]>()
  let counts = new Map<string, { count: number; version: number; xid: string }>()
  /** Records that were held in the second before: another second in which they are is one event. */
  let stormy: ReadonlySet<string> = new Set()
  let begunAt = Number.NEGATIVE_INFINITY
  let timer: NodeJS.Timeout | undefined

  const begin = (held: ReadonlySet<string>) => {
    begunAt = performance.now()
    counts = new Map()
    stormy = held
  }

  const plan = () => {
    timer ??= setTimeout(
      () => {
        timer = undefined
        if (held.size > 0) onDue()
      },
      Math.max(0, begunAt + WINDOW_MS - performance.now()),
    ).unref()
  }

  /** May it be an event at once? It counts as one. */
  const admit = (change: Counted): boolean => {
    if (perSecond === Number.POSITIVE_INFINITY) return true
    if (held.size === 0 && performance.now() - begunAt >= WINDOW_MS) begin(new Set())
    const key = keyOf(change)
    if (held.has(key)) return false
    const before = counts.get(key)
    // Delivered ahead of the feed, or by the same transaction: no further event.
    const isCounted =
      before && (before.version >= change.version || (before.xid !== '' && before.xid === change.xid))
    const count = (before?.count ?? 0) + (isCounted ? 0 : 1)
    if (count > (stormy.has(key) ? 0 : perSecond)) return false
    counts.set(key, { count, version: Math.max(before?.version ?? 0, change.version), xid: change.xid })
    return true
  }

  const hold = (change: Change) => {
    const key = keyOf(change)
    const runs = held.get(key) ?? []
    held.set(key, runs)
    const last = runs.at(-1)
    // The feed gives a batch again whose delivery failed.
    if (last && last.version >= change.version) return
    if (last && (isSameWriter(last, change) || runs.length >= MOST_RUNS))
      runs[runs.length - 1] = mergedChange(last, change)
    else runs.push(change)
    plan()
  }

  return {
    admit,
    /** Those of the changes that are events at once; the others are held. A deletion says all that was held. */
    take: (changes: Change[]): Change[] =>
      changes.filter((change) => {
        if (change.event === 'deleted') held.delete(keyOf(change))
        const isNow =
          change.event === 'deleted' || admit(change) || (held.size >= MOST_HELD && !held.has(keyOf(change)))
        if (!isNow) hold(change)
        return isNow
      }),
    isHolding: (): boolean => held.size > 0,
    /** What is held, in the order in which it was changed. */
    held: (): Change[] => [...held.values()].flat(),
    /** All of it went out. */
    wentOut: (): void => {
      begin(new Set(held.keys()))
      held.clear()
    },
    /** It did not: later. */
    later: (): void => {
      begunAt = performance.now()
      plan()
    },
    forget: (): void => {
      clearTimeout(timer)
      timer = undefined
      held.clear()
    },
  }
}
