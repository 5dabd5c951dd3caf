// A record as it was: the record as it is, or as it was deleted, with each field that was changed since put back to what it was
// before the first of these changes.
// Invariant: every change since is in the log, with its values; where one is not, nothing is answered. Shown is only what the
// caller could read then and may read now. Hidden fields are put back too, for the permission to look at.
import { quoteText } from '../../migrations/quote.ts'
import { withAudienceOf } from '../audience/audience.ts'
import { setGoneAudience } from '../audience/gone-audience.ts'
import { seenThen } from '../audience/gone-policies.ts'
import { hide, withValues } from '../base/hidden-fields.ts'
import type { Found, FoundPast, NoLongerKnown, PastOutcome } from '../base/outcomes.ts'
import { MISSING } from '../base/outcomes.ts'
import { deletedProblem, problem } from '../base/problems.ts'
import { isoUtc, utcText } from '../db/iso-time.ts'
import { type Row, statement } from '../db/statement.ts'
import { normalizedWriter } from '../log/stored-writer.ts'
import type { WireRecord } from '../protocol/index.ts'
import { readLogged, textOf, toWire, withTexts } from '../records/history-values.ts'
import { writableBy } from '../records/parents.ts'
import { goneOrMissing, type Request, readRow, type Target, targetOf } from '../records/read.ts'
import type { StoredJson } from '../records/stored-json.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { rowAsJson } from '../tables/head-sql.ts'
import { recordFromOldRow } from '../tables/read-records.ts'

/** The record as it was, as it is (unless it is gone), and by field the texts of JSON that it had then and has no more. */
export interface KnownPast extends Found {
  now: WireRecord | null
  json: StoredJson
  /** Fields that it didn't have then: of an earlier life of its id. */
  absent: readonly string[]
}

/** Which version is asked for: one by its number, or the one of a moment, ISO 8601 in UTC with microseconds. */
export type Moment = { version: number } | { asOf: string }

const UNKNOWN: NoLongerKnown = { outcome: 'unknown', problem: problem('no_longer_known') }
export const NOT_KEPT: NoLongerKnown = {
  outcome: 'unknown',
  problem: problem('no_longer_known', 'Values of earlier versions are not kept for this type.'),
}

/** source, id, version, time, [tenant]: what the log has of that version, and of each field its first change since. */
const pastStatement = (known: KnownType, isRebuilding: boolean) => {
  const texts = `coalesce(p.texts, '{}')`
  const old = `(select pg_catalog.jsonb_object_agg(e.key, e.value) from jsonb_each_text(p.old_row) e)`
  const was = (name: string) => textOf(known, name, `p.was->${quoteText(name)}`)
  const oldText = (name: string) => textOf(known, name, `p.old_row->${quoteText(name)}`)
  const ofRecord = 'c.table_name = $1 and c.record_id = $2 and ($5::text is null or c.tenant_id = $5)'
  return statement(`
with at as materialized (
  select c.version, c.event, ${utcText('c.updated_at')} as updated_at, c.updated_by, c.old_row from noclobber.changes c
  where ${ofRecord} and ($3::bigint is null or c.version = $3) and ($4::timestamptz is null or c.updated_at <= $4)
  order by c.version desc limit 1
), gone as materialized (
  select c.version, c.old_row from at, noclobber.record_changes c
  where ${ofRecord} and c.event = 'deleted' and c.version > at.version order by c.version limit 1
), since as materialized (
  select c.version, c.event, c.changed_values from at left join gone on true, noclobber.changes c
  where ${ofRecord} and c.version > at.version and (gone.version is null or c.version < gone.version)
), first as (
  select distinct on (e.key) e.key, e.value->0 as value from since s, jsonb_each(s.changed_values) e order by e.key, s.version
)
select p.*, ${isRebuilding ? withTexts(known, texts, 'p.was', was) : texts} as texts,
  ${isRebuilding ? withTexts(known, old, 'p.old_row', oldText) : old} as old_texts
from (
  select at.version, at.event, at.updated_at, at.updated_by, at.old_row as own_row, gone.version as deleted_in, gone.old_row,
    coalesce((select pg_catalog.jsonb_object_agg(f.key, f.value) from first f), '{}') as was,
    (select pg_catalog.jsonb_object_agg(f.key, f.value #>> '{}'::text[]) from first f) as texts,
    not exists (select from since s where s.event <> 'updated' or s.changed_values is null) as is_whole
  from at left join gone on true) p`)
}

/** source, id, version, time, [tenant]: whether the log has something of before, and what the first of it did. */
const OLDEST = statement(`
select c.event, exists (select from noclobber.changes b where b.table_name = $1 and b.record_id = $2 and b.version < $3::bigint
  and ($5::text is null or b.tenant_id = $5)) as has_before
from noclobber.changes c where c.table_name = $1 and c.record_id = $2 and ($5::text is null or c.tenant_id = $5)
  and $4::timestamptz is not distinct from $4 order by c.version limit 1`)

const own = (row: Row | null, name: string): unknown =>
  row && Object.hasOwn(row, name) ? row[name] : undefined

