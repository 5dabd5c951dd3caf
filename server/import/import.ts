// An import: rows of a file created, or updated by a key, all or none.
// Invariant: one transaction, which begins once the whole file has arrived and is valid: while the upload goes on, no
// connection is held and no record is locked. Validated rows wait in a spool. Lists receive one event for the import.
import { randomUUID } from 'node:crypto'
import type { Knex } from 'knex'
import type { Forbidden, Missing, Reused } from '../base/outcomes.ts'
import { MISSING } from '../base/outcomes.ts'
import { refuse } from '../base/problems.ts'
import type { Actor } from '../base/record-type.ts'
import { refusedValues } from '../db/errors.ts'
import { createTimeSlices } from '../pacing/time-slices.ts'
import type { ImportAnswer, ImportProblem, ImportProgress } from '../protocol/bulk-and-import.ts'
import type { InvalidProblem } from '../protocol/index.ts'
import { requestHash, storedResponse, type WriteOptions } from '../records/idempotency.ts'
import { runOnce, type Work } from '../records/run-once.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { writerContext } from '../tables/writer-context.ts'
import { actorNow, FORBIDDEN, verdictsOf } from './actor-now.ts'
import { findingKind } from './csv-cells.ts'
import { type ImportFormat, rowsOf } from './parse.ts'
import type { ImportRow } from './row.ts'
import { createRowErrors, type RowErrors } from './row-errors.ts'
import { createSpool, type ImportSpool } from './spool.ts'
import {
  ANALYZE_STAGE,
  CREATE_STAGE,
  DROP_STAGE,
  importSql,
  NAME_WRITER,
  NOTE_IMPORT,
  STAGE,
  type StagedRow,
} from './sql.ts'
import { type ImportEncoding, type ImportSource, importSource } from './upload.ts'
import { createRowValidator, type ImportJob } from './validate-rows.ts'
import { writeStaged } from './write-rows.ts'

/** What {@link RecordServer.import} takes. */
export interface ImportOptions<A extends Actor = Actor> extends WriteOptions<A> {
  /** The file as it comes; read no faster than the database takes it. */
  input: AsyncIterable<Uint8Array>
  /** `csv` with a head line, or `ndjson`, an object a line. */
  format: ImportFormat
  /** What its bytes are. Default `utf-8`; UTF-16 is seen by its byte order mark or its first letter. */
  encoding?: ImportEncoding | undefined
  /** The file's name: shown as the writer. */
  name?: string | undefined
  /** The field by which records are found, `id`, or `null` to create alone. Default: the type's `importKey`. */
  key?: string | null | undefined
  /** What the import is called, for those who follow it. Default: a new uuid. */
  importId?: string | undefined
  /** Does everything and rolls it back: the response says what would have been imported. */
  dryRun?: boolean | undefined
  /** Called a few times a second while it reads and writes. */
  onProgress?: ((progress: ImportProgress) => void) | undefined
  /** @internal Awaited after the upload and before anything is written; the function that it gives is called at the end. */
  admit?: (() => Promise<() => void>) | undefined
}

/** Written, or in a dry run what would have been. */
export interface Imported {
  outcome: 'imported'
  /** How many rows were created, updated or left as they were. */
  answer: ImportAnswer
  /** A replay of an import that was made before. */
  replayed?: boolean
}

/** Some rows can't be imported, so none was. */
export interface ImportRefused {
  outcome: 'invalid'
  /** What a 422 would say: the rows that are in the way, by line. */
  problem: ImportProblem
}

/** What `importRows` answers. */
export type ImportOutcome = Imported | ImportRefused | Missing | Forbidden | Reused

/** Rows that are validated together, up to so many bytes. */
const BATCH = 100
const BATCH_BYTES = 256_000

