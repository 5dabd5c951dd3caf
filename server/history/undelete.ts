// A deleted record brought back as it last was, with what went with it: its parts, and rows of other tables by foreign keys.
// Invariant: a guarded write: nothing is written unless the deletion that was looked at is the last thing that happened to the id. The
// record, its parts and what the log says of them are written in one transaction, or none of it.
import type { Knex } from 'knex'
import { checkBeforeWrite } from '../base/open-requests.ts'
import type { Forbidden, SaveOutcome } from '../base/outcomes.ts'
import { MISSING } from '../base/outcomes.ts'
import { invalidProblem, problem, refuse } from '../base/problems.ts'
import type { Actor } from '../base/record-type.ts'
import { refusedValues } from '../db/errors.ts'
import { statement } from '../db/statement.ts'
import { toWire } from '../records/history-values.ts'
import { requestHash } from '../records/idempotency.ts'
import { asksParents, authorizeNewPart, isParentThere, parentMissing } from '../records/parents.ts'
import { goneOrMissing, readRow, type Target } from '../records/read.ts'
import { conflictOf } from '../records/refused-write.ts'
import { runOnce, type Work } from '../records/run-once.ts'
import { SWALLOWED } from '../records/settled-write.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { NAMING, writerContext } from '../tables/writer-context.ts'
import { type Deletion, deletionOf, mayRestore } from './deleted-records.ts'
import { NOT_KEPT } from './past-version.ts'
import type { RestoreOptions, RestoreOutcome } from './restore-options.ts'
import { cascadesOf, type DeletedRows, type Dependents, restoreRows, textsOf } from './restore-rows.ts'

const NAME_WRITER = statement(`select ${NAMING}`)
/** The rest of the transaction shall find what is wrong with the values here, and not at its commit. */
const CHECK_NOW = { name: '', text: 'set constraints all immediate' }

/** What a deleted part was part of: the values of the columns that say so, those included that no field shows. */
const parentIn = (known: KnownType, { row }: Deletion): Record<string, unknown> =>
  Object.fromEntries(
    (known.part?.columns ?? []).map((name) => {
      const column = known.names.columnOf(name)
      return [name, toWire(known, name, row.old_row[column], row.old_texts?.[column] ?? null)]
    }),
  )

const FORBIDDEN: Forbidden = { outcome: 'forbidden', problem: problem('forbidden') }
const UNIQUE = '23505'
const LACKS_RIGHTS = '42501'

/** What went with the record can't be written: rows of this table. */
class DependentRefused extends Error {
  readonly source: string
  constructor(source: string, cause: unknown) {
    super('What went with a record could not be restored.', { cause })
    this.name = 'DependentRefused'
    this.source = source
  }
}

/** What goes with rows of a table: its parts, what cascades from it, and the members for whom its records are. */
const dependentsOf = async (
  database: Database,
  { actor, transaction }: { actor: Actor; transaction: Knex.Transaction },
  source: string,
): Promise<Dependents[]> => {
  const types = database.types(actor.tenantId)
  const audience = types.find((known) => known.source === source)?.audience
  const all: Dependents[] = [
    ...(audience
      ? [{ source: audience.source, columns: [audience.on], referred: [audience.by.column] }]
      : []),
    ...types.flatMap(({ part, names, ...known }) =>
      part?.source === source
        ? [
            {
              source: known.source,
              columns: part.columns.map(names.columnOf),
              referred: part.keys.map(({ name }) => name),
            },
          ]
        : [],
    ),
    ...(await cascadesOf(database, source, transaction)),
  ]
  return [...new Map(all.map((one) => [JSON.stringify(one), one])).values()]
}

/** Writes back what went with these rows, and what went with that. */
const restoreDependents = async (
  database: Database,
  within: { actor: Actor; transaction: Knex.Transaction },
  parents: DeletedRows,
): Promise<void> => {
  const { transaction } = within
  for (const { source, columns, referred } of await dependentsOf(database, within, parents.source)) {
    const values = await textsOf(database, parents, referred, transaction)
    const rows: DeletedRows = { source, xid: parents.xid, columns, values, at: parents.at }
    const made = await restoreRows(database, rows, transaction).catch((error) => {
      throw new DependentRefused(source, error)
    })
    // An id that was taken meanwhile is another row's: what went with the one of before doesn't go to that.
    if (made.length > 0) await restoreDependents(database, within, { ...rows, among: made })
  }
}

