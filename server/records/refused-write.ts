// Why a write was not made, and what its replay is answered: gone, not readable, not allowed, stale, or made before. Long values
// that a write did not set are not stored with its first response: they are taken from the record, while nobody has changed them.
// Invariant: what a replay gets is exactly the first response, or the record as it is as a conflict.
import { withValues } from '../base/hidden-fields.ts'
import type { Conflict, SaveOutcome } from '../base/outcomes.ts'
import { MISSING } from '../base/outcomes.ts'
import { problem, staleProblem } from '../base/problems.ts'
import { mergedTextFields } from '../base/record-type.ts'
import type { Row } from '../db/statement.ts'
import type { WireRecord } from '../protocol/index.ts'
import type { Database } from '../tables/database.ts'
import { storedResponse, type WriteOptions } from './idempotency.ts'
import { asksParents, readAuthorizedParts } from './parents.ts'
import { goneOrMissing, readRow, type Target } from './read.ts'
import { changedFieldsBetween } from './since-version.ts'

/** The answer to a stale save. */
export const conflictOf = async (
  database: Database,
  target: Target,
  options: { clientVersion: number; byHeader?: boolean | undefined },
  current: WireRecord,
): Promise<Conflict> => {
  const { merge } = target.known.type
  const { rights } = target.known
  const changed = await changedFieldsBetween(database, target, options.clientVersion, current.version)
  const stale = staleProblem(
    options.clientVersion,
    current,
    changed,
    options.byHeader ?? false,
    target.actor.id,
  )
  // Nothing was changed that they see: what they typed goes over the newer version.
  const isUnseen = rights !== null && changed?.length === 0
  return {
    outcome: 'conflict',
    problem: merge || isUnseen ? { ...stale, merge: { text: mergedTextFields(merge) } } : stale,
  }
}

/** With which of these records, as they are, may the caller do this? Their ids. */
export const mayWriteWhich = async (
  database: Database,
  { known, actor, transaction }: Omit<Target, 'id'>,
  action: 'update' | 'delete',
  records: WireRecord[],
): Promise<Set<string>> => {
  const ids = (allowed: (record: WireRecord) => boolean | undefined) =>
    new Set(records.filter(allowed).map(({ id }) => id))
  if (!asksParents(known, actor, action)) return ids((record) => known.type.can(actor, action, record))
  const { parts } = await readAuthorizedParts(
    database,
    { known, actor, transaction, isLocking: false },
    { action, ids: records.map(({ id }) => id) },
  )
  return ids(({ id }) => parts.get(id)?.isAllowed)
}

/** May the caller do this with the record as it is? */
export const mayWrite = async (
  database: Database,
  target: Target,
  action: 'update' | 'delete',
  current: WireRecord,
): Promise<boolean> => (await mayWriteWhich(database, target, action, [current])).has(target.id)

/** Why a guarded write found no row: gone, not readable, not allowed, or stale. `null`: the row is at that version now. */
export const whyRefused = async (
  database: Database,
  target: Target,
  action: 'update' | 'delete',
  options: { clientVersion: number; byHeader?: boolean | undefined },
) => {
  const current = await readRow(database, target)
  if (!current) return goneOrMissing(database, target)
  if (!target.known.type.can(target.actor, 'read', current)) return MISSING
  if (!(await mayWrite(database, target, action, current)))
    return { outcome: 'forbidden' as const, problem: problem('forbidden') }
  return current.version === options.clientVersion ? null : conflictOf(database, target, options, current)
}

/** The record as it was answered; `null` where what was left out has been changed since, or nobody can say. */
export const firstResponse = async (
  database: Database,
  target: Target,
  answer: Row,
): Promise<WireRecord | null> => {
  const record = target.known.sql.toRecord(answer)
  const leftOut: string[] = answer.noclobber_left_out ?? []
  if (leftOut.length === 0) return record
  const now = await readRow(database, target)
  if (!now) return null
  const changed = await changedFieldsBetween(database, target, record.version, now.version)
  if (!changed || leftOut.some((name) => changed.includes(name))) return null
  return withValues(record, Object.fromEntries(leftOut.map((name) => [name, now.fields[name]])))
}

/** The first answer of a save with this mutation id; `null` where there was none. */
export const replayOf = async (
  database: Database,
  target: Target,
  options: WriteOptions & { clientVersion: number; byHeader?: boolean | undefined },
  hash: string,
): Promise<SaveOutcome | null> => {
  const kept = await storedResponse(database, options, hash)
  if (kept?.outcome !== 'stored') return kept
  const record = await firstResponse(database, target, kept.answer)
  if (record) return { outcome: 'saved', record, replayed: true }
  // It was saved, and somebody has changed since what its answer left out: the record as it is now says both.
  return (await whyRefused(database, target, 'update', options)) ?? MISSING
}
