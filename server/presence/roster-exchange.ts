// The roster between nodes: each sends its own entries when they change, at every beat, and to a node that asks.
// Invariant: what another node sends has a lease, so a node that dies takes its people along without a word.
import type { Limits } from '../base/options.ts'
import type { Backplane } from '../cluster/backplane.ts'
import { MAX_ENTRIES, readNothing } from '../cluster/node-messages.ts'
import { atMostEvery } from '../pacing/at-most-every.ts'
import { readPresence } from './node-messages.ts'
import type { PresenceEntry, Roster } from './roster.ts'

const MOST_SWEEP_MS = 5_000
/** Nodes that come up together ask all at once. */
const ANSWER_GAP_MS = 200

export interface RosterExchangeOptions {
  roster: Roster
  backplane: Backplane
  nodeId: string
  limits: Pick<Limits, 'presenceBeatMs' | 'presenceLeaseMs'>
  /** The people at this entry's record have changed, by another node or because a lease is over. */
  onChanged(entry: PresenceEntry): void
}

export const exchangeRoster = ({ roster, backplane, nodeId, limits, onChanged }: RosterExchangeOptions) => {
  const announce = (entries: PresenceEntry[]) => {
    for (let at = 0; at < entries.length; at += MAX_ENTRIES)
      backplane.send('presence', entries.slice(at, at + MAX_ENTRIES))
  }
  const announceOwn = () => announce(roster.of(nodeId))

  backplane.on('presence', readPresence, (entries, from) => {
    for (const entry of entries) if (roster.put(from, entry)) onChanged(entry)
  })
  backplane.on('presence-ask', readNothing, atMostEvery(ANSWER_GAP_MS, announceOwn))
  backplane.on('presence-end', readNothing, (_, from) => roster.removeNode(from).forEach(onChanged))
  backplane.onUp(() => {
    backplane.send('presence-ask')
    announceOwn()
  })

  const beat = setInterval(announceOwn, limits.presenceBeatMs)
  const sweep = setInterval(
    () => roster.expire().forEach(onChanged),
    Math.min(MOST_SWEEP_MS, limits.presenceLeaseMs / 3),
  )
  beat.unref()
  sweep.unref()

  return {
    /** Sends entries of this node to the others. */
    announce,
    stop: () => {
      backplane.send('presence-end')
      clearInterval(beat)
      clearInterval(sweep)
    },
  }
}
