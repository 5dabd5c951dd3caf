// What fields were before and after a change, for types that show it.
// Invariant: only of declared fields, and only where the asker might read the record both as it was and as it became.
// Where permission depends on the record it is followed back, version by version, from the record as it is now; where a
// link of that chain is missing, nothing older is shown.
import type { Knex } from 'knex'
import type { Actor, PermissionRecord } from '../base/record-type.ts'
import { staticPermission } from '../base/static-permission.ts'
import { type Row, statement } from '../db/statement.ts'
import { INEXACT_IN_JSON } from '../db/value-codec.ts'
import type { ChangedValues } from '../protocol/index.ts'
import type { Database, KnownType } from '../tables/database.ts'

/** A version whose values are wanted, with its record as it is now, or was when it was deleted. */
export interface WantedValues {
  known: KnownType
  id: string
  version: number
  now: PermissionRecord
}

/** Versions that are looked through for one answer; what lies behind them stays without values. */
const MOST_ROWS = 5_000

const VALUES = statement(`
select c.record_id, c.version, c.event, c.changed_values, c.old_row,
  (select jsonb_object_agg(e.key, jsonb_build_array(e.value->>0, e.value->>1)) from jsonb_each(c.changed_values) e) as texts,
  (select jsonb_object_agg(e.key, e.value) from jsonb_each_text(c.old_row) e) as old_texts
from unnest($2::text[], $3::bigint[]) w(id, version)
join noclobber.record_changes c on c.table_name = $1 and c.record_id = w.id
  and (c.version = w.version or ($4::boolean and c.version > w.version))
where $5::text is null or c.tenant_id = $5
order by c.record_id, c.version desc limit ${MOST_ROWS}`)

/** A value out of the log as the wire shows its column; `text` is the same to the digit. */
const toWire = ({ columns }: KnownType, name: string, value: unknown, text: string | null): unknown => {
  const read = INEXACT_IN_JSON[columns.get(name)?.type ?? '']
  return read && text !== null ? read(text.replace(/^(\d{4,}-\d\d-\d\d)T/, '$1 ')) : (value ?? null)
}

/** Declared fields of a log row; `null` where its values were not kept. */
const valuesIn = (known: KnownType, row: Row): ChangedValues | null => {
  const values: ChangedValues = {}
  if (row.event === 'deleted') {
    for (const name of known.fieldNames) {
      const before = toWire(known, name, row.old_row?.[name], row.old_texts?.[name] ?? null)
      if (before !== null) values[name] = [before, null]
    }
    return values
  }
  if (!row.changed_values) return null
  for (const name of known.fieldNames) {
    const pair = row.changed_values[name]
    const texts = row.texts?.[name]
    if (pair) values[name] = [toWire(known, name, pair[0], texts[0]), toWire(known, name, pair[1], texts[1])]
  }
  return values
}

/** The record before a change, from the record after it. */
const before = (record: PermissionRecord, version: number, values: ChangedValues): PermissionRecord => {
  const fields = { ...record.fields }
  for (const [name, [was]] of Object.entries(values)) fields[name] = was
  return { ...record, version: version - 1, fields }
}

/** Of one record's versions, newest first, those that the asker might read on both sides. */
const readable = (known: KnownType, actor: Actor, now: PermissionRecord, rows: Row[]) => {
  const shown = new Map<number, ChangedValues>()
  const isGone = rows[0]?.event === 'deleted' && (now.version === 0 || now.version >= Number(rows[0].version))
  let record = now
  let next = isGone ? Number(rows[0]?.version) : now.version
  for (const row of rows) {
    const version = Number(row.version)
    if (version > next) continue
    const values = valuesIn(known, row)
    if (!values || version !== next) break
    const was = before(record, version, values)
    const mightRead =
      (row.event === 'created' || known.mayRead(actor, was)) &&
      (row.event === 'deleted' || known.mayRead(actor, record))
    if (mightRead) shown.set(version, values)
    if (row.event === 'created') break
    record = was
    next = version - 1
  }
  return shown
}

/** The values of each version that has some to show. */
export const shownValues = async <Wanted extends WantedValues>(
  database: Database,
  actor: Actor,
  wanted: Wanted[],
  transaction?: Knex.Transaction,
): Promise<Map<Wanted, ChangedValues>> => {
  const found = new Map<Wanted, ChangedValues>()
  const byType = new Map<KnownType, Wanted[]>()
  for (const entry of wanted) {
    if (entry.known.type.history !== 'values') continue
    byType.set(entry.known, [...(byType.get(entry.known) ?? []), entry])
  }
  for (const [known, entries] of byType) {
    const verdict = staticPermission(known.type, actor, 'read')
    if (verdict === false) continue
    const oldest = new Map<string, number>()
    for (const { id, version } of entries) oldest.set(id, Math.min(version, oldest.get(id) ?? version))
    const asked: [string, number][] = verdict ? entries.map(({ id, version }) => [id, version]) : [...oldest]
    const rows = await database.send(
      VALUES,
      [
        known.source,
        asked.map(([id]) => id),
        asked.map(([, version]) => version),
        verdict === null,
        known.tenantColumn ? actor.tenantId : null,
      ],
      transaction,
    )
    const byRecord = new Map<string, Row[]>()
    for (const row of rows) byRecord.set(row.record_id, [...(byRecord.get(row.record_id) ?? []), row])
    const shown = new Map<string, Map<number, ChangedValues>>()
    for (const { id, now } of entries) {
      if (shown.has(id)) continue
      const own = byRecord.get(id) ?? []
      const all = own.map((row): [number, ChangedValues | null] => [
        Number(row.version),
        valuesIn(known, row),
      ])
      const kept = all.filter((pair): pair is [number, ChangedValues] => pair[1] !== null)
      shown.set(id, verdict ? new Map(kept) : readable(known, actor, now, own))
    }
    for (const entry of entries) {
      const values = shown.get(entry.id)?.get(entry.version)
      if (values) found.set(entry, values)
    }
  }
  return found
}
