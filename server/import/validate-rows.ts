// Validates rows of a file, some at a time, against the records that they would change: which they update or create, whether
// their values are valid, whether the user may, whether the file's version is the record's.
// Invariant: a record that the user may not read is treated as if it weren't there.

import type { Knex } from 'knex'
import { addTo } from '../base/groups.ts'
import { writerName } from '../base/problems.ts'
import type { Actor } from '../base/record-type.ts'
import type { TimeSlices } from '../pacing/time-slices.ts'
import type { ImportRowError } from '../protocol/bulk-and-import.ts'
import type { WireRecord } from '../protocol/index.ts'
import { otherThanId, sentId } from '../records/create.ts'
import { asksParents } from '../records/parents.ts'
import { commonJson, type StoredJson } from '../records/stored-json.ts'
import { placementErrors, ruledFields, ruleErrors, validateFields } from '../records/validate.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { tenantParameter } from '../tables/tenant.ts'
import { cellReader, findingKind, isWholeNumber, keyText } from './csv-cells.ts'
import type { ImportFormat } from './parse.ts'
import type { ImportRow } from './row.ts'
import type { ImportSql, StagedRow } from './sql.ts'

/** What is wrong with a row. */
export type RowError = Omit<ImportRowError, 'line'>

/** Who imports what, how. */
export interface ImportJob {
  known: KnownType
  /** As {@link recheck} found them last. */
  actor: Actor
  format: ImportFormat
  /** The field by which records are found; `id` for their own key. */
  key: string | null
  sql: ImportSql
  slices: TimeSlices
  /**
   * Checks that the user may still import: before each batch, each statement that writes, and the commit.
   *
   * @throws Refusal if not; everything is rolled back then.
   */
  recheck(): Promise<void>
}

/** A row that may be written, or what is wrong with it. */
export type ValidatedRow = { row: StagedRow } | { line: number; rowErrors: RowError[] }

const VERSION = /^[1-9]\d{0,15}$/

/** The version in a row; `undefined` where it has none, `null` where it is not one. */
const versionIn = (value: unknown): number | undefined | null => {
  if (value === undefined || value === '' || value === null) return undefined
  const isVersion = typeof value === 'number' ? Number.isSafeInteger(value) : VERSION.test(String(value))
  return isVersion && Number(value) > 0 ? Number(value) : null
}

/** The error of a row whose record is at another version than the file says. */
export const staleRowError = ({ version, updated_by }: WireRecord, clientVersion: number): RowError => ({
  field: 'version',
  message: `${writerName(updated_by)} saved version ${version}; the file has version ${clientVersion}`,
  code: 'stale_record',
  current_version: version,
})

export const NOT_THERE: RowError = {
  field: '',
  message: 'there is no such record any more',
  code: 'not_found',
}
export const FORBIDDEN: RowError = {
  field: '',
  message: 'you may not change this record',
  code: 'forbidden',
}

export const MAY_NOT_CREATE: RowError = { ...FORBIDDEN, message: 'you may not create this record' }

interface Read {
  line: number
  fields: Record<string, unknown>
  version: number | undefined | null
  key: string | null
  rowError?: RowError
}

/** The values as one JSON object, each as its column takes it. */
const docOf = (
  { columns, names }: KnownType,
  values: Record<string, unknown>,
  stored?: StoredJson,
): string => {
  const pairs = Object.entries(values).map(([name, value]) => {
    const text = columns.get(name)?.codec.toImport(value, stored?.get(name))
    return `${JSON.stringify(names.columnOf(name))}:${text}`
  })
  return `{${pairs.join()}}`
}

/** A file may repeat in columns of their own what the id of a record says. */
const withoutKey = (
  { key: { creatable } }: KnownType,
  fields: Record<string, unknown>,
  record: WireRecord,
): Record<string, unknown> =>
  creatable.size === 0
    ? fields
    : Object.fromEntries(
        Object.entries(fields).filter(
          ([name, value]) => !creatable.has(name) || String(value) !== String(record.fields[name]),
        ),
      )