/** The fields of a row that the log kept, as the wire shows them. */
export const fieldsOf = (known: KnownType, row: Row, texts: Row): Record<string, unknown> => {
  const fields: Record<string, unknown> = Object.create(null)
  for (const name of known.fieldNames) {
    const column = known.names.columnOf(name)
    fields[name] = toWire(known, name, own(row, column), (own(texts, column) as string | undefined) ?? null)
  }
  hide(fields, known.type.hidden)
  return fields
}

const recordOf = (known: KnownType, id: string, now: WireRecord | null, row: Row): WireRecord => {
  const head = {
    type: known.type.name,
    id,
    version: Number(row.version),
    updated_at: isoUtc(row.updated_at),
    updated_by: normalizedWriter(row.updated_by),
  }
  const fields = row.deleted_in === null ? (now?.fields ?? {}) : fieldsOf(known, row.old_row, row.old_texts)
  const was = known.fieldNames.flatMap((name): [string, unknown][] => {
    const column = known.names.columnOf(name)
    if (!Object.hasOwn(row.was, column)) return []
    return [[name, toWire(known, name, row.was[column], row.texts?.[column] ?? null)]]
  })
  return withAudienceOf(withValues({ ...head, fields }, Object.fromEntries(was)), now ?? {})
}

const absentIn = (known: KnownType, row: Row): string[] =>
  row.deleted_in === null
    ? []
    : known.fieldNames.filter((name) => {
        const column = known.names.columnOf(name)
        return !Object.hasOwn(row.old_row, column) && !Object.hasOwn(row.was, column)
      })

/** Texts of JSON as they were, where numbers in them may be longer than JavaScript can hold. */
const jsonOf = (known: KnownType, row: Row): StoredJson => {
  const texts: Row = { ...row.old_texts, ...row.texts }
  return new Map(
    known.fieldNames.flatMap((name): [string, string][] => {
      const text = own(texts, known.names.columnOf(name))
      return /^jsonb?$/.test(known.columns.get(name)?.type ?? '') && typeof text === 'string'
        ? [[name, text]]
        : []
    }),
  )
}

/** Whether it is the record as it is now. */
const isCurrent = (now: WireRecord, moment: Moment): boolean =>
  'version' in moment ? moment.version === now.version : moment.asOf >= now.updated_at

/** The version of a record that the caller may read now, or could read when it was deleted. */
export const pastOf = async (
  database: Database,
  target: Target,
  now: WireRecord | null,
  moment: Moment,
): Promise<KnownPast | Exclude<PastOutcome, FoundPast>> => {
  const { known, actor, id, transaction } = target
  if (now && isCurrent(now, moment))
    return { outcome: 'found', record: now, now, json: new Map(), absent: [] }
  if (now && 'version' in moment && moment.version > now.version) return MISSING
  if (known.type.history !== 'values') return NOT_KEPT
  const asked = [
    ...[known.source, id, 'version' in moment ? moment.version : null],
    ...['asOf' in moment ? moment.asOf : null, known.tenantColumn ? actor.tenantId : null],
  ]
  const [row] = await readLogged(database, known, pastStatement, asked, transaction)
  if (!row) {
    const [oldest] = await database.send(OLDEST, asked, transaction)
    // A number that was left out, or a time before the record was there.
    return oldest?.has_before || ('asOf' in moment && oldest?.event === 'created') ? MISSING : UNKNOWN
  }
  if (row.event === 'deleted') {
    const version = Number(row.version)
    const was = recordFromOldRow(known, { id, version: version - 1, oldRow: row.own_row })
    await setGoneAudience(database.send, known, [{ id, version, record: was }])
    if (!known.mayReadDeleted(actor, was)) return UNKNOWN
    const by = normalizedWriter(row.updated_by)
    return { outcome: 'gone', problem: deletedProblem(version, isoUtc(row.updated_at), by) }
  }
  if (!row.is_whole || (row.deleted_in === null ? !now : !row.old_row)) return UNKNOWN
  const record = recordOf(known, id, now, row)
  if (row.deleted_in !== null)
    await setGoneAudience(database.send, known, [{ id, version: Number(row.deleted_in), record }])
  const mayRead = row.deleted_in === null ? known.mayRead : known.mayReadDeleted
  const version = { id, version: Number(row.version) }
  const send: typeof database.send = (query, values) => database.send(query, values, transaction)
  const seen = await seenThen(send, known, rowAsJson(known, 'w.id'), [version])
  if (seen && !seen(version).after) return UNKNOWN
  if (!mayRead(actor, record)) return UNKNOWN
  return { outcome: 'found', record, now, json: jsonOf(known, row), absent: absentIn(known, row) }
}

/** The record as it was at a version, or at a moment. */
export const readPast = async (shared: Database, request: Request, moment: Moment): Promise<PastOutcome> => {
  const database = shared.forActor(request.actor)
  const target = await targetOf(database, request)
  if (!target) return MISSING
  const now = await readRow(database, target)
  if (now && !target.known.type.can(request.actor, 'read', now)) return MISSING
  if (!now) {
    const gone = await goneOrMissing(database, target)
    if (gone.outcome === 'missing') return gone
    const { version, updated_at } = gone.problem
    if ('version' in moment ? moment.version === version : moment.asOf >= updated_at) return gone
  }
  const past = await pastOf(database, target, now, moment)
  return past.outcome === 'found'
    ? { outcome: 'found', record: past.record, writable: writableBy(target.known, request.actor, now) }
    : past
}
