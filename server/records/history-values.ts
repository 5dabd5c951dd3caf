// What fields were before and after a change, for types that show it.
// Invariant: only of declared fields, and only where the caller could read the record both before and after the change.
// Where permission depends on the record it is followed back, version by version, from the record as it is now; where a
// link of that chain is missing, nothing older is shown.
import type { Knex } from 'knex'
import { quoteName, quoteText } from '../../migrations/quote.ts'
import { type PastVersion, type SeenThen, seenThen } from '../audience/gone-policies.ts'
import { withValues } from '../base/hidden-fields.ts'
import type { Actor, PermissionRecord } from '../base/record-type.ts'
import { staticPermission } from '../base/static-permission.ts'
import { type Row, type Statement, statement } from '../db/statement.ts'
import { storedBytes } from '../log/log-sql.ts'
import type { AnswerBudget } from '../pacing/large-answers.ts'
import type { ChangedValues } from '../protocol/index.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { rowAsJson } from '../tables/head-sql.ts'
import { SMALL_BYTES } from '../tables/sized-query.ts'

/** A version whose values are wanted, with its record as it is now, or was when it was deleted. */
export interface WantedValues {
  known: KnownType
  id: string
  version: number
  now: PermissionRecord
}

/** Versions that are looked through for one answer; what lies behind them stays without values. */
const MOST_ROWS = 5_000

/** So many numbers at least a new history leaves out, where it is more than moments after the one before. */
const LEAST_LEAP = 1_000

/** Bytes of the log that are read for them, as `storedBytes` counts. */
const MOST_BYTES = 8_000_000

const SIZE = (row: string) => `${storedBytes(`${row}.changed_values`)} + ${storedBytes(`${row}.old_row`)}`

/** What jsonb made an object of, as a text: through the table's own type. */
export const textOf = ({ table }: KnownType, column: string, json: string) =>
  `noclobber.wire_text((pg_catalog.jsonb_populate_record(null::${table}, pg_catalog.jsonb_build_object(${quoteText(column)}, ${json}))).${quoteName(column)})`

/** SQL of the texts by field, with those of fields that are objects in jsonb put in by `rebuild`. */
export const withTexts = (known: KnownType, texts: string, log: string, rebuild: (name: string) => string) =>
  known.fieldNames
    .filter((name) => known.columns.get(name)?.codec.isObjectInJsonb)
    .map(known.names.columnOf)
    .reduce(
      (sql, column) =>
        `${sql} || case when ${log} ? ${quoteText(column)} then pg_catalog.jsonb_build_object(${quoteText(column)}, ${rebuild(column)}) else '{}' end`,
      texts,
    )

/** @param isRebuilding Without it, fields that are objects in jsonb have its text. */
const valuesStatement = (known: KnownType, isRebuilding: boolean) => {
  const texts = `(select pg_catalog.jsonb_object_agg(e.key, pg_catalog.jsonb_build_array(e.value->>0, e.value->>1)) from jsonb_each(s.changed_values) e)`
  const old = '(select pg_catalog.jsonb_object_agg(e.key, e.value) from jsonb_each_text(s.old_row) e)'
  const both = (name: string) =>
    `jsonb_build_array(${[0, 1].map((at) => textOf(known, name, `s.changed_values->${quoteText(name)}->${at}`)).join(', ')})`
  const one = (name: string) => textOf(known, name, `s.old_row->${quoteText(name)}`)
  return statement(`
select s.record_id, s.version, s.event, s.changed_values, s.old_row, s.total,
  ${isRebuilding ? withTexts(known, texts, 's.changed_values', both) : texts} as texts,
  ${isRebuilding ? withTexts(known, old, 's.old_row', one) : old} as old_texts
from (select r.*, sum(${SIZE('r')}) over (order by r.record_id, r.version desc rows unbounded preceding) as total from (
  select c.record_id, c.version, c.event, c.changed_values, c.old_row
  from unnest($2::text[], $3::bigint[]) w(id, version)
  join noclobber.record_changes c on c.table_name = $1 and c.record_id = w.id
    and (c.version = w.version or ($4::boolean and c.version > w.version))
  where $5::text is null or c.tenant_id = $5
  order by c.record_id, c.version desc limit ${MOST_ROWS}) r) s
where s.total - (${SIZE('s')}) <= ${MOST_BYTES} order by s.record_id, s.version desc`)
}

