// A bulk edit: the same changes to many records, each guarded by the version that its editor loaded.
// Invariant: one statement decides for all. With `abort` either every record was at its version and all are saved, or
// none is touched; with `skip` those that were are saved. Each record gets an outcome of its own.
import type { Knex } from 'knex'
import type { Invalid, Missing, Reused } from '../base/outcomes.ts'
import { MISSING } from '../base/outcomes.ts'
import { invalidProblem, problem, Refusal, refuse } from '../base/problems.ts'
import type { Actor } from '../base/record-type.ts'
import { refusedValues } from '../db/errors.ts'
import { createTimeSlices } from '../pacing/time-slices.ts'
import type { BulkEntry, BulkProblem } from '../protocol/bulk-and-import.ts'
import type { WireRecord } from '../protocol/index.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { namesParent } from '../tables/part-sql.ts'
import { canonicalId } from '../tables/record-id.ts'
import { guardParameters, tenantOf } from '../tables/tenant.ts'
import { writerContext } from '../tables/writer-context.ts'
import { authorizeMany } from './authorize-many.ts'
import { parametersOf, requestHash, sendWrite, type WriteOptions, type WriteVerdict } from './idempotency.ts'
import { areParentsThere, asksParents, parentMissing, readAuthorizedParts } from './parents.ts'
import { runOnce, type Work } from './run-once.ts'
import { updateMany } from './save-many-sql.ts'
import { SWALLOWED, settledVersions } from './settled-write.ts'
import { commonJson } from './stored-json.ts'
import { ruleErrorsOfMany, validateFields } from './validate.ts'

/** A record of a bulk edit, and the version that its editor loaded. */
export interface BulkTarget {
  /** Its id, as a string. */
  id: string
  /** Positive integer. */
  clientVersion: number
}

/** What {@link RecordServer.saveMany} takes. */
export interface SaveManyOptions<A extends Actor = Actor> extends WriteOptions<A> {
  /** New values by field, for all records alike. */
  changes: Record<string, unknown>
  /** Each record once. */
  records: BulkTarget[]
  /** Where a record is refused (stale, gone, forbidden, invalid): `abort` (default) saves none, `skip` those that can be saved. */
  onRefused?: 'abort' | 'skip' | undefined
}

/** What became of each record, in the order asked. */
export interface SavedMany {
  outcome: 'saved'
  /** What became of each: its new version, or why it was skipped. */
  records: BulkEntry[]
  /** A replay of a bulk edit that was made before. */
  replayed?: boolean
}

/** With `abort`: at least one record stood in the way, and nothing was saved. */
export interface Aborted {
  outcome: 'aborted'
  /** Which record stood in the way, and why. */
  problem: BulkProblem
}

/** What `saveMany` answers. */
export type SaveManyOutcome = SavedMany | Aborted | Missing | Invalid | Reused

const MAX_ATTEMPTS = 5

const abortedBy = (all: BulkEntry[]): Aborted => {
  const entries = all.map(
    (entry): BulkEntry => (entry.outcome === 'saved' ? { id: entry.id, outcome: 'held_back' } : entry),
  )
  const refused = entries.filter(({ outcome }) => outcome !== 'saved' && outcome !== 'held_back')
  const code = (refused[0]?.outcome ?? 'stale_record') as BulkProblem['code']
  const detail = `${refused.length} of ${entries.length} records can't be saved, so none was.`
  return { outcome: 'aborted', problem: { ...problem(code, detail), code, records: entries } }
}

const savedEntry = ({ id, version, updated_at, updated_by }: Omit<WireRecord, 'fields'>): BulkEntry => ({
  id,
  outcome: 'saved',
  version,
  updated_at,
  updated_by,
})

const swallowedEntry = (id: string): BulkEntry => ({
  id,
  outcome: 'invalid',
  errors: SWALLOWED.problem.errors,
})

/**
 * Authorizes parts, if that depends on what they are parts of or the changes name another parent, right before they are written.
 * A part that doesn't pass is authorized by itself in the next round.
 */
