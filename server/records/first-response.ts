// The first response of a write, for its replay. Long values that the write did not set are not stored with it: they are
// taken from the record, as long as nobody has changed them.
// Invariant: the result is exactly the first response, or nothing.
import { withValues } from '../base/hidden-fields.ts'
import type { Row } from '../db/statement.ts'
import type { WireRecord } from '../protocol/index.ts'
import type { Database } from '../tables/database.ts'
import { readRow, type Target } from './read.ts'
import { changedFieldsBetween } from './since-version.ts'

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