const keyOf = (known: KnownType, asked: string | null | undefined): string | null => {
  const key = asked === undefined ? known.type.importKey : asked
  if (key === null) return null
  const isFit = (key === 'id' || known.writable.has(key)) && findingKind(known, key) !== null
  return isFit
    ? key
    : refuse('malformed', 'key must be "id" or a field that holds texts, whole numbers or uuids.')
}

/** What is wrong with the names in the first line of a CSV file. */
const headerErrors = (known: KnownType, key: string | null, header: string[]) => {
  const ofKey = key === null ? [] : ['version', key]
  const unknown = header.filter(
    (name) => !known.writable.has(name) && !known.key.creatable.has(name) && !ofKey.includes(name),
  )
  const rowErrors = unknown.map((field) => ({
    field,
    message:
      known.columns.has(field) && !known.type.hidden.includes(field)
        ? 'can not be imported'
        : 'is not a field of this type',
  }))
  if (key !== null && !header.includes(key))
    rowErrors.push({ field: key, message: 'is needed to find the records: the file has no such column' })
  return rowErrors
}

interface Reading {
  job: ImportJob
  source: ImportSource
  spool: ImportSpool
  rowErrors: RowErrors
  progress: ImportProgress
  report(): void
}

/** Reads the file to its end and validates each row; spools the valid ones until the first error. */
const readAll = async (
  database: Database,
  { job, source, spool, rowErrors, progress, report }: Reading,
  transaction: Knex.Transaction | undefined,
): Promise<{ columns: string[]; isComplete: boolean }> => {
  const validate = createRowValidator(database, job)
  const columns = new Set<string>()
  let batch: ImportRow[] = []
  let flushedAt = 0
  let isComplete = true
  const flush = async () => {
    await job.recheck()
    const staged: StagedRow[] = []
    for (const validated of await validate(batch, transaction)) {
      if ('row' in validated) staged.push(validated.row)
      else rowErrors.add(validated.line, validated.rowErrors)
    }
    batch = []
    progress.valid += staged.length
    progress.invalid = rowErrors.count()
    if (rowErrors.count() === 0 && staged.length > 0) {
      for (const { shape, doc } of staged)
        if (shape === null)
          for (const column of Object.keys(JSON.parse(doc))) columns.add(job.known.names.fieldOf(column))
      await spool.add(JSON.stringify(staged))
    }
    flushedAt = source.bytes()
    progress.bytes = source.bytes()
    report()
  }
  for await (const row of rowsOf(job.format, source.pieces())) {
    if (row.header) {
      const wrong = row.rowError
        ? [{ field: '', message: row.rowError }]
        : headerErrors(job.known, job.key, row.header)
      if (wrong.length === 0) continue
      rowErrors.add(row.line, wrong)
      return { columns: [], isComplete: false }
    }
    progress.rows += 1
    if (row.isLast) isComplete = false
    batch.push(row)
    if (job.slices.isOver()) await job.slices.rest()
    if (batch.length === BATCH || source.bytes() - flushedAt > BATCH_BYTES) await flush()
  }
  await flush()
  return { columns: [...columns].sort(), isComplete }
}

const CHECK_NOW = { name: '', text: 'set constraints all immediate' }

/** Checks deferred constraints before the commit, so that they too refuse the file instead of failing the commit. */
const checkDeferred = async (
  database: Database,
  known: KnownType,
  rowErrors: RowErrors,
  transaction: Knex.Transaction,
) => {
  try {
    await transaction.transaction((savepoint) => database.send(CHECK_NOW, [], savepoint))
  } catch (error) {
    const refused = refusedValues(error, known, { columns: [] })
    if (!refused) throw error
    rowErrors.add(
      null,
      (refused as Partial<InvalidProblem>).errors ?? [{ field: '', message: refused.detail }],
    )
  }
}

