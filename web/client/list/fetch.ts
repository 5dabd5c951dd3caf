// Fetches a list: whole, page by page, or its delta since a cursor, part by part. Of several pages the first one's cursor
// counts: what changed while the others were read is in the delta after it.

import type { Fields, WireRecord } from '../../../server/protocol/index.ts'
import type { ListPage, ListQuery } from '../http/list-page.ts'
import type { FetchOutcome, Refusal } from '../http/outcomes.ts'
import type { Requests } from '../http/requests.ts'

const PAGE = 1000
/** Records whose versions are asked for at once. */
const VERSIONS = 500

/** Which records, and in which order the first of them are taken where there are too many. */
export type ListWanted = Pick<ListQuery, 'where' | 'search' | 'sort'>

/** A list or a delta; a `refusal` ends a delta early and is all of a failed list. */
export interface FetchedList {
  kind: 'whole' | 'delta'
  data: WireRecord[]
  removed: string[]
  cursor: string | null
  /** Of a delta: there is more. Of a list: it is longer than this. */
  more: boolean
  recheck: boolean
  refusal: Refusal | null
}

type Lists = Pick<Requests, 'list'>

export async function fetchWhole(
  requests: Lists,
  type: string,
  wanted: ListWanted,
  most: number,
): Promise<FetchedList> {
  const first = await requests.list(type, { ...wanted, limit: Math.min(PAGE, most) })
  if (first.outcome !== 'found') return failed('whole', first)
  return restOf(requests, type, wanted, most, first)
}

/** The further pages, from the first one on. */
async function restOf(
  requests: Lists,
  type: string,
  wanted: ListWanted,
  most: number,
  first: { data: WireRecord[]; cursor: string | null; next: string | null; recheck: boolean },
): Promise<FetchedList> {
  const data = [...first.data]
  let after = first.next
  while (after !== null && data.length < most) {
    const page = await requests.list(type, { ...wanted, limit: Math.min(PAGE, most - data.length), after })
    if (page.outcome !== 'found') return failed('whole', page)
    data.push(...page.data)
    after = page.next
  }
  const { cursor, recheck } = first
  return { kind: 'whole', data, removed: [], cursor, more: after !== null, recheck, refusal: null }
}

/** Stops at more than `mostChanges`: then `more` says that there is more. */
export async function fetchDelta(
  requests: Lists,
  type: string,
  wanted: ListWanted,
  { most, mostChanges, cursor }: { most: number; mostChanges: number; cursor: string },
): Promise<FetchedList> {
  const changed = new Map<string, WireRecord | null>()
  let [at, more, recheck]: [string | null, boolean, boolean] = [cursor, true, false]
  while (more && at !== null && changed.size <= mostChanges) {
    const part: FetchOutcome<ListPage<Fields>> = await requests.list(type, { ...wanted, cursor: at })
    if (part.outcome !== 'found') return { ...deltaOf(changed, at, true, recheck), refusal: part }
    if (part.reset) return restOf(requests, type, wanted, most, part)
    for (const record of part.data) changed.set(record.id, record)
    for (const id of part.removed) changed.set(id, null)
    ;({ cursor: at, more } = part)
    recheck = part.recheck
  }
  return deltaOf(changed, at, more, recheck)
}

function deltaOf(
  changed: ReadonlyMap<string, WireRecord | null>,
  cursor: string | null,
  more: boolean,
  recheck: boolean,
): FetchedList {
  const data = [...changed.values()].flatMap((record) => record ?? [])
  const removed = [...changed].flatMap(([id, record]) => (record ? [] : id))
  return { kind: 'delta', data, removed, cursor, more, recheck, refusal: null }
}

const failed = (kind: FetchedList['kind'], refusal: Refusal): FetchedList => ({
  kind,
  data: [],
  removed: [],
  cursor: null,
  more: false,
  recheck: false,
  refusal,
})

/** Those of the held records that are gone or may no longer be read. */
export async function lostRecords(
  requests: Pick<Requests, 'versions'>,
  held: readonly WireRecord[],
): Promise<Set<string>> {
  const lost = new Set<string>()
  for (let start = 0; start < held.length; start += VERSIONS) {
    const some = held.slice(start, start + VERSIONS).map(({ type, id, version }) => ({ type, id, version }))
    const answer = await requests.versions(some)
    if (answer.outcome !== 'found') break
    for (const { id, version, deleted } of answer.differences) if (version === null || deleted) lost.add(id)
  }
  return lost
}
