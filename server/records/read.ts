// Reading one record, its version, its history; and what to say where it isn't.
// Invariant: the response for what may not be read is that for what isn't there.

import type { Knex } from 'knex'
import { setGoneAudience } from '../audience/gone-audience.ts'
import type { Gone, HistoryOutcome, Missing, ReadOutcome, VersionOutcome } from '../base/outcomes.ts'
import { MISSING } from '../base/outcomes.ts'
import { deletedProblem } from '../base/problems.ts'
import type { Actor, PermissionRecord } from '../base/record-type.ts'
import { staticPermission } from '../base/static-permission.ts'
import { isoUtc, utcText } from '../db/iso-time.ts'
import { statement } from '../db/statement.ts'
import { normalizedWriter } from '../log/stored-writer.ts'
import type { WireHistoryEntry, WireRecord, Writer } from '../protocol/index.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { recordFromOldRow } from '../tables/read-records.ts'
import { canonicalId } from '../tables/record-id.ts'
import { SMALL_BYTES, sendSized } from '../tables/sized-query.ts'
import { tenantOf, tenantParameter } from '../tables/tenant.ts'
import { type Current, currentOf } from '../tables/version-sql.ts'
import { batchedVersions } from './batched-reads.ts'
import { type ValuesBudget, valuesWithin } from './history-values.ts'
import { writableBy } from './parents.ts'

/** Who asks for which record. */
export interface Request {
  actor: Actor
  type: string
  id: string
  transaction?: Knex.Transaction | undefined
}

/** A request whose type is declared and whose id can be a key. */
export interface Target {
  known: KnownType
  actor: Actor
  id: string
  transaction: Knex.Transaction | undefined
}

/** Resolves names; `null` for an undeclared type or a text that can't be a key. */
export const targetOf = async (database: Database, request: Request): Promise<Target | null> => {
  const known = await database.typeFor(request.type, request.transaction, request.actor)
  const id = known && canonicalId(known.key.kind, request.id)
  return known && id !== null && id !== undefined
    ? { known, actor: request.actor, id, transaction: request.transaction }
    : null
}

/** The record as it is now, without a check of permission; `null` if it isn't in the caller's tenant. */
export const readRow = async (database: Database, target: Target): Promise<WireRecord | null> => {
  const { known, actor, id, transaction } = target
  const isSince = database.recordCache.mark()
  const [row] = await database.send(known.sql.read, [id, ...tenantParameter(known, actor)], transaction)
  if (!row) return null
  const record = known.sql.toRecord(row)
  if (!transaction) database.recordCache.put(tenantOf(known, actor), record, isSince)
  return record
}

/** A deletion that the caller may know of. */
export interface Tombstone {
  version: number
  updatedAt: string
  updatedBy: Writer | null
  /** The record that is gone, as version 0; with its fields where its type shows values. */
  record: PermissionRecord
}

/** The deletions of records that are gone, by id, as far as the caller could read them. */
export const readTombstones = async (
  database: Database,
  { known, actor, transaction }: Omit<Target, 'id'>,
  ids: string[],
): Promise<Map<string, Tombstone>> => {
  const tombstones = new Map<string, Tombstone>()
  const text = known.versions.readTombstones
  for (let left = new Set(ids); left.size > 0; ) {
    const values = [[...left], ...tenantParameter(known, actor)]
    const limit = { bytes: SMALL_BYTES }
    const { rows, isCut } = await sendSized(database, { text, values }, limit, transaction)
    const deletions = rows.map(({ noclobber_id: id, version, old_row: oldRow }) => ({
      id,
      version: Number(version),
      record: recordFromOldRow(known, { id, version: Number(version) - 1, oldRow }),
    }))
    await setGoneAudience((query, values) => database.send(query, values, transaction), known, deletions)
    for (const [at, { noclobber_id: id, updated_at, updated_by }] of rows.entries()) {
      left.delete(id)
      const { version, record: was } = deletions[at] as (typeof deletions)[number]
      if (!known.mayReadDeleted(actor, was)) continue
      const record = { ...was, version: 0, fields: known.type.history === 'values' ? was.fields : {} }
      tombstones.set(id, {
        version,
        updatedAt: isoUtc(updated_at),
        updatedBy: normalizedWriter(updated_by),
        record,
      })
    }
    if (!isCut) left = new Set()
  }
  return tombstones
}

/** The deletion of a record that isn't there any more, for those who could read it. */
const readTombstone = async (database: Database, target: Target): Promise<Tombstone | null> =>
  (await readTombstones(database, target, [target.id])).get(target.id) ?? null

/** What to say of a record that isn't there: 410 for those who could read it, else 404. */
export const goneOrMissing = async (database: Database, target: Target): Promise<Gone | Missing> => {
  const tombstone = await readTombstone(database, target)
  if (!tombstone) return MISSING
  return {
    outcome: 'gone',
    problem: deletedProblem(tombstone.version, tombstone.updatedAt, tombstone.updatedBy),
  }
}

