// Proposing changes of a record, and reading what is proposed.
// Invariant: a proposal is built on the record as it is, and its values are ones that a save would take. It writes nothing of the
// record.
import { checkBeforeWrite } from '../base/open-requests.ts'
import type { Conflict, Forbidden, Gone, Invalid, Missing, Reused } from '../base/outcomes.ts'
import { MISSING } from '../base/outcomes.ts'
import { invalidProblem, problem } from '../base/problems.ts'
import type { Actor } from '../base/record-type.ts'
import { MAX_PROPOSALS, type MayDecide, type WireProposal } from '../protocol/index.ts'
import { requestHash, type WriteOptions } from '../records/idempotency.ts'
import { asksParents } from '../records/parents.ts'
import { goneOrMissing, type Request, readRow, type Target, targetOf } from '../records/read.ts'
import { conflictOf, mayWrite } from '../records/refused-write.ts'
import { runOnce } from '../records/run-once.ts'
import { validateFields } from '../records/validate.ts'
import type { Database } from '../tables/database.ts'
import {
  insertProposal,
  listProposals,
  type ProposalQuery,
  proposalEvent,
  shownProposal,
} from './stored-proposals.ts'

/** What {@link RecordServer.propose} takes. */
export interface ProposeOptions<A extends Actor = Actor> extends Omit<WriteOptions<A>, 'transaction'> {
  /** The version that the changes were built on. */
  clientVersion: number
  /** Proposed values, by field. */
  changes: Record<string, unknown>
  /** Why. */
  note?: string | undefined
  /** The version came as `If-Match`. */
  byHeader?: boolean | undefined
}

/** Kept for somebody else to decide about. */
export interface Proposed {
  outcome: 'proposed'
  /** As it was kept. */
  proposal: WireProposal
  /** A replay of a proposal that was made before. */
  replayed?: boolean
}

/** What `propose` answers. */
export type ProposeOutcome = Proposed | Conflict | Gone | Missing | Forbidden | Invalid | Reused

/** What `proposals` answers. */
export type ProposalsOutcome =
  | { outcome: 'found'; proposals: WireProposal[]; next: string | null; may: MayDecide }
  | Gone
  | Missing

const invalid = (field: string, message: string): Invalid => ({
  outcome: 'invalid',
  problem: invalidProblem([{ field, message }]),
})

const whyNot = async (database: Database, target: Target, options: ProposeOptions) => {
  const current = await readRow(database, target)
  if (!current) return goneOrMissing(database, target)
  const { known, actor } = target
  if (!known.type.can(actor, 'read', current)) return MISSING
  const may =
    known.type.can(actor, 'propose', current) ||
    (!asksParents(known, actor, 'update') && known.type.can(actor, 'update', current))
  if (!may) return { outcome: 'forbidden' as const, problem: problem('forbidden') }
  return current.version === options.clientVersion ? null : conflictOf(database, target, options, current)
}

/** Keeps changes for somebody else to decide about. */
export const proposeChanges = async (
  shared: Database,
  type: string,
  id: string,
  options: ProposeOptions,
): Promise<ProposeOutcome> => {
  const database = shared.forActor(options.actor)
  const target = await targetOf(database, { type, id, actor: options.actor })
  if (!target) return MISSING
  const { clientVersion, changes, note = null } = options
  if (options.request?.isDue()) await checkBeforeWrite(options.request)
  const done = await runOnce<ProposeOutcome>(
    database,
    options,
    () => requestHash('propose', type, target.id, clientVersion, changes, note),
    async (transaction) => {
      const within = { ...target, transaction }
      const refused = await whyNot(database, within, options)
      if (refused) return { result: refused }
      const valid = await validateFields(target.known, changes, null)
      if (!valid.ok) return { result: { outcome: 'invalid', problem: invalidProblem(valid.errors) } }
      if (Object.keys(changes).length === 0) return { result: invalid('', 'Name at least one field.') }
      const proposal = await insertProposal(database, within, { clientVersion, changes, note }, transaction)
      if (!proposal)
        return { result: invalid('', `There are ${MAX_PROPOSALS} open proposals of this record.`) }
      return { result: { outcome: 'proposed', proposal }, keep: proposal }
    },
  )
  if (done.outcome === 'stored') {
    const proposal = shownProposal(target.known, done.answer)
    return proposal ? { outcome: 'proposed', proposal, replayed: true } : MISSING
  }
  if (done.outcome !== 'done') return done
  if (done.result.outcome === 'proposed')
    database.announceProposal(proposalEvent(target, done.result.proposal))
  return done.result
}

/** The proposals of a record that one may read. */
export const readProposals = async (
  shared: Database,
  request: Request,
  query: ProposalQuery = {},
): Promise<ProposalsOutcome> => {
  const database = shared.forActor(request.actor)
  const target = await targetOf(database, request)
  if (!target) return MISSING
  const current = await readRow(database, target)
  if (!current) return goneOrMissing(database, target)
  if (!target.known.type.can(request.actor, 'read', current)) return MISSING
  const save = await mayWrite(database, target, 'update', current)
  const may = { save, propose: save || target.known.type.can(request.actor, 'propose', current) }
  return { outcome: 'found', ...(await listProposals(database, target, query)), may }
}
