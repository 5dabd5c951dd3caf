// The end of an import: what was judged is written, portion by portion, in the transaction that it was judged in.
// Invariant: a row that the database refuses is found and named by halving the portion it is in; each attempt is undone
// to its savepoint. A record that changed since it was judged is judged again, never written over.
import { setTimeout as pause } from 'node:timers/promises'
import type { Knex } from 'knex'
import { isRetryable, refusedValues } from '../db/errors.ts'
import { MAX_IMPORT_ROW_ERRORS } from '../protocol/bulk-and-import.ts'
import { asksParents } from '../records/parents.ts'
import type { Database } from '../tables/database.ts'
import { readRecords } from '../tables/read-records.ts'
import { tenantOf, tenantParameter } from '../tables/tenant.ts'
import { judgeParents } from './judge-parents.ts'
import type { RowErrors } from './row-errors.ts'
import { LEAVE_NO_TRACE, PORTIONS, SEE_AGAIN, SHAPES_IN, TAKE_TURN, UPDATES_IN } from './sql.ts'
import { FORBIDDEN, type ImportJob, NOT_THERE, staleRowError } from './validate-rows.ts'

/** Rows written, by what became of them. */
export interface WrittenRows {
  created: number
  updated: number
  unchanged: number
}

/** Rows between two savepoints: PostgreSQL serves everybody worse beyond 64 of them in one transaction. */
const PORTION = 2_000
/** Lines written by one statement; after it the database rests for a part of the time that it took. */
const BITE = 250
const REST_SHARE = 0.5

/** A portion that was written. */
type Portion = WrittenRows & { refused: (() => void)[] }

export interface WriteJob extends ImportJob {
  /** All fields that rows of the file update, sorted. */
  columns: string[]
  rowErrors: RowErrors
  onWritten(rows: number): void
}

/** Writes the staged rows. What is refused goes to the complaints; the caller undoes everything then. */
export const writeStaged = async (
  database: Database,
  job: WriteJob,
  transaction: Knex.Transaction,
): Promise<WrittenRows> => {
  const { known, key, sql, columns, rowErrors } = job
  const tenant = tenantParameter(known, job.actor)
  const total: WrittenRows = { created: 0, updated: 0, unchanged: 0 }

  const checkKeys = async () => {
    const repeated = await database.send(sql.repeatedKeys, [MAX_IMPORT_ROW_ERRORS], transaction)
    for (const { line, first } of repeated)
      rowErrors.add(line, [{ field: key ?? '', message: `stands in line ${first} already` }])
    rowErrors.addUnlisted(Number(repeated[0]?.total ?? 0) - repeated.length)
    if (key === 'id') return
    const meanwhile = await database.send(sql.foundMeanwhile, [MAX_IMPORT_ROW_ERRORS, ...tenant], transaction)
    for (const row of meanwhile) {
      if (known.mayRead(job.actor, known.sql.toRecord(row)))
        rowErrors.add(row.noclobber_line, [
          { field: key ?? '', message: 'was created by somebody else meanwhile' },
        ])
    }
  }

  /** Rows whose record has changed since: judged by what it is now; those that may be written are seen anew. */
  const judgeAgain = async (
    rows: { line: number; id: string; seen: number; guarded: boolean }[],
    portion: Portion,
    savepoint: Knex.Transaction,
  ) => {
    const ids = rows.map(({ id }) => id)
    const records = await readRecords(database, known, ids, {
      tenantId: job.actor.tenantId,
      transaction: savepoint,
    })
    const again: { line: number; version: number }[] = []
    for (const { line, id, seen, guarded } of rows) {
      const record = records.get(id)
      const readable = record && known.mayRead(job.actor, record)
      if (!record || !readable) portion.refused.push(() => rowErrors.add(line, [NOT_THERE]))
      else if (!asksParents(known, job.actor, 'update') && !known.may(job.actor, 'update', record))
        portion.refused.push(() => rowErrors.add(line, [FORBIDDEN]))
      else if (guarded) portion.refused.push(() => rowErrors.add(line, [staleRowError(record, seen)]))
      else again.push({ line, version: record.version })
    }
    const values = [again.map(({ line }) => line), again.map(({ version }) => version)]
    if (again.length > 0) await database.send(SEE_AGAIN, values, savepoint)
    return again.length
  }

  const update = async (from: number, to: number, portion: Portion, savepoint: Knex.Transaction) => {
    const wanted = await database.send(UPDATES_IN, [from, to], savepoint)
    const left = new Map(wanted.map((row) => [row.line as number, row]))
    if (columns.length === 0) {
      portion.unchanged += wanted.length
      return
    }
    while (left.size > 0) {
      for (const { line, changed } of await database.send(
        sql.update(columns),
        [from, to, ...tenant],
        savepoint,
      )) {
        if (left.delete(line)) portion[changed ? 'updated' : 'unchanged'] += 1
      }
      if (left.size === 0) return
      const rows = [...left.values()].map(({ line, id, seen, guarded }) => ({
        line,
        id,
        seen: Number(seen),
        guarded,
      }))
      if ((await judgeAgain(rows, portion, savepoint)) === 0) return
      if (portion.refused.length > 0) return
    }
  }

  const insert = async (from: number, to: number, portion: Portion, savepoint: Knex.Transaction) => {
    for (const { shape } of await database.send(SHAPES_IN, [from, to], savepoint)) {
      const made = await database.send(sql.insert(JSON.parse(shape)), [from, to, shape, ...tenant], savepoint)
      portion.created += made.length
    }
  }

  const attempt = async (from: number, to: number, retries: number): Promise<unknown> => {
    const portion: Portion = { created: 0, updated: 0, unchanged: 0, refused: [] }
    try {
      await transaction.transaction(async (savepoint) => {
        for (let first = from; first <= to; first += BITE) {
          const begun = performance.now()
          const last = Math.min(to, first + BITE - 1)
          await job.recheck()
          for (const [line, wrong] of await judgeParents(database, job, { first, last }, savepoint))
            portion.refused.push(() => rowErrors.add(line, [wrong]))
          if (portion.refused.length === 0) {
            await update(first, last, portion, savepoint)
            await insert(first, last, portion, savepoint)
          }
          await pause((performance.now() - begun) * REST_SHARE)
        }
      })
    } catch (error) {
      return isRetryable(error) && retries > 0 ? attempt(from, to, retries - 1) : error
    }
    for (const complain of portion.refused) complain()
    total.created += portion.created
    total.updated += portion.updated
    total.unchanged += portion.unchanged
    return null
  }

  const write = async (from: number, to: number): Promise<void> => {
    const error = await attempt(from, to, database.limits.writeRetries)
    if (error === null) return
    const refused = refusedValues(error, known.fieldNames, [])
    if (!refused) throw error
    if (from === to) {
      const { errors } = refused as { errors?: { field: string; message: string }[] }
      rowErrors.add(from, errors ?? [{ field: '', message: refused.detail }])
      return
    }
    const middle = Math.floor((from + to) / 2)
    await write(from, middle)
    if (!rowErrors.isFull()) await write(middle + 1, to)
  }

  if (key !== null) {
    const turn = [known.source, tenantOf(known, job.actor) ?? '']
    await database.send(TAKE_TURN, turn, transaction)
    await database.send(LEAVE_NO_TRACE, turn, transaction)
    await checkKeys()
    if (rowErrors.count() > 0) return total
  }
  let from = 1
  for (const { last } of await database.send(PORTIONS, [PORTION], transaction)) {
    await write(from, last)
    if (rowErrors.isFull()) return total
    from = last + 1
    job.onWritten(total.created + total.updated + total.unchanged)
  }
  return total
}
