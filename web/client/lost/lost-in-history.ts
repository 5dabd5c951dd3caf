// Which of the tab's own writes the server's database has lost, by what the record's history has now.

import type { RecordAddress, WireHistoryEntry } from '../../../server/protocol/index.ts'
import type { Refusal } from '../http/outcomes.ts'
import type { OwnSave } from '../http/own-writes.ts'
import type { Requests } from '../http/requests.ts'

const PAGE = 500
const MOST_PAGES = 20

type HistoryUpTo = Refusal | { outcome: 'found'; entries: WireHistoryEntry[]; isWhole: boolean }

/** A record's history as far back as the oldest of these saves; others may have saved a lot since. */
export async function historyUpTo(
  { history }: Pick<Requests, 'history'>,
  { type, id }: RecordAddress,
  saves: readonly { version: number }[],
): Promise<HistoryUpTo> {
  const oldest = Math.min(...saves.map(({ version }) => version))
  const entries: WireHistoryEntry[] = []
  let before: string | undefined
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const answer = await history(type, id, { limit: PAGE, ...(before === undefined ? {} : { before }) })
    if (answer.outcome !== 'found') return answer
    entries.push(...answer.entries)
    if (answer.next === null) return { outcome: 'found', entries, isWhole: true }
    if (Number(answer.next) < oldest) break
    before = answer.next
  }
  return { outcome: 'found', entries, isWhole: false }
}

/** The history was not to be had, and may be later. */
export const mayPass = ({ outcome }: { outcome: string }): boolean =>
  outcome === 'unreachable' || outcome === 'failed'

/** Those saves that a record's history doesn't have, as far as it reaches back. */
export function lostAmong<S extends OwnSave>(
  saves: readonly S[],
  entries: readonly { version: number }[],
): S[] {
  const versions = new Set(entries.map(({ version }) => version))
  const oldest = Math.min(...versions)
  return saves.filter(({ version }) => version > oldest && !versions.has(version))
}

/** Those of these saves of a record that are lost; `null`: that could not be learned yet. */
export async function findInHistory<S extends OwnSave>(
  requests: Pick<Requests, 'history'>,
  address: RecordAddress,
  saves: readonly S[],
): Promise<S[] | null> {
  const answer = await historyUpTo(requests, address, saves)
  if (mayPass(answer)) return null
  return answer.outcome === 'found' ? lostAmong(saves, answer.entries) : []
}