/** Why not; `null` where nothing is against it. */
const whyNot = async (
  database: Database,
  target: Target & { transaction: Knex.Transaction },
  options: RestoreOptions,
  deletion: Deletion | null,
): Promise<RestoreOutcome | null> => {
  const { known, actor } = target
  const current = await readRow(database, target)
  if (current) {
    if (!known.type.can(actor, 'read', current)) return MISSING
    if (current.version === options.clientVersion)
      return refuse('malformed', 'to_version is missing: the record is not deleted.')
    return conflictOf(database, target, options, current)
  }
  if (!deletion) return goneOrMissing(database, target)
  if (deletion.record.version !== options.clientVersion) return goneOrMissing(database, target)
  if (known.type.history !== 'values') return NOT_KEPT
  if (!mayRestore(known, actor, deletion.record)) return FORBIDDEN
  const values = parentIn(known, deletion)
  if (!asksParents(known, actor, 'create'))
    return (await isParentThere(database, target, values)) ? null : parentMissing(known)
  const draft = { ...deletion.record, id: '', version: 0 }
  const verdict = await authorizeNewPart(database, { ...target, isLocking: true }, draft, values)
  if (verdict === 'no parent') return parentMissing(known)
  return verdict === 'forbidden' ? FORBIDDEN : null
}

/** What the database has against it. */
const refusalOf = (
  database: Database,
  target: Target,
  error: unknown,
): Exclude<SaveOutcome, { outcome: 'saved' }> | null => {
  const isDependent = error instanceof DependentRefused
  const cause = isDependent ? error.cause : error
  if ((cause as { code?: string })?.code === LACKS_RIGHTS) return FORBIDDEN
  const types = database.types(target.actor.tenantId)
  const known = isDependent ? types.find(({ source }) => source === error.source) : target.known
  const refused = refusedValues(cause, known ?? target.known, { columns: [] })
  if (!refused) return null
  if (refused.code !== 'invalid') return { outcome: 'forbidden', problem: refused }
  if (!isDependent) return { outcome: 'invalid', problem: refused }
  const { errors } = refused as ReturnType<typeof invalidProblem>
  const named = errors.map(({ field, message }) => ({
    field: '',
    message: [known?.type.name ?? 'What went with it:', known && field, message].filter(Boolean).join(' '),
  }))
  return { outcome: 'invalid', problem: invalidProblem(named) }
}

/** Brings the record back if the deletion at `clientVersion` is the last that happened to it. */
export const undelete = async (
  database: Database,
  target: Target,
  options: RestoreOptions,
): Promise<RestoreOutcome> => {
  if (options.fields) return refuse('malformed', 'fields stand beside to_version.')
  const { source } = target.known
  const type = target.known.type.name
  const hash = () => requestHash('undelete', type, target.id, options.clientVersion)
  if (options.request?.isDue()) await checkBeforeWrite(options.request)

  const work = async (transaction: Knex.Transaction): Promise<Work<RestoreOutcome>> => {
    const within = { ...target, transaction }
    const deletion = await deletionOf(database, within)
    const refused = await whyNot(database, within, options, deletion)
    if (refused || !deletion) return { result: refused ?? MISSING }
    await database.send(NAME_WRITER, [writerContext(database.signing, options)], transaction)
    const { xid, record } = deletion
    const rows: DeletedRows = { source, xid, columns: null, values: [target.id], at: record.updated_at }
    if ((await restoreRows(database, rows, transaction)).length === 0) {
      // Somebody else has brought it back since it was looked at, or the table keeps it out.
      return { result: (await whyNot(database, within, options, deletion)) ?? SWALLOWED }
    }
    await restoreDependents(database, { actor: target.actor, transaction }, rows)
    await database.send(CHECK_NOW, [], transaction)
    const restored = await readRow(database, within)
    if (!restored) return { result: SWALLOWED }
    return { result: { outcome: 'saved', record: restored }, keep: { version: restored.version } }
  }

  try {
    const done = await runOnce<RestoreOutcome>(database, options, hash, work)
    if (done.outcome === 'reused') return done
    if (done.outcome === 'done') return done.result
    const record = await readRow(database, target)
    if (!record) return goneOrMissing(database, target)
    return target.known.type.can(target.actor, 'read', record)
      ? { outcome: 'saved', record, replayed: true }
      : MISSING
  } catch (error) {
    const isTaken = (error as { code?: string }).code === UNIQUE && !options.transaction
    const current = isTaken ? await readRow(database, target) : null
    if (current)
      return target.known.type.can(target.actor, 'read', current)
        ? conflictOf(database, target, options, current)
        : MISSING
    const refused = refusalOf(database, target, error)
    if (!refused) throw error
    return refused
  }
}
