// The end of an import: the staged rows are written, a savepoint batch at a time, in the transaction of the import.
// Invariant: a row that the database refuses is found and named by halving its batch; each attempt is rolled back to its
// savepoint.
import { setTimeout as pause } from 'node:timers/promises'
import type { Knex } from 'knex'
import { isRetryable, refusedValues } from '../db/errors.ts'
import type { InvalidProblem } from '../protocol/index.ts'
import { SWALLOWED } from '../records/settled-write.ts'
import type { Database } from '../tables/database.ts'
import { tenantOf } from '../tables/tenant.ts'
import { authorizeParents } from './authorize-parents.ts'
import { checkKeys } from './check-keys.ts'
import { LOCK_IMPORTS, REMOVE_LOCK_ROW, SAVEPOINT_BATCHES } from './sql.ts'
import {
  type BatchResult,
  createChunkWriter,
  type Lines,
  RowsSwallowed,
  type WriteJob,
  type WrittenRows,
} from './write-chunk.ts'

/** Rows between two savepoints: beyond 64 savepoints in one transaction PostgreSQL slows down for everyone. */
const BATCH_ROWS = 2_000
/** Lines that are written at a time; then the import pauses for a part of the time that this took. */
const CHUNK_LINES = 250
const PAUSE_SHARE = 0.5

/** Gives the function that writes the rows of a savepoint batch, retries it, and reports the rows that are refused. */
const createBatchWriter = (database: Database, job: WriteJob, transaction: Knex.Transaction) => {
  const { known, rowErrors } = job
  const total: WrittenRows = { created: 0, updated: 0, unchanged: 0 }
  const writeChunk = createChunkWriter(database, job)

  const writeAll = async ({ from, to }: Lines, result: BatchResult, savepoint: Knex.Transaction) => {
    for (let first = from; first <= to; first += CHUNK_LINES) {
      const begun = performance.now()
      await job.recheck()
      const last = Math.min(to, first + CHUNK_LINES - 1)
      for (const [line, rowError] of await authorizeParents(database, job, { first, last }, savepoint))
        result.refused.push({ line, rowError })
      if (result.refused.length === 0) await writeChunk({ from: first, to: last }, result, savepoint)
      await pause((performance.now() - begun) * PAUSE_SHARE)
    }
  }

  /** Gives the error that rolled the batch back, or `null`. */
  const attempt = async (lines: Lines, retries: number): Promise<unknown> => {
    const result: BatchResult = { created: 0, updated: 0, unchanged: 0, refused: [] }
    try {
      await transaction.transaction((savepoint) => writeAll(lines, result, savepoint))
    } catch (error) {
      return isRetryable(error) && retries > 0 ? attempt(lines, retries - 1) : error
    }
    for (const { line, rowError } of result.refused) rowErrors.add(line, [rowError])
    total.created += result.created
    total.updated += result.updated
    total.unchanged += result.unchanged
    return null
  }

  const write = async ({ from, to }: Lines): Promise<void> => {
    const error = await attempt({ from, to }, database.limits.writeRetries)
    if (error === null) return
    const refused =
      error instanceof RowsSwallowed ? SWALLOWED.problem : refusedValues(error, known, { columns: [] })
    if (!refused) throw error
    if (from === to) {
      const { errors } = refused as Partial<InvalidProblem>
      rowErrors.add(from, errors ?? [{ field: '', message: refused.detail }])
      return
    }
    const middle = Math.floor((from + to) / 2)
    await write({ from, to: middle })
    if (!rowErrors.isFull()) await write({ from: middle + 1, to })
  }

  return { write, total }
}

/** Writes the staged rows. Refused rows are added to `job.rowErrors`; the caller rolls everything back then. */
export const writeStaged = async (
  database: Database,
  job: WriteJob,
  transaction: Knex.Transaction,
): Promise<WrittenRows> => {
  const { known, key, rowErrors } = job
  const { write, total } = createBatchWriter(database, job, transaction)
  if (key !== null) {
    const turn = [known.source, tenantOf(known, job.actor)]
    await database.send(LOCK_IMPORTS, turn, transaction)
    await database.send(REMOVE_LOCK_ROW, turn, transaction)
    await checkKeys(database, job, transaction)
    if (rowErrors.count() > 0) return total
  }
  let from = 1
  for (const { last: to } of await database.send(SAVEPOINT_BATCHES, [BATCH_ROWS], transaction)) {
    await write({ from, to })
    if (rowErrors.isFull()) return total
    from = to + 1
    job.onWritten(total.created + total.updated + total.unchanged)
  }
  return total
}
