// The operations that an app calls in routes and programs of its own.
// Invariant: they are the routes' own; a write wakes the feeds, one in a caller's transaction when that commits.

import { randomUUID } from 'node:crypto'
import { normalizedActor } from '../base/normalized-actor.ts'
import type {
  CreateOutcome,
  HistoryOutcome,
  PastOutcome,
  ReadOutcome,
  Refused,
  RemoveOutcome,
  SaveOutcome,
  VersionOutcome,
} from '../base/outcomes.ts'
import { type Actor, isVersion } from '../base/record-type.ts'
import { byTablesNow } from '../base/table-changes.ts'
import { utcMoment } from '../db/iso-time.ts'
import { type DeletedOutcome, type DeletedQuery, readDeleted } from '../history/deleted-records.ts'
import { readPast } from '../history/past-version.ts'
import type { RestoreOptions, RestoreOutcome } from '../history/restore-options.ts'
import type { ImportOptions, ImportOutcome } from '../import/import.ts'
import type { UndoImportOptions, UndoImportOutcome } from '../import/undo-import.ts'
import type { AcceptOptions, AcceptOutcome, RejectOptions, RejectOutcome } from '../proposals/decide.ts'
import {
  type OpenProposalsOutcome,
  type OpenProposalsQuery,
  readOpenProposals,
} from '../proposals/open-proposals.ts'
import {
  type ProposalsOutcome,
  type ProposeOptions,
  type ProposeOutcome,
  readProposals,
} from '../proposals/propose.ts'
import type { ProposalQuery } from '../proposals/stored-proposals.ts'
import type { ImportProgress } from '../protocol/bulk-and-import.ts'
import type { CreateOptions } from '../records/create.ts'
import type { WriteOptions } from '../records/idempotency.ts'
import { readHistory, readRecord, readVersion } from '../records/read.ts'
import type { RemoveOptions } from '../records/remove.ts'
import type { SaveOptions } from '../records/save.ts'
import type { SaveManyOptions, SaveManyOutcome } from '../records/save-many.ts'
import type { Database } from '../tables/database.ts'
import { type Callers, refused, refusedActor, refusedFields, refusedWrite, taken } from './callers-options.ts'
import {
  acceptProposal,
  createRecord,
  importRecords,
  proposeChanges,
  rejectProposal,
  removeRecord,
  restoreRecord,
  saveMany,
  saveRecord,
  undoImport,
} from './traced-writes.ts'

/**
 * All answer with outcomes as values; they throw for broken promises alone. `refused` where nobody is signed in (401) or
 * `clientVersion` is missing (428) or no version (400), as over the wire: a body's fields can be passed on as they came.
 */