/** The record as it is now. */
export const readRecord = async (shared: Database, request: Request): Promise<ReadOutcome> => {
  const database = shared.forActor(request.actor)
  const target = await targetOf(database, request)
  if (!target) return MISSING
  const record = await readRow(database, target)
  if (!record) return goneOrMissing(database, target)
  return target.known.type.can(request.actor, 'read', record) ? { outcome: 'found', record } : MISSING
}

/** In a caller's transaction by itself, else batched with other requests of the same moment. */
const readOneVersion = async (
  database: Database,
  { known, actor, id, transaction }: Target,
): Promise<Current | undefined> => {
  if (!transaction) return (await batchedVersions(database)(known, tenantOf(known, actor), [id])).get(id)
  const values = [[id], ...tenantParameter(known, actor)]
  const [row] = await database.send(known.versions.readVersions, values, transaction)
  return row && currentOf(row)
}

/** The record's version alone; a deleted record's is that of its deletion. */
export const readVersion = async (shared: Database, request: Request): Promise<VersionOutcome> => {
  const database = shared.forActor(request.actor)
  const target = await targetOf(database, request)
  if (!target) return MISSING
  const { known, actor, id } = target
  const isStill = database.recordCache.mark()
  const current = await readOneVersion(database, target)
  if (!current) {
    const tombstone = await readTombstone(database, target)
    if (!tombstone) return MISSING
    return {
      outcome: 'found',
      version: {
        version: tombstone.version,
        updated_at: tombstone.updatedAt,
        updated_by_name: tombstone.updatedBy?.name ?? null,
        deleted: true,
      },
    }
  }
  const { version, updated_at, updated_by } = current
  if (staticPermission(known.type, actor, 'read') !== true) {
    const seen = database.recordCache.get(tenantOf(known, actor), known.type.name, id, version)
    const record = isStill() && seen ? seen : await readRow(database, target)
    if (!record || !known.type.can(actor, 'read', record)) return MISSING
  }
  return {
    outcome: 'found',
    version: {
      version,
      updated_at,
      updated_by_name: updated_by?.name ?? null,
      deleted: false,
    },
  }
}

/**
 * source, id, version before, tenant, rows, unseen fields. Who proposed what a version saved: a proposal that its writer accepted with it, and
 * not one of what the record had already.
 */
const HISTORY = statement(`
select h.version, h.event, ${utcText('h.updated_at')} as updated_at, h.updated_by, h.changed_fields, h.restored_from, p.proposed_by
from (
  select c.version, c.event, c.updated_at, c.updated_by, c.changed_fields, c.restored_from from noclobber.changes c
  where c.table_name = $1 and c.record_id = $2 and c.version < $3 and ($4::text is null or c.tenant_id = $4)
  order by c.version desc limit $5) h
left join lateral (
  select p.proposed_by from noclobber.proposals p
  where p.table_name = $1 and p.record_id = $2 and p.tenant_id is not distinct from $4 and p.accepted_version = h.version
    and p.decided_by->>'id'::text = h.updated_by->>'id'::text and p.decided_at between h.updated_at and h.updated_at + interval '1 minute'
    and not (p.changes ?| $6::text[]) limit 1) p on true
order by h.version desc`)

/** The record's changes, newest first, as far back as the log reaches. Fields that the type doesn't declare stay unnamed. */
export const readHistory = async (
  shared: Database,
  request: Request,
  { limit = 50, before = Number.MAX_SAFE_INTEGER }: { limit?: number; before?: number } = {},
  budget?: ValuesBudget,
): Promise<HistoryOutcome> => {
  const database = shared.forActor(request.actor)
  const target = await targetOf(database, request)
  if (!target) return MISSING
  const { known, actor, id } = target
  const record = await readRow(database, target)
  const readable = record
    ? known.type.can(actor, 'read', record)
    : (await readTombstone(database, target)) !== null
  if (!readable) return MISSING
  const tenant = known.tenantColumn ? actor.tenantId : null
  const asked = [known.source, id, before, tenant, limit + 1, known.type.hidden]
  const rows = await database.send(HISTORY, asked, target.transaction)
  const now = record ?? { type: known.type.name, id, version: 0, fields: {} }
  const wanted = rows.slice(0, limit).map((row) => ({ known, id, version: Number(row.version), now }))
  const { values, count } = await valuesWithin(database, actor, wanted, budget, target.transaction)
  const entries = rows.slice(0, count).map((row, at): WireHistoryEntry => {
    const shown = values.get(wanted[at] as (typeof wanted)[number])
    const proposer = normalizedWriter(row.proposed_by)
    return {
      version: Number(row.version),
      event: row.event,
      updated_at: isoUtc(row.updated_at),
      updated_by: normalizedWriter(row.updated_by),
      changed_fields: (row.changed_fields as string[])
        .map(known.names.fieldOf)
        .filter((name) => known.changeNames.includes(name)),
      ...(row.restored_from !== null && { restored_from: Number(row.restored_from) }),
      ...(proposer && { proposed_by: proposer }),
      ...(shown && { values: shown }),
    }
  })
  const next = rows.length > count ? String(entries.at(-1)?.version) : null
  return { outcome: 'found', entries, next, writable: writableBy(known, actor, record) }
}
