// Proposals as the database keeps them.
// Invariant: a proposal belongs to one life of a record: once that is deleted, nothing of its proposals is shown, also where its id
// comes back. A decision is one UPDATE of an open proposal, so of two only one finds it open.
import type { Knex } from 'knex'
import type { Actor } from '../base/record-type.ts'
import { isoUtc, utcText } from '../db/iso-time.ts'
import { type Row, statement } from '../db/statement.ts'
import { normalizedWriter } from '../log/stored-writer.ts'
import {
  MAX_PROPOSALS,
  type ProposalEvent,
  type ProposalState,
  type WireProposal,
  type Writer,
} from '../protocol/index.ts'
import type { Target } from '../records/read.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { tenantOf } from '../tables/tenant.ts'

const COLUMNS = `p.id::text as id, p.state, p.client_version, p.changes, p.note, p.proposed_by, ${utcText('p.proposed_at')} as proposed_at,
  p.decided_by, ${utcText('p.decided_at')} as decided_at, p.accepted_fields, p.accepted_version`

/** source, a record's id, tenant or null, unseen: one that proposes a field which somebody may not see is none for them. */
const shown = (recordId: string) => `p.tenant_id is not distinct from $3
  and not exists (select from noclobber.record_changes c where c.table_name = $1 and c.record_id = ${recordId} and c.event = 'deleted'
    and c.tenant_id is not distinct from $3 and c.version > p.client_version) and not (p.changes ?| $4::text[])`

/** source, id, tenant or null, unseen */
const OF_RECORD = `p.table_name = $1 and p.record_id = $2 and ${shown('$2')}`

/** …, version, changes, note, who: nothing where too many are open. */
const INSERT = statement(`
with p as (
  insert into noclobber.proposals (table_name, record_id, tenant_id, client_version, changes, note, proposed_by)
  select $1, $2, $3, $5, $6, $7, $8
  where (select pg_catalog.count(*) from noclobber.proposals p where ${OF_RECORD} and p.state = 'open') < ${MAX_PROPOSALS}
  returning *)
select ${COLUMNS} from p`)

/** …, proposal */
const READ = statement(`select ${COLUMNS} from noclobber.proposals p where ${OF_RECORD} and p.id = $5::uuid`)

/** The first of some rows, as many as fit, one at least; `found` is one more where there are more than `most`. */
const fitting = (rows: string, order: 'asc' | 'desc', { most, bytes }: { most: string; bytes: string }) =>
  statement(`
with r as materialized (${rows} order by p.proposed_at ${order}, p.id ${order} limit ${most} + 1),
l as (
  select r.*, row_number() over first as number, sum(octet_length(r.changes::text)) over (first rows unbounded preceding) as bytes
  from r window first as (order by r.moment ${order}, r.id::uuid ${order}))
select l.*, (select pg_catalog.count(*)::int from r) as found from l
where l.number = 1 or l.bytes <= ${bytes}::bigint and l.number <= ${most} order by l.number`)

/** …, state, after, bytes: the newest first. */
const LIST = fitting(
  `select ${COLUMNS}, p.proposed_at as moment from noclobber.proposals p
  where ${OF_RECORD} and ($5::text is null or p.state = $5)
    and ($6::uuid is null or (p.proposed_at, p.id) < (select a.proposed_at, a.id from noclobber.proposals a where a.id = $6))`,
  'desc',
  { most: `${MAX_PROPOSALS}`, bytes: '$7' },
)

/** Before all. */
const EPOCH: Place = ['0', '00000000-0000-0000-0000-000000000000']

/** source, who or null, tenant or null, unseen, microseconds and id of the one before, rows, bytes: the oldest first. */
const LIST_OPEN = fitting(
  `select ${COLUMNS}, p.record_id, p.proposed_at as moment, (extract(epoch from p.proposed_at) * 1000000)::bigint::text as micros
  from noclobber.proposals p
  where p.table_name = $1 and p.state = 'open' and coalesce(p.tenant_id, '') = coalesce($3, '') and ${shown('p.record_id')}
    and ($2::text is null or $2 in (p.proposed_by->>'id', p.proposed_by->'on_behalf_of'->>'id'))
    and (p.proposed_at, p.id) > (timestamptz 'epoch' + $5::bigint * interval '1 microsecond', $6::uuid)`,
  'asc',
  { most: '$7::int', bytes: '$8' },
)

/** …, proposal, state, who, fields, version: nothing where it is decided. */
const DECIDE = statement(`
with p as (
  update noclobber.proposals p set state = $6, decided_by = $7, decided_at = clock_timestamp(), accepted_fields = $8,
    accepted_version = $9
  where ${OF_RECORD} and p.id = $5::uuid and p.state = 'open' returning *)
select ${COLUMNS} from p`)

/** Which proposals of a record. */
export interface ProposalQuery {
  /** Only those that are `open`, `accepted` or `rejected`. Default: all. */
  state?: ProposalState | undefined
  /** A proposal's id: those older than it. */
  after?: string | undefined
}

/** Where one stands among those of its type: when it was proposed, in microseconds, and its id. */
export type Place = readonly [string, string]