const authorizeTargets = (
  database: Database,
  { known, actor }: { known: KnownType; actor: Actor },
  targets: Omit<WireRecord, 'fields'>[],
  values: Record<string, unknown>,
) => {
  const isAsking = asksParents(known, actor, 'update')
  if (!isAsking && !(known.part && namesParent(known.part, Object.keys(values)))) return undefined
  return async (transaction: Knex.Transaction): Promise<WriteVerdict> => {
    const ids = targets.map(({ id }) => id)
    if (!isAsking)
      return (await areParentsThere(database, { known, actor, transaction }, ids, values))
        ? 'allowed'
        : parentMissing(known)
    const asking = { known, actor, transaction, isLocking: true }
    const authorized = await readAuthorizedParts(database, asking, { action: 'update', ids, values })
    if (authorized.isParentMissing) return parentMissing(known)
    const isReady = ({ id, version }: Omit<WireRecord, 'fields'>) => {
      const part = authorized.parts.get(id)
      return part?.version === version && part.isReadable && part.isAllowed
    }
    return targets.every(isReady) ? 'allowed' : 'changed'
  }
}

/** Stored entries as their person may see them now. */
const shownEntries = (
  { type, rights, changeNames, shownNames }: KnownType,
  entries: BulkEntry[],
): BulkEntry[] => {
  if (rights === null) return entries
  const fieldOf = (name: string) => (shownNames.includes(name) ? name : '')
  return entries.map((entry) => {
    if (entry.outcome === 'invalid')
      return { ...entry, errors: entry.errors.map((error) => ({ ...error, field: fieldOf(error.field) })) }
    if (entry.outcome !== 'stale_record') return entry
    const { current, changed_fields: changed } = entry
    const fields = Object.entries(current?.fields ?? {}).filter(([name]) => shownNames.includes(name))
    return {
      ...entry,
      changed_fields: changed?.filter((name) => changeNames.includes(name)) ?? null,
      current: current?.type === type.name ? { ...current, fields: Object.fromEntries(fields) } : null,
    }
  })
}

