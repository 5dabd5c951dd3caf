// What waits for a decision: the open proposals of a type's records, for who may decide about them or has made them.
// Invariant: each is of a record that the caller may read now. Where a page ends says nothing of what was left out: it is sealed.
import type { Missing } from '../base/outcomes.ts'
import { MISSING } from '../base/outcomes.ts'
import { refuse } from '../base/problems.ts'
import type { Actor } from '../base/record-type.ts'
import type { WireOpenProposal } from '../protocol/index.ts'
import { mayWriteWhich } from '../records/refused-write.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { readRecords } from '../tables/read-records.ts'
import { tenantOf } from '../tables/tenant.ts'
import { knowsOwn, listOpenProposals, type OpenProposalRow } from './stored-proposals.ts'

/** Proposals that are read at a time, with their records, and for one answer. */
const AT_ONCE = 20
const MOST_READ = 1_000

/** Which page of a type's open proposals. */
export interface OpenProposalsQuery {
  /** Those that the actor has made, or an agent for them, instead of those that they may decide about. Default: false. */
  mine?: boolean | undefined
  /** 50, at most 200; fewer where they are large, or where many are other people's. */
  limit?: number | undefined
  /** The `next` of the page before. */
  after?: string | undefined
}

/** What `openProposals` answers, the one that waits longest first. */
export type OpenProposalsOutcome =
  | { outcome: 'found'; proposals: WireOpenProposal[]; next: string | null }
  | Missing

/** Marks a sealed place as one of these lists. */
const KIND = 'open'

const placeIn = (database: Database, after: string): [string, string] => {
  const [kind, at = '', id = ''] = database.cursors.openNumbers(after, 3) ?? []
  return kind === KIND ? [at, id] : refuse('malformed', 'after must be what an answer gave as next.')
}

/** Of these proposals, those that concern the caller, each with its record. */
const concerning = async (
  database: Database,
  known: KnownType,
  actor: Actor,
  rows: OpenProposalRow[],
  isMine: boolean,
): Promise<WireOpenProposal[]> => {
  const ids = [...new Set(rows.map(({ recordId }) => recordId))]
  const records = await readRecords(database, known, ids, { tenantId: tenantOf(known, actor) })
  const readable = [...records.values()].filter((record) => known.type.can(actor, 'read', record))
  const decided = isMine
    ? null
    : await mayWriteWhich(database, { known, actor, transaction: undefined }, 'update', readable)
  const shown = new Map(readable.map((record) => [record.id, record]))
  return rows.flatMap(({ recordId, proposal }) => {
    const record = shown.get(recordId)
    return record && decided?.has(recordId) !== false ? { ...proposal, record } : []
  })
}

/** The open proposals that the caller may decide about, or has made. */
export const readOpenProposals = async (
  shared: Database,
  { actor, type }: { actor: Actor; type: string },
  { mine = false, limit = 50, after }: OpenProposalsQuery = {},
): Promise<OpenProposalsOutcome> => {
  const database = shared.forActor(actor)
  const known = await database.typeFor(type, undefined, actor)
  if (!known) return MISSING
  if (mine && !knowsOwn(known, actor)) return { outcome: 'found', proposals: [], next: null }
  const proposals: WireOpenProposal[] = []
  let place = after === undefined ? null : placeIn(database, after)
  let bytes = 0
  for (let read = 0; read < MOST_READ && proposals.length < limit; read += AT_ONCE) {
    const page = { after: place, limit: AT_ONCE, by: mine ? actor.id : null }
    const { rows, isCut } = await listOpenProposals(database, { known, actor }, page)
    const found = await concerning(database, known, actor, rows, mine)
    for (const one of found) {
      bytes += Buffer.byteLength(JSON.stringify(one))
      const isFull = proposals.length === limit || bytes > database.limits.pageBytes
      if (isFull && proposals.length > 0) return { outcome: 'found', proposals, next: next(database, place) }
      proposals.push(one)
      place = placeOf(rows, one)
    }
    if (!isCut) return { outcome: 'found', proposals, next: null }
    place = rows.at(-1)?.place ?? place
  }
  return { outcome: 'found', proposals, next: next(database, place) }
}

const placeOf = (rows: OpenProposalRow[], { id }: WireOpenProposal): [string, string] | null =>
  rows.find(({ proposal }) => proposal.id === id)?.place ?? null

const next = (database: Database, place: readonly [string, string] | null): string | null =>
  place && database.cursors.sealNumbers([KIND, ...place])