/** An open proposal, the record that it is of, and its place. */
export interface OpenProposalRow {
  recordId: string
  place: [string, string]
  proposal: WireProposal
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** An event is small: it names as many fields. */
export const MOST_NAMED = 10

export const isProposalId = (text: string): boolean => UUID.test(text)

const addressOf = ({ known, actor, id }: Omit<Target, 'transaction'>) => [
  known.source,
  id,
  known.tenantColumn ? actor.tenantId : null,
  known.type.hidden,
]

/** Its keys are in the order of jsonb, so that a first answer and its stored copy are the same text. */
const toProposal = (known: KnownType, row: Row): WireProposal => ({
  id: row.id,
  note: row.note,
  state: row.state,
  changes: Object.fromEntries(
    Object.entries(row.changes as object).filter(([name]) => known.shownNames.includes(name)),
  ),
  decided_at: row.decided_at === null ? null : isoUtc(row.decided_at),
  decided_by: normalizedWriter(row.decided_by),
  proposed_at: isoUtc(row.proposed_at),
  proposed_by: normalizedWriter(row.proposed_by),
  client_version: Number(row.client_version),
  accepted_fields: row.accepted_fields,
  accepted_version: row.accepted_version === null ? null : Number(row.accepted_version),
})

/**
 * Can it be said which proposals are the actor's own? Ids of people are unique within a tenant: not in a table of all tenants, but where
 * the app has none.
 */
export const knowsOwn = (known: KnownType, actor: Actor): boolean =>
  tenantOf(known, actor) !== '' || actor.tenantId === ''

/** The actor as a proposal names them. */
const writerOf = ({ id, name, kind = 'user', onBehalfOf }: Actor): Writer | null =>
  normalizedWriter({ id, name, kind, on_behalf_of: onBehalfOf })

/** `null` where too many are open. */
export const insertProposal = async (
  database: Database,
  target: Target,
  {
    clientVersion,
    changes,
    note,
  }: { clientVersion: number; changes: Record<string, unknown>; note: string | null },
  transaction: Knex.Transaction,
): Promise<WireProposal | null> => {
  const by = JSON.stringify(writerOf(target.actor))
  const values = [...addressOf(target), clientVersion, JSON.stringify(changes), note, by]
  const [row] = await database.send(INSERT, values, transaction)
  return row ? toProposal(target.known, row) : null
}

/** The proposal, if it is one of this record's. */
export const readProposal = async (
  database: Database,
  target: Target,
  proposalId: string,
): Promise<WireProposal | null> => {
  if (!isProposalId(proposalId)) return null
  const [row] = await database.send(READ, [...addressOf(target), proposalId], target.transaction)
  return row ? toProposal(target.known, row) : null
}

/** The newest first; `next` is `null` on the last page. */
export const listProposals = async (
  database: Database,
  target: Target,
  { state, after }: ProposalQuery,
): Promise<{ proposals: WireProposal[]; next: string | null }> => {
  const values = [...addressOf(target), state ?? null, after ?? null, database.limits.pageBytes]
  const rows = await database.send(LIST, values, target.transaction)
  const proposals = rows.map((row) => toProposal(target.known, row))
  return { proposals, next: rows[0]?.found > rows.length ? (proposals.at(-1)?.id ?? null) : null }
}

/** Open proposals of a type's records after a place; `by`: those of one person, or of an agent for them. */
export const listOpenProposals = async (
  database: Database,
  { known, actor }: Pick<Target, 'known' | 'actor'>,
  { after, limit, by }: { after: Place | null; limit: number; by: string | null },
): Promise<{ rows: OpenProposalRow[]; isCut: boolean }> => {
  const [source, , tenant, hidden] = addressOf({ known, actor, id: '' })
  const values = [source, by, tenant, hidden, ...(after ?? EPOCH), limit, database.limits.pageBytes]
  const found = await database.send(LIST_OPEN, values)
  const rows = found.map(
    (row): OpenProposalRow => ({
      recordId: row.record_id,
      place: [row.micros, row.id],
      proposal: toProposal(known, row),
    }),
  )
  return { rows, isCut: found[0]?.found > rows.length }
}

/** Closes an open proposal; `null` where it is decided already. */
export const decideProposal = async (
  database: Database,
  target: Target,
  {
    proposalId,
    ...decision
  }: { proposalId: string; state: ProposalState; fields: string[] | null; version: number | null },
  transaction?: Knex.Transaction,
): Promise<WireProposal | null> => {
  const by = JSON.stringify(writerOf(target.actor))
  const values = [...addressOf(target), proposalId, decision.state, by, decision.fields, decision.version]
  const [row] = await database.send(DECIDE, values, transaction ?? target.transaction)
  return row ? toProposal(target.known, row) : null
}

/** A stored proposal as its person may see it now. */
export const shownProposal = ({ shownNames }: KnownType, answer: unknown): WireProposal | null => {
  const proposal = answer as WireProposal
  return Object.keys(proposal.changes).every((name) => shownNames.includes(name)) ? proposal : null
}

/** What watchers of the record are sent of it. */
export const proposalEvent = ({ known, actor, id }: Target, proposal: WireProposal): ProposalEvent => {
  const isOpen = proposal.state === 'open'
  // Those first by which it is decided who may be sent it.
  const isGuarded = (name: string) => Object.hasOwn(known.type.guards, name)
  const all = Object.keys(proposal.changes)
  const names = [...all.filter(isGuarded), ...all.filter((name) => !isGuarded(name))]
  return {
    tenant_id: tenantOf(known, actor) || null,
    type: known.type.name,
    id,
    proposal_id: proposal.id,
    state: proposal.state,
    client_version: proposal.client_version,
    changed_fields: names.slice(0, MOST_NAMED),
    by: isOpen ? proposal.proposed_by : proposal.decided_by,
    at: (isOpen ? proposal.proposed_at : proposal.decided_at) ?? '',
  }
}
