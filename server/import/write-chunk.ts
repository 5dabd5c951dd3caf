// Writes some lines of the staged rows: one UPDATE for those that update, one INSERT for each set of fields that is created.
// Invariant: a record that changed after its row was validated is checked again by what it is now, never written over.
import type { Knex } from 'knex'
import { asksParents } from '../records/parents.ts'
import { SWALLOWED, writtenInPlace } from '../records/settled-write.ts'
import type { Database } from '../tables/database.ts'
import { readRecords } from '../tables/read-records.ts'
import { guardParameters, tenantParameter } from '../tables/tenant.ts'
import type { RowErrors } from './row-errors.ts'
import { RESTAGE_VERSIONS, SHAPES_IN, UPDATES_IN } from './sql.ts'
import { FORBIDDEN, type ImportJob, NOT_THERE, type RowError, staleRowError } from './validate-rows.ts'

export interface WriteJob extends ImportJob {
  /** All fields that rows of the file update, sorted. */
  columns: string[]
  rowErrors: RowErrors
  onWritten(rows: number): void
}

/** Rows written, by what became of them. */
export interface WrittenRows {
  created: number
  updated: number
  unchanged: number
}

/** What a savepoint batch has written so far. Its refused rows count only if the batch isn't rolled back. */
export interface BatchResult extends WrittenRows {
  refused: { line: number; rowError: RowError }[]
}

/** Lines of the file, both included. */
export interface Lines {
  from: number
  to: number
}

const SWALLOWED_ROW: RowError = SWALLOWED.problem.errors[0] as RowError

/** A trigger kept new rows from being written; which ones is found by writing fewer at a time. */
export class RowsSwallowed extends Error {
  override name = 'RowsSwallowed'
}

interface StaleRow {
  line: number
  id: string
  /** The version by which the row was validated. */
  seen: number
  guarded: boolean
}

/** Gives the function that writes the rows of some lines. */
export const createChunkWriter = (database: Database, job: WriteJob) => {
  const { known, sql, columns } = job
  const tenant = tenantParameter(known, job.actor)

  /** Checks rows again whose record has changed, and stages those that may still be written at the new version. */
  const restage = async (
    rows: StaleRow[],
    { refused }: BatchResult,
    savepoint: Knex.Transaction,
  ): Promise<number> => {
    const ids = rows.map(({ id }) => id)
    const records = await readRecords(database, known, ids, {
      tenantId: job.actor.tenantId,
      transaction: savepoint,
    })
    const restaged: { line: number; version: number }[] = []
    for (const { line, id, seen, guarded } of rows) {
      const record = records.get(id)
      const readable = record && known.mayRead(job.actor, record)
      if (!record || !readable) refused.push({ line, rowError: NOT_THERE })
      else if (!asksParents(known, job.actor, 'update') && !known.may(job.actor, 'update', record))
        refused.push({ line, rowError: FORBIDDEN })
      else if (record.version === seen) refused.push({ line, rowError: SWALLOWED_ROW })
      else if (guarded) refused.push({ line, rowError: staleRowError(record, seen) })
      else restaged.push({ line, version: record.version })
    }
    const values = [restaged.map(({ line }) => line), restaged.map(({ version }) => version)]
    if (restaged.length > 0) await database.send(RESTAGE_VERSIONS, values, savepoint)
    return restaged.length
  }

  const update = async ({ from, to }: Lines, result: BatchResult, savepoint: Knex.Transaction) => {
    const wanted = await database.send(UPDATES_IN, [from, to], savepoint)
    if (columns.length === 0) {
      result.unchanged += wanted.length
      return
    }
    const left = new Map(
      wanted.map(({ line, id, seen, guarded }): [number, StaleRow] => [
        line,
        { line, id, seen: Number(seen), guarded },
      ]),
    )
    while (left.size > 0) {
      for (const { line, changed } of await database.send(
        sql.update(columns),
        [from, to, ...guardParameters(known, job.actor)],
        savepoint,
      )) {
        if (left.delete(line)) result[changed ? 'updated' : 'unchanged'] += 1
      }
      if (left.size > 0 && known.reactsTo.has('update')) {
        const rows = [...left.values()]
        const targets = rows.map(({ id, seen }) => ({ id, version: seen }))
        const written = await writtenInPlace(database, { known, transaction: savepoint }, targets)
        for (const { line, id } of rows) if (written.has(id) && left.delete(line)) result.updated += 1
      }
      if (left.size === 0) return
      if ((await restage([...left.values()], result, savepoint)) === 0) return
      if (result.refused.length > 0) return
    }
  }

  const insert = async ({ from, to }: Lines, result: BatchResult, savepoint: Knex.Transaction) => {
    for (const { shape, rows } of await database.send(SHAPES_IN, [from, to], savepoint)) {
      const values = [from, to, shape, ...tenant]
      const made = await database.send(sql.insert(JSON.parse(shape)), values, savepoint)
      if (made.length < rows) throw new RowsSwallowed()
      result.created += made.length
    }
  }

  return async (lines: Lines, result: BatchResult, savepoint: Knex.Transaction): Promise<void> => {
    await update(lines, result, savepoint)
    await insert(lines, result, savepoint)
  }
}
