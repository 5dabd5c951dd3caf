// Deciding about a proposal. Accepting it is a guarded save by who decides, and closes the proposal in the same transaction.
// Invariant: a proposal is decided once; of an accepted one the changes that were accepted are in the record, of any other none.
import type { Knex } from 'knex'
import { checkBeforeWrite } from '../base/open-requests.ts'
import type { Forbidden, Gone, Invalid, Missing, Reused, Saved, SaveOutcome } from '../base/outcomes.ts'
import { MISSING } from '../base/outcomes.ts'
import { invalidProblem, problem } from '../base/problems.ts'
import type { Actor } from '../base/record-type.ts'
import type { Problem, WireProposal } from '../protocol/index.ts'
import { requestHash, type WriteOptions } from '../records/idempotency.ts'
import { targetOf } from '../records/read.ts'
import { replayOf, whyRefused } from '../records/refused-write.ts'
import { runOnce } from '../records/run-once.ts'
import { saveRecord } from '../records/save.ts'
import type { Database } from '../tables/database.ts'
import { decideProposal, knowsOwn, proposalEvent, readProposal, shownProposal } from './stored-proposals.ts'

/** What {@link RecordServer.acceptProposal} takes. */
export interface AcceptOptions<A extends Actor = Actor> extends Omit<WriteOptions<A>, 'transaction'> {
  /** The version that the decider has seen. */
  clientVersion: number
  /** These of the proposed fields alone. Default: all. */
  fields?: string[] | undefined
  /** What the decider made of some of these, instead of the proposed values. */
  edited?: Record<string, unknown> | undefined
  /** The version came as `If-Match`. */
  byHeader?: boolean | undefined
}

/** What {@link RecordServer.rejectProposal} takes. */
export type RejectOptions<A extends Actor = Actor> = Omit<WriteOptions<A>, 'transaction'>

/** Somebody has accepted or rejected it before; nothing was written. */
export interface Decided {
  outcome: 'decided'
  /** What a 409 `proposal_decided` would say. */
  problem: Problem
}

/** What `acceptProposal` answers; `proposal` is absent from a replay. */
export type AcceptOutcome = (Saved & { proposal?: WireProposal }) | Exclude<SaveOutcome, Saved> | Decided

/** What `rejectProposal` answers. */
export type RejectOutcome =
  | { outcome: 'rejected'; proposal: WireProposal }
  | Gone
  | Missing
  | Forbidden
  | Decided
  | Invalid
  | Reused

const DECIDED: Decided = { outcome: 'decided', problem: problem('proposal_decided') }

/** Undoes the save of a proposal that somebody has decided meanwhile. */
class DecidedMeanwhile extends Error {
  constructor() {
    super('The proposal was decided meanwhile.')
    this.name = 'DecidedMeanwhile'
  }
}

/** Saves what was proposed, if the record is still at the decider's version. */
export const acceptProposal = async (
  shared: Database,
  type: string,
  id: string,
  proposalId: string,
  options: AcceptOptions,
): Promise<AcceptOutcome> => {
  const database = shared.forActor(options.actor)
  const target = await targetOf(database, { type, id, actor: options.actor })
  if (!target) return MISSING
  const { clientVersion, fields, edited } = options
  const hash = options.mutationId
    ? requestHash(
        'accept',
        type,
        target.id,
        proposalId,
        clientVersion,
        fields ?? null,
        ...(edited ? [edited] : []),
      )
    : ''
  const refused = await whyRefused(database, target, 'update', options)
  if (refused && refused.outcome !== 'conflict') return refused
  const replayed = await replayOf(database, target, options, hash)
  if (replayed) return replayed
  const proposed = await readProposal(database, target, proposalId)
  if (!proposed) return MISSING
  if (proposed.state !== 'open') return DECIDED
  if (refused) return refused
  const names = fields ? [...new Set(fields)] : Object.keys(proposed.changes)
  const unknown = [...names, ...Object.keys(edited ?? {})].filter(
    (name) => !Object.hasOwn(proposed.changes, name) || !names.includes(name),
  )
  if (unknown.length > 0) {
    const errors = unknown.map((field) => ({ field, message: 'is not in this proposal' }))
    return { outcome: 'invalid', problem: invalidProblem(errors) }
  }
  const changes = { ...Object.fromEntries(names.map((name) => [name, proposed.changes[name]])), ...edited }
  const closed: { proposal?: WireProposal } = {}
  const close = async (version: number, transaction?: Knex.Transaction) => {
    const decision = { proposalId, state: 'accepted' as const, fields: names, version }
    const proposal = await decideProposal(database, target, decision, transaction)
    if (!proposal) throw new DecidedMeanwhile()
    closed.proposal = proposal
  }
  try {
    const { fields: _fields, edited: _edited, ...writing } = options
    const saved = await saveRecord(shared, type, id, {
      ...writing,
      changes,
      extended: { hash, also: (transaction, row) => close(Number(row.noclobber_version), transaction) },
    })
    if (saved.outcome !== 'saved') return saved
    // The record had these values already, and nothing was written.
    if (!closed.proposal && !saved.replayed) await close(saved.record.version)
    if (closed.proposal) database.announceProposal(proposalEvent(target, closed.proposal))
    return { ...saved, ...closed }
  } catch (error) {
    if (error instanceof DecidedMeanwhile) return DECIDED
    throw error
  }
}

/** Closes a proposal without saving it: by who may update the record, by who proposed it, or by whom that agent acts for. */
export const rejectProposal = async (
  shared: Database,
  type: string,
  id: string,
  proposalId: string,
  options: RejectOptions,
): Promise<RejectOutcome> => {
  const database = shared.forActor(options.actor)
  const target = await targetOf(database, { type, id, actor: options.actor })
  if (!target) return MISSING
  if (options.request?.isDue()) await checkBeforeWrite(options.request)
  const done = await runOnce<RejectOutcome>(
    database,
    options,
    () => requestHash('reject', type, target.id, proposalId),
    async (transaction) => {
      const within = { ...target, transaction }
      const refused = await whyRefused(database, within, 'update', { clientVersion: 0 })
      if (refused?.outcome === 'missing' || refused?.outcome === 'gone') return { result: refused }
      const proposed = await readProposal(database, within, proposalId)
      if (!proposed) return { result: MISSING }
      const isOwn =
        knowsOwn(target.known, options.actor) &&
        [proposed.proposed_by?.id, proposed.proposed_by?.on_behalf_of?.id].includes(options.actor.id)
      if (refused?.outcome === 'forbidden' && !isOwn) return { result: refused }
      const decision = { proposalId, state: 'rejected' as const, fields: null, version: null }
      const proposal = await decideProposal(database, within, decision, transaction)
      return proposal ? { result: { outcome: 'rejected', proposal }, keep: proposal } : { result: DECIDED }
    },
  )
  if (done.outcome === 'stored') {
    const proposal = shownProposal(target.known, done.answer)
    return proposal ? { outcome: 'rejected', proposal } : MISSING
  }
  if (done.outcome !== 'done') return done
  if (done.result.outcome === 'rejected')
    database.announceProposal(proposalEvent(target, done.result.proposal))
  return done.result
}
