// A version brought back: a guarded save whose values are those that the record had then. Invariant: it writes no more than a save
// by the same person could, and nothing where the record is not at the version that they saw; what is erased meanwhile does not come
// back. The change's row in the log names the version that was restored; both are written in one transaction.
import type { Knex } from 'knex'
import { MISSING, type PastOutcome } from '../base/outcomes.ts'
import { statement } from '../db/statement.ts'
import { requestHash } from '../records/idempotency.ts'
import { readRow, targetOf } from '../records/read.ts'
import { replayOf, whyRefused } from '../records/refused-write.ts'
import { saveRecord } from '../records/save.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { type KnownPast, pastOf } from './past-version.ts'
import type { RestoreOptions, RestoreOutcome } from './restore-options.ts'
import { undelete } from './undelete.ts'

/** source, id, version, restored version: of this transaction's changes of the record beyond the version, the first is a restore. */
const NAME_RESTORED = statement(`
update noclobber.record_changes c set restored_from = $4 where c.xid = pg_current_xact_id() and c.seq = (
  select o.seq from noclobber.record_changes o where o.xid = pg_current_xact_id() and o.table_name = $1 and o.record_id = $2
    and o.version > $3 order by o.version limit 1)`)

/** Undoes the save of a version whose values were erased between its reading and its writing. */
class ErasedMeanwhile extends Error {
  readonly past: Exclude<PastOutcome, { outcome: 'found' }>
  constructor(past: Exclude<PastOutcome, { outcome: 'found' }>) {
    super('The version was erased meanwhile.')
    this.name = 'ErasedMeanwhile'
    this.past = past
  }
}

const isSame = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other)

/** What has to be set; a field that is named and can't be set is left to the save to refuse. What came since stays as it is. */
const changesTo = (
  { writable, shownNames }: KnownType,
  { record: was, now, absent }: KnownPast,
  fields: string[] | undefined,
): Record<string, unknown> => {
  const changes: Record<string, unknown> = Object.create(null)
  for (const name of fields ?? shownNames) {
    if (absent.includes(name)) continue
    const isWritable = writable.has(name)
    if (isWritable ? !isSame(was.fields[name], now?.fields[name]) : fields)
      changes[name] = isWritable ? was.fields[name] : null
  }
  return changes
}

/** Saves what the record was at a version, if it is still at the editor's version. */
export const restoreRecord = async (
  shared: Database,
  type: string,
  id: string,
  options: RestoreOptions,
): Promise<RestoreOutcome> => {
  const database = shared.forActor(options.actor)
  const target = await targetOf(database, { type, id, ...options })
  if (!target) return MISSING
  const { clientVersion, toVersion, fields } = options
  if (toVersion === undefined) return undelete(database, target, options)
  const hash = options.mutationId
    ? requestHash('restore', type, target.id, clientVersion, toVersion, fields ?? null)
    : ''
  const refused = await whyRefused(database, target, 'update', options)
  if (refused)
    return (refused.outcome === 'missing' ? null : await replayOf(database, target, options, hash)) ?? refused
  const past = await pastOf(database, target, await readRow(database, target), { version: toVersion })
  if (past.outcome !== 'found') return past
  const { fields: _, ...writing } = options
  const also = async (transaction: Knex.Transaction) => {
    // What is erased from here on waits for this transaction.
    const still = await pastOf(database, { ...target, transaction }, past.now, { version: toVersion })
    if (still.outcome !== 'found') throw new ErasedMeanwhile(still)
    const values = [target.known.source, target.id, clientVersion, toVersion]
    await database.send(NAME_RESTORED, values, transaction)
  }
  try {
    return await saveRecord(shared, type, id, {
      ...writing,
      changes: changesTo(target.known, past, fields),
      extended: { hash, json: past.json, also },
    })
  } catch (error) {
    // A caller's own transaction has the write in it, and has to be rolled back.
    if (error instanceof ErasedMeanwhile && !options.transaction) return error.past
    throw error
  }
}