export interface Operations<A extends Actor> {
  /** The record as it is now, with the fields that the actor may see. */
  read(type: string, id: string, options: { actor: A }): Promise<ReadOutcome | Refused>
  /** The record as it was at a version, or at a time; of types with `history: 'values'`. */
  readPast(
    type: string,
    id: string,
    options: { actor: A } & ({ version: number } | { asOf: Date }),
  ): Promise<PastOutcome | Refused>
  /** The version that it has now, also of a deleted one. */
  version(type: string, id: string, options: { actor: A }): Promise<VersionOutcome | Refused>
  /** Its versions, the newest first: `limit` of them, 100 by default, older than the version `before`. */
  history(
    type: string,
    id: string,
    options: { actor: A; limit?: number; before?: number },
  ): Promise<HistoryOutcome | Refused>
  /** A new record, at version 1. */
  create(type: string, options: Callers<CreateOptions<A>>): Promise<CreateOutcome | Refused>
  /** Writes `changes` if the record is still at `clientVersion`; with `onStale: 'merge'` also where nothing overlaps. */
  save(type: string, id: string, options: Callers<SaveOptions<A>>): Promise<SaveOutcome | Refused>
  /** Saves what the record was at a version, or some fields of it; without `toVersion` brings a deleted record back, with its parts. */
  restore(type: string, id: string, options: Callers<RestoreOptions<A>>): Promise<RestoreOutcome | Refused>
  /** The deleted records of a type with `history: 'values'`, the last deletion first. */
  deleted(type: string, options: { actor: A } & DeletedQuery): Promise<DeletedOutcome | Refused>
  /** Deletes it if it is still at `clientVersion`. */
  remove(type: string, id: string, options: Callers<RemoveOptions<A>>): Promise<RemoveOutcome | Refused>
  /** Keeps changes for somebody else to decide about. */
  propose(type: string, id: string, options: Callers<ProposeOptions<A>>): Promise<ProposeOutcome | Refused>
  /** What is proposed for a record, the newest first. */
  proposals(
    type: string,
    id: string,
    options: { actor: A } & ProposalQuery,
  ): Promise<ProposalsOutcome | Refused>
  /** The open proposals of a type's records that the actor may decide about, the one that waits longest first. */
  openProposals(
    type: string,
    options: { actor: A } & OpenProposalsQuery,
  ): Promise<OpenProposalsOutcome | Refused>
  /** Saves what was proposed. */
  acceptProposal(
    type: string,
    id: string,
    proposalId: string,
    options: Callers<AcceptOptions<A>>,
  ): Promise<AcceptOutcome | Refused>
  /** Says no to what was proposed; the record stays as it is. */
  rejectProposal(
    type: string,
    id: string,
    proposalId: string,
    options: RejectOptions<A>,
  ): Promise<RejectOutcome | Refused>
  /** The same changes to many records, each guarded by its own version, in one statement. */
  saveMany(type: string, options: Callers<SaveManyOptions<A>>): Promise<SaveManyOutcome | Refused>
  /** Creates records from a file's rows, or updates them by a key: all or none, in one transaction. */
  import(type: string, options: Callers<ImportOptions<A>>): Promise<ImportOutcome | Refused>
  /** Undoes a part of an import: what it created is deleted, what it changed is as before, but for what somebody has changed since. */
  undoImport(type: string, options: UndoImportOptions & { actor: A }): Promise<UndoImportOutcome | Refused>
}

const momentOf = (date: Date): string | null =>
  utcMoment(date.getTime(), String(date.getUTCMilliseconds()).padStart(3, '0'))

/** Sends those who watch a list of the type how far an import is. */
type Importing = (begun: {
  type: string
  importId: string
  actor: Actor
  tabId: string | null
  totalBytes: number | null
}) => { publish(progress: ImportProgress): void; end(): void }