/** Imports a file into the actor's tenant. */
export const importRecords = async (
  shared: Database,
  type: string,
  options: ImportOptions,
): Promise<ImportOutcome> => {
  const database = shared.forActor(options.actor)
  const known = await database.typeFor(type, options.transaction, options.actor)
  if (!known) return MISSING
  const { actor, format, name, dryRun = false, onProgress } = options
  if (verdictsOf(known, actor).every((verdict) => verdict === false)) return FORBIDDEN
  const key = keyOf(known, options.key)
  const { limits } = database
  const source = importSource(options.input, {
    encoding: options.encoding,
    maxBytes: limits.importBytes,
    idleMs: limits.importIdleMs,
    totalMs: limits.importTotalMs,
    bytesPerSecond: limits.importBytesPerSecond,
    graceMs: limits.importGraceMs,
  })
  const { importId = randomUUID() } = options
  const job: ImportJob = {
    known,
    actor,
    format,
    key,
    sql: importSql(known, key),
    slices: createTimeSlices(),
    recheck: async () => {
      if (options.request?.isDue()) job.actor = await actorNow(known, job.actor, options.request)
    },
  }

  const rowErrors = createRowErrors()
  const progress: ImportProgress = { phase: 'reading', bytes: 0, rows: 0, valid: 0, invalid: 0, written: 0 }
  const report = () => onProgress?.({ ...progress })
  const refused = (complete: boolean): ImportRefused => ({
    outcome: 'invalid',
    problem: rowErrors.toProblem(progress.rows, complete),
  })
  const replayOf = (answer: unknown): Imported => ({
    outcome: 'imported',
    answer: answer as ImportAnswer,
    replayed: true,
  })
  const hash = async () => requestHash('import', type, key, format, name, dryRun, await source.digest())

  const write = async (
    transaction: Knex.Transaction,
    spool: ImportSpool,
    columns: string[],
  ): Promise<Work<ImportOutcome>> => {
    progress.phase = 'writing'
    report()
    await database.send(CREATE_STAGE, [], transaction)
    for await (const rows of spool.texts()) await database.send(STAGE, [rows], transaction)
    const context = writerContext(database.signing, options, { importId, name: name ?? actor.name })
    await database.send(NAME_WRITER, [context], transaction)
    await database.send(ANALYZE_STAGE, [], transaction)
    const onWritten = (rows: number) => {
      progress.written = rows
      report()
    }
    const counts = await writeStaged(
      database,
      Object.assign(job, { columns, rowErrors, onWritten }),
      transaction,
    )
    if (rowErrors.count() === 0) await checkDeferred(database, known, rowErrors, transaction)
    if (rowErrors.count() > 0) return { result: refused(!rowErrors.isFull()) }
    await job.recheck()
    await database.send(DROP_STAGE, [], transaction)
    const tenant = known.tenantColumn ? actor.tenantId : null
    if (!dryRun) await database.send(NOTE_IMPORT, [importId, known.source, tenant], transaction)
    const answer: ImportAnswer = { import_id: importId, dry_run: dryRun, rows: progress.rows, ...counts }
    const result: ImportOutcome = { outcome: 'imported', answer }
    return dryRun ? { result } : { result, keep: answer }
  }

  const spool = createSpool()
  let end = () => {}
  try {
    const reading = { job, source, spool, rowErrors, progress, report }
    const { columns, isComplete } = await readAll(database, reading, options.transaction)
    if (rowErrors.count() > 0) {
      // Rows may be refused because this very import was made before. Only then the rest is read, for the digest.
      const wasWritten = (await storedResponse(database, options, '')) !== null
      const before = wasWritten ? await storedResponse(database, options, await hash()) : null
      if (before) return before.outcome === 'stored' ? replayOf(before.answer) : before
      return refused(isComplete)
    }
    end = (await options.admit?.()) ?? end
    const work = (transaction: Knex.Transaction) => write(transaction, spool, columns)
    const once = await runOnce(database, options, hash, work, 0)
    if (once.outcome === 'stored') return replayOf(once.answer)
    return once.outcome === 'done' ? once.result : once
  } finally {
    end()
    await spool.close()
  }
}