/**
 * The log's rows; a value that its column's type doesn't take any more, because that was changed, is shown as jsonb's text.
 *
 * @param query Makes the statement, as `valuesStatement` does.
 */
export const readLogged = async (
  database: Database,
  known: KnownType,
  query: (known: KnownType, isRebuilding: boolean) => Statement,
  values: unknown[],
  transaction: Knex.Transaction | undefined,
): Promise<Row[]> => {
  const send = (isRebuilding: boolean, within = transaction) =>
    database.send(query(known, isRebuilding), values, within)
  if (!known.fieldNames.some((name) => known.columns.get(name)?.codec.isObjectInJsonb)) return send(false)
  try {
    return await (transaction ? transaction.transaction((savepoint) => send(true, savepoint)) : send(true))
  } catch (error) {
    if (!/^(22|42)/.test((error as { code?: string }).code ?? '')) throw error
    return send(false)
  }
}

/** A value out of the log as the wire shows its column; `text` is the same to the digit. */
export const toWire = ({ columns }: KnownType, name: string, value: unknown, text: string | null): unknown =>
  columns.get(name)?.codec.fromJsonb(value, text) ?? null

const own = (row: Row | null, name: string): unknown =>
  row && Object.hasOwn(row, name) ? row[name] : undefined

/** Declared fields of a log row; `null` where its values were not kept. */
const valuesIn = (known: KnownType, row: Row): ChangedValues | null => {
  const values: ChangedValues = Object.create(null)
  if (row.event === 'deleted') {
    for (const name of known.fieldNames) {
      const column = known.names.columnOf(name)
      const before = toWire(
        known,
        name,
        own(row.old_row, column),
        (own(row.old_texts, column) as string | undefined) ?? null,
      )
      if (before !== null) values[name] = [before, null]
    }
    return values
  }
  if (!row.changed_values) return null
  for (const name of known.fieldNames) {
    const column = known.names.columnOf(name)
    const pair = Object.hasOwn(row.changed_values, column) ? row.changed_values[column] : undefined
    const texts = row.texts?.[column]
    if (pair) values[name] = [toWire(known, name, pair[0], texts[0]), toWire(known, name, pair[1], texts[1])]
  }
  return values
}

/** The record before a change, from the record after it. */
const before = (record: PermissionRecord, version: number, values: ChangedValues): PermissionRecord => {
  const were = Object.entries(values).map(([name, [was]]) => [name, was])
  return { ...withValues(record, Object.fromEntries(were)), version: version - 1 }
}

/** Of one record's versions, newest first, those that the caller could read before and after. */
const readable = (
  known: KnownType,
  actor: Actor,
  now: PermissionRecord,
  rows: Row[],
  seen: ((version: PastVersion) => SeenThen) | null,
) => {
  const shown = new Map<number, ChangedValues>()
  const isGone = rows[0]?.event === 'deleted' && (now.version === 0 || now.version >= Number(rows[0].version))
  let record = now
  let next = isGone ? Number(rows[0]?.version) : now.version
  for (const row of rows) {
    const version = Number(row.version)
    if (version > next) continue
    const values = valuesIn(known, row)
    // A new history begins far above; anything else that is missing was a change.
    if (!values || (version !== next && next - version < LEAST_LEAP)) break
    const was = before(record, version, values)
    const then = seen?.({ id: row.record_id, version })
    const mightRead =
      (row.event === 'created' || (known.mayRead(actor, was) && then?.before !== false)) &&
      (row.event === 'deleted' || (known.mayRead(actor, record) && then?.after !== false))
    if (mightRead) shown.set(version, values)
    if (row.event === 'created') break
    record = was
    next = version - 1
  }
  return shown
}

/** Without those of hidden fields, which only a permission sees. */
const shownOf = ({ type }: KnownType, values: ChangedValues): ChangedValues => {
  for (const name of type.hidden) delete values[name]
  return values
}

