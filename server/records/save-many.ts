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
import { canonicalId } from '../tables/record-id.ts'
import { guardParameters, tenantOf } from '../tables/tenant.ts'
import { writerContext } from '../tables/writer-context.ts'
import { authorizeMany, authorizeTargets } from './authorize-many.ts'
import { parametersOf, requestHash, sendWrite, type WriteOptions } from './idempotency.ts'
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

type Head = Omit<WireRecord, 'fields'>

const savedEntry = ({ id, version, updated_at, updated_by }: Head): BulkEntry => ({
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

/** One run over all records, in rounds: a record that changes between its authorization and its write is tried again. */
interface Run {
  database: Database
  known: KnownType
  options: SaveManyOptions & { onRefused: 'abort' | 'skip' }
  transaction: Knex.Transaction | undefined
  records: BulkTarget[]
  valid: Awaited<ReturnType<typeof validateFields>>
  /** What has become of records so far. */
  entries: Map<string, BulkEntry>
  /** The versions at which records were sent. One that is still at it was swallowed by a trigger. */
  sentAt: Map<string, number>
  /** Those that the record cache may keep. */
  written: WireRecord[]
}

const outcomeOf = ({ records, entries }: Run): SavedMany => ({
  outcome: 'saved',
  records: records.map(({ id }) => entries.get(id) ?? { id, outcome: 'held_back' }),
})

/** Those of a round that can be written, with their values; or what the whole run comes to. */
const targetsOf = async (
  run: Run,
  open: BulkTarget[],
): Promise<{ targets: Head[]; values: Record<string, unknown> } | { over: SaveManyOutcome }> => {
  const { database, known, options, transaction, valid, entries, sentAt } = run
  const { actor } = options
  const isAborting = options.onRefused === 'abort'
  const values = valid.ok ? valid.values : {}
  const authorized = await authorizeMany(database, { known, actor, transaction, values }, open)
  for (const entry of authorized.refused) entries.set(entry.id, entry)
  for (const record of authorized.same) entries.set(record.id, savedEntry(record))
  if (isAborting && authorized.refused.length > 0) return { over: abortedBy(outcomeOf(run).records) }
  if (!valid.ok) return { over: { outcome: 'invalid', problem: invalidProblem(valid.errors) } }
  if (Object.keys(values).length === 0)
    for (const record of authorized.ready) entries.set(record.id, savedEntry(record))
  if (Object.keys(values).length === 0 || authorized.ready.length === 0) return { over: outcomeOf(run) }
  const isSwallowed = ({ id, version }: Head) => sentAt.get(id) === version
  for (const { id } of authorized.ready.filter(isSwallowed)) entries.set(id, swallowedEntry(id))
  const unsent = authorized.ready.filter((target) => !isSwallowed(target))
  if (isAborting && unsent.length < authorized.ready.length)
    return { over: abortedBy(outcomeOf(run).records) }
  const broken = await ruleErrorsOfMany(database, { known, actor, transaction }, unsent, values)
  for (const [id, errors] of broken) entries.set(id, { id, outcome: 'invalid', errors })
  if (isAborting && broken.size > 0) return { over: abortedBy(outcomeOf(run).records) }
  const targets = unsent.filter(({ id }) => !broken.has(id))
  return targets.length === 0 ? { over: outcomeOf(run) } : { targets, values }
}

/** Writes them by one statement; gives what the database refused of the values themselves. */
const writeTargets = async (
  { database, known, options, transaction, entries, sentAt, written }: Run,
  targets: Head[],
  values: Record<string, unknown>,
): Promise<Invalid | null> => {
  const { actor } = options
  const columns = Object.keys(values).sort()
  const ids = targets.map(({ id }) => id)
  const stored = await commonJson(database, { known, transaction }, ids, values)
  const sent = await sendWrite(
    database,
    known,
    { ...options, transaction },
    {
      query: updateMany(known, known.sql.leanReturned, columns),
      values: [
        writerContext(database.signing, options),
        ids,
        targets.map(({ version }) => version),
        options.onRefused === 'abort' ? targets.length : 0,
        ...guardParameters(known, actor),
        ...parametersOf(known, columns, values, stored),
      ],
      columns,
      isOfMany: true,
      authorize: authorizeTargets(database, { known, actor }, targets, values),
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
    if (row.noclobber_omitted === null && !known.reactsTo.has('update')) written.push(record)
    entries.set(record.id, savedEntry(record))
  }
  if (!transaction || !known.reactsTo.has('update')) return null
  const settled = await settledVersions(database, { known, actor, transaction }, targets, rows)
  for (const [id, current] of settled) entries.set(id, savedEntry({ id, type: known.type.name, ...current }))
  return null
}

const runRounds = async (run: Run): Promise<SaveManyOutcome> => {
  let open = run.records
  for (let round = 0; round < MAX_ATTEMPTS; round += 1) {
    const found = await targetsOf(run, open)
    if ('over' in found) return found.over
    const refused = await writeTargets(run, found.targets, found.values)
    if (refused) return refused
    open = run.records.filter(({ id }) => !run.entries.has(id))
    if (open.length === 0) return outcomeOf(run)
  }
  throw new Refusal(problem('unavailable', 'The records change too fast to save. Try again.'))
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

  const attempt = (transaction: Knex.Transaction | undefined): Promise<SaveManyOutcome> => {
    written.length = 0
    const run = {
      database,
      known,
      transaction,
      records,
      valid,
      written,
      entries: new Map(),
      sentAt: new Map(),
    }
    return runRounds({ ...run, options: { ...options, onRefused } })
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