/** Gives the function that validates rows of one import. */
export const createRowValidator = (database: Database, job: ImportJob) => {
  const { known, format, key, sql, slices } = job
  const cell = cellReader(known)
  const kind = findingKind(known, key)
  /** Then it is authorized where it is written. */
  const asks = (action: 'create' | 'update') => asksParents(known, job.actor, action)

  /**
   * The key as it will be stored, since that is what records have: by what the schema makes of it, and a whole number as it
   * is written. `07` and `1e1` are other texts than the ids 7 and 10.
   */
  const keyIn = async (name: string, raw: unknown, value: unknown): Promise<string | null> => {
    if (kind === null) return null
    if (name === 'id') return keyText(kind, raw)
    if (format !== 'ndjson' && isWholeNumber(kind)) return keyText(kind, raw)
    const valid = await validateFields(known, { [name]: value }, null)
    return keyText(kind, valid.ok ? valid.values[name] : value)
  }

  const read = async ({ line, fields = {}, inexact = [] }: ImportRow): Promise<Read> => {
    const values: Record<string, unknown> = Object.create(null)
    for (const [name, value] of Object.entries(fields))
      values[name] = format !== 'ndjson' ? cell(name, value as string) : value
    const row: Read = { line, fields: values, version: undefined, key: null }
    if (key === null) return row
    row.version = versionIn(values.version)
    delete values.version
    row.key = inexact.includes(key) ? null : await keyIn(key, fields[key], values[key])
    if (key === 'id') delete values.id
    if (row.version === null) row.rowError = { field: 'version', message: 'must be a positive integer' }
    else if (row.key === null)
      row.rowError = {
        field: key,
        message: 'is needed to find the record, and must be one that it can have',
      }
    return row
  }

  const find = async (rows: Read[], transaction: Knex.Transaction | undefined) => {
    const found = new Map<string, WireRecord[]>()
    const keys = [...new Set(rows.flatMap((row) => (row.key === null || row.rowError ? [] : [row.key])))]
    if (keys.length === 0) return found
    for (const row of await database.send(
      sql.find,
      [keys, ...tenantParameter(known, job.actor)],
      transaction,
    )) {
      const record = known.sql.toRecord(row)
      if (known.mayRead(job.actor, record)) addTo(found, row.noclobber_key, record)
    }
    return found
  }

  /** Rows of one batch that go to one place are asked about together. */
  const places = new Map<unknown, RowError[]>()
  const misplacedIn = async (values: Record<string, unknown>, transaction: Knex.Transaction | undefined) => {
    const place = known.audience && values[known.audience.by.name]
    const before = places.get(place)
    if (before || !known.audience) return before ?? []
    const errors = await placementErrors(database, { known, actor: job.actor, transaction }, values)
    places.set(place, errors)
    return errors
  }

  const validate = async (
    row: Read,
    found: WireRecord[],
    transaction: Knex.Transaction | undefined,
  ): Promise<ValidatedRow> => {
    const { line, version, key: text } = row
    const refuse = (...rowErrors: RowError[]): ValidatedRow => ({ line, rowErrors })
    if (row.rowError) return refuse(row.rowError)
    const [record, second] = found
    if (second) return refuse({ field: key ?? '', message: 'is that of more than one record' })
    if (!record && (version || (key === 'id' && known.key.isMade))) return refuse(NOT_THERE)
    if (record && !asks('update') && !known.may(job.actor, 'update', record)) return refuse(FORBIDDEN)
    const sent = sentId(known, job.actor, !record && key === 'id' ? text : undefined)
    if ('message' in sent) return refuse(sent)
    const fields = record ? withoutKey(known, row.fields, record) : { ...sent.fields, ...row.fields }
    const draft = { type: known.type.name, id: '', version: 0, fields }
    if (!record && !asks('create') && !known.may(job.actor, 'create', draft)) return refuse(MAY_NOT_CREATE)
    if (record && version && version !== record.version) return refuse(staleRowError(record, version))
    const valid = await validateFields(known, fields, {
      actor: job.actor,
      action: record ? 'update' : 'create',
    })
    if (!valid.ok) return refuse(...valid.errors)
    const other = otherThanId(sent, valid.values)
    if (other.length > 0) return refuse(...other)
    const values = { ...valid.values, ...sent.values }
    const broken = await ruleErrors(
      known,
      record ? { ...ruledFields(known, record.fields), ...values } : values,
    )
    if (broken.length > 0) return refuse(...broken)
    const misplaced = await misplacedIn(values, transaction)
    if (misplaced.length > 0) return refuse(...misplaced)
    const names = Object.keys(values).sort()
    // What was checked together stays together.
    const guarded =
      (version !== undefined && version !== null) || (record !== undefined && known.type.rule !== null)
    const stored = record && (await commonJson(database, { known, transaction }, [record.id], values))
    const doc = docOf(known, values, stored)
    const shape = record ? null : JSON.stringify(names)
    return {
      row: { line, key: text, id: record?.id ?? null, seen: record?.version ?? null, guarded, shape, doc },
    }
  }

  /** Checks rows of one batch, in time slices. */
  return async (rows: ImportRow[], transaction: Knex.Transaction | undefined): Promise<ValidatedRow[]> => {
    const validated: ValidatedRow[] = []
    const reads: Read[] = []
    for (const row of rows) {
      if (row.rowError === undefined) reads.push(await read(row))
      else validated.push({ line: row.line, rowErrors: [{ field: '', message: row.rowError }] })
      if (slices.isOver()) await slices.rest()
    }
    places.clear()
    const found = await find(reads, transaction)
    for (const row of reads) {
      validated.push(await validate(row, found.get(row.key ?? '') ?? [], transaction))
      if (slices.isOver()) await slices.rest()
    }
    return validated
  }
}