/** The values of each version that has some to show; `isCut`: so far as the bytes that are read for them reach. */
const shownValues = async <Wanted extends WantedValues>(
  database: Database,
  actor: Actor,
  wanted: Wanted[],
  transaction?: Knex.Transaction,
): Promise<{ found: Map<Wanted, ChangedValues>; isCut: boolean }> => {
  const found = new Map<Wanted, ChangedValues>()
  let isCut = false
  const byType = new Map<KnownType, Wanted[]>()
  for (const entry of wanted) {
    if (entry.known.type.history !== 'values') continue
    byType.set(entry.known, [...(byType.get(entry.known) ?? []), entry])
  }
  for (const [known, entries] of byType) {
    const permission = staticPermission(known.type, actor, 'read')
    if (permission === false) continue
    const verdict = known.hasPolicies ? null : permission
    const oldest = new Map<string, number>()
    for (const { id, version } of entries) oldest.set(id, Math.min(version, oldest.get(id) ?? version))
    const asked: [string, number][] = verdict ? entries.map(({ id, version }) => [id, version]) : [...oldest]
    const rows = await readLogged(
      database,
      known,
      valuesStatement,
      [
        known.source,
        asked.map(([id]) => id),
        asked.map(([, version]) => version),
        verdict === null,
        known.tenantColumn ? actor.tenantId : null,
      ],
      transaction,
    )
    if (Number(rows.at(-1)?.total ?? 0) > MOST_BYTES) isCut = true
    const byRecord = new Map<string, Row[]>()
    for (const row of rows) byRecord.set(row.record_id, [...(byRecord.get(row.record_id) ?? []), row])
    const versions = rows.map(({ record_id: id, version }) => ({ id, version: Number(version) }))
    const send: Database['send'] = (query, values) => database.send(query, values, transaction)
    const seen = await seenThen(send, known, rowAsJson(known, 'w.id'), versions)
    const shown = new Map<string, Map<number, ChangedValues>>()
    for (const { id, now } of entries) {
      if (shown.has(id)) continue
      const own = byRecord.get(id) ?? []
      const all = own.map((row): [number, ChangedValues | null] => [
        Number(row.version),
        valuesIn(known, row),
      ])
      const kept = all.filter((pair): pair is [number, ChangedValues] => pair[1] !== null)
      shown.set(id, verdict ? new Map(kept) : readable(known, actor, now, own, seen))
    }
    for (const entry of entries) {
      const values = shown.get(entry.id)?.get(entry.version)
      if (values) found.set(entry, shownOf(known, values))
    }
  }
  return { found, isCut }
}

/** What an answer may hold; without it as much as a page. */
export type ValuesBudget = Pick<AnswerBudget, 'bytes' | 'admit'>

/** Values that are read first, before it is known how large they are. */
const FIRST_PART = 4
const MOST_IN_PART = 500

/**
 * The values of as many of the first versions as fit into an answer, one at least.
 *
 * @returns `count`: how many of `wanted` fit.
 */
export const valuesWithin = async <Wanted extends WantedValues>(
  database: Database,
  actor: Actor,
  wanted: Wanted[],
  budget: ValuesBudget = { bytes: database.limits.pageBytes, admit: async () => {} },
  transaction?: Knex.Transaction,
): Promise<{ values: Map<Wanted, ChangedValues>; count: number; bytes: number }> => {
  const values = new Map<Wanted, ChangedValues>()
  if (!wanted.some(({ known }) => known.type.history === 'values'))
    return { values, count: wanted.length, bytes: 0 }
  let bytes = 0
  let count = 0
  for (let size = FIRST_PART; count < wanted.length; ) {
    const part = wanted.slice(count, count + size)
    const { found: shown, isCut } = await shownValues(database, actor, part, transaction)
    if (isCut && part.length > 1) {
      size = Math.ceil(part.length / 4)
      continue
    }
    for (const entry of part) {
      const value = shown.get(entry)
      const length = value ? JSON.stringify(value).length : 0
      if (count > 0 && bytes + length > budget.bytes) return { values, count, bytes }
      if (value) values.set(entry, value)
      bytes += length
      count += 1
    }
    if (bytes > SMALL_BYTES) await budget.admit()
    const average = Math.max(1, bytes / count)
    size = Math.max(1, Math.min(MOST_IN_PART, Math.floor(SMALL_BYTES / average)))
  }
  return { values, count, bytes }
}