/** Saves the same changes to many records. */
export const saveMany = async (
  shared: Database,
  type: string,
  options: SaveManyOptions,
): Promise<SaveManyOutcome> => {
  const database = shared.forActor(options.actor)
  const known = await database.typeFor(type, options.transaction, options.actor)
  if (!known) return MISSING
  const { actor, changes, onRefused = 'abort' } = options
  const records = options.records.map(({ id, clientVersion }) => ({
    id: canonicalId(known.key.kind, id) ?? id,
    clientVersion,
  }))
  // Two spellings of one uuid are one record, which can't be saved twice at one version.
  if (new Set(records.map(({ id }) => id)).size < records.length)
    return refuse('malformed', 'records names a record twice.')
  const valid = await validateFields(known, changes, { actor, action: 'update' })
  const values = valid.ok ? valid.values : {}
  const written: WireRecord[] = []
  const isSince = database.recordCache.mark()

  const attempt = async (transaction: Knex.Transaction | undefined): Promise<SaveManyOutcome> => {
    const entries = new Map<string, BulkEntry>()
    const outcome = (): SavedMany => ({
      outcome: 'saved',
      records: records.map(({ id }) => entries.get(id) ?? { id, outcome: 'held_back' }),
    })
    written.length = 0
    let open = records
    const sentAt = new Map<string, number>()
    for (let round = 0; round < MAX_ATTEMPTS; round += 1) {
      const authorized = await authorizeMany(database, { known, actor, transaction, values }, open)
      for (const entry of authorized.refused) entries.set(entry.id, entry)
      for (const record of authorized.same) entries.set(record.id, savedEntry(record))
      if (onRefused === 'abort' && authorized.refused.length > 0) return abortedBy(outcome().records)
      if (!valid.ok) return { outcome: 'invalid', problem: invalidProblem(valid.errors) }
      const columns = Object.keys(valid.values).sort()
      if (columns.length === 0)
        for (const record of authorized.ready) entries.set(record.id, savedEntry(record))
      if (columns.length === 0 || authorized.ready.length === 0) return outcome()
      const isSwallowed = ({ id, version }: { id: string; version: number }) => sentAt.get(id) === version
      for (const { id } of authorized.ready.filter(isSwallowed)) entries.set(id, swallowedEntry(id))
      let targets = authorized.ready.filter((target) => !isSwallowed(target))
      if (onRefused === 'abort' && targets.length < authorized.ready.length)
        return abortedBy(outcome().records)
      const broken = await ruleErrorsOfMany(database, { known, actor, transaction }, targets, valid.values)
      for (const [id, errors] of broken) entries.set(id, { id, outcome: 'invalid', errors })
      if (onRefused === 'abort' && broken.size > 0) return abortedBy(outcome().records)
      targets = targets.filter(({ id }) => !broken.has(id))
      if (targets.length === 0) return outcome()
      const stored = await commonJson(
        database,
        { known, transaction },
        targets.map(({ id }) => id),
        valid.values,
      )
      const sent = await sendWrite(
        database,
        known,
        { ...options, transaction },
        {
          query: updateMany(known, known.sql.leanReturned, columns),
          values: [
            writerContext(database.signing, options),
            targets.map(({ id }) => id),
            targets.map(({ version }) => version),
            onRefused === 'abort' ? targets.length : 0,
            ...guardParameters(known, actor),
            ...parametersOf(known, columns, valid.values, stored),
          ],
          columns,
          isOfMany: true,
          authorize: authorizeTargets(database, { known, actor }, targets, valid.values),
        },
      )
      if (sent.outcome === 'invalid') return sent
      const rows = sent.outcome === 'written' ? sent.rows : []
      if (sent.outcome === 'written' && sent.isSent)
        for (const { id, version } of targets) sentAt.set(id, version)
      const slices = createTimeSlices()
      for (const row of rows) {
        // Other requests get their turn; but not while this one holds locks.
        if (!transaction && slices.isOver()) await slices.rest()
        const record = known.sql.toRecord(row)
        if (row.noclobber_omitted.length === 0 && !known.reactsTo.has('update')) written.push(record)
        entries.set(record.id, savedEntry(record))
      }
      if (transaction && known.reactsTo.has('update')) {
        const settled = await settledVersions(database, { known, actor, transaction }, targets, rows)
        for (const [id, current] of settled) entries.set(id, savedEntry({ id, type, ...current }))
      }
      open = records.filter(({ id }) => !entries.has(id))
      if (open.length === 0) return outcome()
    }
    throw new Refusal(problem('unavailable', 'The records change too fast to save. Try again.'))
  }

  const remember = async (outcome: SaveManyOutcome) => {
    if (outcome.outcome !== 'saved' || options.transaction) return outcome
    const slices = createTimeSlices()
    for (const record of written) {
      if (slices.isOver()) await slices.rest()
      database.recordCache.put(tenantOf(known, actor), record, isSince)
    }
    return outcome
  }

  if (!options.mutationId && !known.reactsTo.has('update'))
    return remember(await attempt(options.transaction))
  const hash = () => requestHash('save many', type, changes, records, onRefused)
  const once = await runOnce(database, options, hash, async (transaction): Promise<Work<SaveManyOutcome>> => {
    const result = await attempt(transaction)
    return result.outcome === 'saved' ? { result, keep: result.records } : { result }
  }).catch((error): { outcome: 'done'; result: Invalid } => {
    // What the database checks at the end of the transaction.
    const refused = refusedValues(error, known, { columns: Object.keys(values) })
    if (!refused) throw error
    return { outcome: 'done', result: { outcome: 'invalid', problem: refused } }
  })
  if (once.outcome === 'stored')
    return { outcome: 'saved', records: shownEntries(known, once.answer as BulkEntry[]), replayed: true }
  return once.outcome === 'done' ? remember(once.result) : once
}