const operationsOf = <A extends Actor>(
  database: Database,
  wake: () => void,
  importing: Importing,
): Operations<A> => {
  /** A caller's transaction publishes its writes when it commits, not before. */
  const wakeAfter = ({ transaction }: WriteOptions<A>) => {
    // A client of pg doesn't say when it commits: PostgreSQL's own NOTIFY wakes the feed.
    if (transaction) transaction.executionPromise?.then(wake, () => {})
    else wake()
  }

  return {
    read: async (type, id, { actor }) =>
      refusedActor({ actor }) ?? readRecord(database, { actor: normalizedActor(actor), type, id }),
    readPast: async (type, id, { actor, ...asked }) => {
      const none = refusedActor({ actor })
      if (none) return none
      if ('version' in asked && !isVersion(asked.version))
        return refused('malformed', 'version must be a positive integer.')
      const asOf = 'version' in asked ? '' : momentOf(asked.asOf)
      if (asOf === null) return refused('malformed', 'asOf must be a time of the years 1 to 9999.')
      const moment = 'version' in asked ? asked : { asOf }
      return readPast(database, { actor: normalizedActor(actor), type, id }, moment)
    },
    version: async (type, id, { actor }) =>
      refusedActor({ actor }) ?? readVersion(database, { actor: normalizedActor(actor), type, id }),
    history: async (type, id, { actor, ...page }) =>
      refusedActor({ actor }) ?? readHistory(database, { actor: normalizedActor(actor), type, id }, page),
    create: async (type, given) => {
      const options = taken(given)
      const none = refusedActor(options) ?? refusedFields(options.fields, 'fields')
      const outcome = none ?? (await createRecord(database, type, options))
      if (outcome.outcome === 'created') wakeAfter(options)
      return outcome
    },
    save: async (type, id, given) => {
      const options = taken(given)
      const none = refusedWrite(options) ?? refusedFields(options.changes, 'changes')
      const outcome = none ?? (await saveRecord(database, type, id, options))
      if (outcome.outcome === 'saved') wakeAfter(options)
      return outcome
    },
    restore: async (type, id, given) => {
      const options = taken(given)
      if (options.actor && options.toVersion !== undefined && !isVersion(options.toVersion))
        return refused('malformed', 'toVersion must be a positive integer.')
      const outcome = refusedWrite(options) ?? (await restoreRecord(database, type, id, options))
      if (outcome.outcome === 'saved') wakeAfter(options)
      return outcome
    },
    deleted: async (type, { actor, ...query }) =>
      refusedActor({ actor }) ?? readDeleted(database, { actor: normalizedActor(actor), type }, query),
    remove: async (type, id, given) => {
      const options = taken(given)
      const outcome = refusedWrite(options) ?? (await removeRecord(database, type, id, options))
      if (outcome.outcome === 'removed') wakeAfter(options)
      return outcome
    },
    propose: async (type, id, given) => {
      const options = taken(given)
      return refusedWrite(options) ?? proposeChanges(database, type, id, options)
    },
    proposals: async (type, id, { actor, ...query }) =>
      refusedActor({ actor }) ?? readProposals(database, { actor: normalizedActor(actor), type, id }, query),
    openProposals: async (type, { actor, ...query }) =>
      refusedActor({ actor }) ?? readOpenProposals(database, { actor: normalizedActor(actor), type }, query),
    acceptProposal: async (type, id, proposalId, given) => {
      const options = taken(given)
      const outcome = refusedWrite(options) ?? (await acceptProposal(database, type, id, proposalId, options))
      if (outcome.outcome === 'saved') wake()
      return outcome
    },
    rejectProposal: async (type, id, proposalId, { actor, ...options }) =>
      refusedActor({ actor }) ??
      rejectProposal(database, type, id, proposalId, { ...options, actor: normalizedActor(actor) }),
    saveMany: async (type, given) => {
      const options = taken(given)
      const none = refusedActor(options) ?? refusedFields(options.changes, 'changes')
      const outcome = none ?? (await saveMany(database, type, options))
      if (outcome.outcome === 'saved') wakeAfter(options)
      return outcome
    },
    undoImport: async (type, { actor, ...options }) => {
      const none = refusedActor({ actor })
      if (none) return none
      const outcome = await undoImport(database, type, { ...options, actor: normalizedActor(actor) })
      if (outcome.outcome === 'undone') wake()
      return outcome
    },
    import: async (type, given) => {
      const options = taken(given)
      const refused = refusedActor(options)
      if (refused) return refused
      const { actor, tabId = null, dryRun, onProgress, importId = randomUUID() } = options
      const report = dryRun ? null : importing({ type, importId, actor, tabId, totalBytes: null })
      const publish = (progress: ImportProgress) => {
        onProgress?.(progress)
        report?.publish(progress)
      }
      try {
        const outcome = await importRecords(database, type, { ...options, importId, onProgress: publish })
        if (outcome.outcome === 'imported') wakeAfter(options)
        return outcome
      } finally {
        report?.end()
      }
    },
  }
}

/** A failed statement has ended a caller's transaction; a file comes only once. */
const isRepeatable = (name: string, given: unknown[]): boolean =>
  name !== 'import' && !(given.at(-1) as { transaction?: unknown } | undefined)?.transaction

/** The operations; those that met an altered table are done by its new form. */
export const recordOperations = <A extends Actor>(
  ...options: Parameters<typeof operationsOf<A>>
): Operations<A> => {
  const all = Object.entries(operationsOf<A>(...options)).map(([name, work]) => [
    name,
    (...given: unknown[]) => (isRepeatable(name, given) ? byTablesNow(() => work(...given)) : work(...given)),
  ])
  return Object.fromEntries(all)
}
