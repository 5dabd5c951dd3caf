// Which records of a bulk edit may be tried, and what to say of the others, with a fixed number of queries.
// Invariant: what is read here decides only who may try and what to say; the UPDATE's own guard decides what is saved.

import type { Knex } from 'knex'
import type { Actor } from '../base/record-type.ts'
import type { BulkEntry } from '../protocol/bulk-and-import.ts'
import type { WireRecord } from '../protocol/index.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { namesParent } from '../tables/part-sql.ts'
import { canonicalId } from '../tables/record-id.ts'
import { sendSized } from '../tables/sized-query.ts'
import { tenantParameter } from '../tables/tenant.ts'
import { authorizeByIds } from './authorization-rows.ts'
import type { WriteVerdict } from './idempotency.ts'
import { areParentsThere, asksParents, parentMissing, readAuthorizedParts } from './parents.ts'
import { readTombstones, type Tombstone } from './read.ts'
import { CHANGED_SINCE_OF_MANY } from './save-many-sql.ts'
import { sameness } from './since-version.ts'

/** Who edits what. */
export interface BulkAsked {
  known: KnownType
  actor: Actor
  transaction: Knex.Transaction | undefined
  /** What each of them is to get: it may name another parent. */
  values: Record<string, unknown>
}

interface Target {
  id: string
  clientVersion: number
}

/** Records that this person may save, and an entry for each of the rest. */
export interface AuthorizedTargets {
  /** At their editor's version. */
  ready: Omit<WireRecord, 'fields'>[]
  /** At a later one, with the values that they are to get. */
  same: Omit<WireRecord, 'fields'>[]
  refused: BulkEntry[]
}

type Stale = Extract<BulkEntry, { outcome: 'stale_record' }>

/** Names what was changed meanwhile, where the log still holds every version. */
const nameChanges = async (database: Database, { known, actor, transaction }: BulkAsked, stale: Stale[]) => {
  const newer = stale.filter((entry) => entry.current_version > entry.client_version)
  if (newer.length === 0) return
  const rows = await database.send(
    CHANGED_SINCE_OF_MANY,
    [
      known.source,
      newer.map(({ id }) => id),
      newer.map(({ client_version }) => client_version),
      newer.map(({ current_version }) => current_version),
      known.tenantColumn ? actor.tenantId : null,
    ],
    transaction,
  )
  const found = new Map(rows.map((row) => [row.id as string, row]))
  for (const entry of newer) {
    const row = found.get(entry.id)
    const isWhole = row?.plain && Number(row.versions) === entry.current_version - entry.client_version
    const names = new Set((row?.names ?? []).map(known.names.fieldOf))
    if (isWhole) entry.changed_fields = known.changeNames.filter((name) => names.has(name))
  }
}

/** What is to be said of records that aren't there: who deleted them, for those who could read them. */
const tombstonesOf = async (
  database: Database,
  asked: BulkAsked,
  ids: string[],
): Promise<Map<string, BulkEntry>> => {
  const found = ids.length > 0 ? await readTombstones(database, asked, ids) : new Map<string, Tombstone>()
  return new Map(
    Array.from(found, ([id, { version, updatedAt: updated_at, updatedBy: updated_by }]) => [
      id,
      { id, outcome: 'deleted', version, updated_at, updated_by },
    ]),
  )
}

/** Shows the records that are newer, as many as the answer has room for; they are authorized as they are shown. */
const showCurrent = async (database: Database, { known, actor, transaction }: BulkAsked, stale: Stale[]) => {
  const byId = new Map(stale.map((entry) => [entry.id, entry]))
  if (byId.size === 0) return
  const query = { text: known.sql.shownByIds, values: [[...byId.keys()], ...tenantParameter(known, actor)] }
  const limit = { bytes: database.limits.pageBytes }
  for (const row of (await sendSized(database, query, limit, transaction)).rows) {
    const current = known.sql.toRecord(row)
    const entry = byId.get(current.id)
    if (!entry || !known.mayRead(actor, current)) continue
    const { version, updated_at, updated_by } = current
    Object.assign(entry, { current_version: version, updated_at, updated_by, current })
  }
}

/** Looks at every record once. An id that can't be a key is as good as one that isn't there. */
export const authorizeMany = async (
  database: Database,
  asked: BulkAsked,
  targets: Target[],
): Promise<AuthorizedTargets> => {
  const { known, actor, transaction } = asked
  const ids = targets.map(({ id }) => id).filter((id) => canonicalId(known.key.kind, id) !== null)
  const records = await authorizeByIds(database, known, actor, ids, {
    actions: ['read', 'update'],
    transaction,
  })
  const gone = await tombstonesOf(
    database,
    asked,
    ids.filter((id) => !records.has(id)),
  )
  const parts = asksParents(known, actor, 'update')
    ? await readAuthorizedParts(
        database,
        { ...asked, isLocking: false },
        { action: 'update', ids, values: asked.values },
      )
    : null
  const authorized: AuthorizedTargets = { ready: [], same: [], refused: [] }
  const stale: Stale[] = []
  const isAllowed = (id: string) =>
    parts ? parts.parts.get(id)?.isAllowed : records.get(id)?.allowed.includes('update')
  const newer = targets.flatMap(({ id, clientVersion }) => {
    const { record, allowed = [] } = records.get(id) ?? {}
    return record && record.version > clientVersion && allowed.includes('read') && isAllowed(id) ? record : []
  })
  const { same } = await sameness(database, asked, newer, asked.values)
  for (const { id, clientVersion } of targets) {
    const { record, allowed = [] } = records.get(id) ?? {}
    if (!record) authorized.refused.push(gone.get(id) ?? { id, outcome: 'not_found' })
    else if (!allowed.includes('read')) authorized.refused.push({ id, outcome: 'not_found' })
    else if (!isAllowed(id)) authorized.refused.push({ id, outcome: 'forbidden' })
    else if (record.version === clientVersion) authorized.ready.push(record)
    else if (same.has(id)) authorized.same.push(record)
    else {
      const { version, updated_at, updated_by } = record
      const entry: Stale = {
        id,
        outcome: 'stale_record',
        client_version: clientVersion,
        current_version: version,
        changed_fields: null,
        updated_at,
        updated_by,
        current: null,
      }
      stale.push(entry)
      authorized.refused.push(entry)
    }
  }
  await showCurrent(database, asked, stale)
  await nameChanges(database, asked, stale)
  return authorized
}

/**
 * Authorizes parts, if that depends on what they are parts of or the changes name another parent, right before they are written.
 * A part that doesn't pass is authorized by itself in the next round.
 */
export const authorizeTargets = (
  database: Database,
  { known, actor }: { known: KnownType; actor: Actor },
  targets: Omit<WireRecord, 'fields'>[],
  values: Record<string, unknown>,
) => {
  const isAsking = asksParents(known, actor, 'update')
  if (!isAsking && !(known.part && namesParent(known.part, Object.keys(values)))) return undefined
  return async (transaction: Knex.Transaction): Promise<WriteVerdict> => {
    const ids = targets.map(({ id }) => id)
    if (!isAsking)
      return (await areParentsThere(database, { known, actor, transaction }, ids, values))
        ? 'allowed'
        : parentMissing(known)
    const asking = { known, actor, transaction, isLocking: true }
    const authorized = await readAuthorizedParts(database, asking, { action: 'update', ids, values })
    if (authorized.isParentMissing) return parentMissing(known)
    const isReady = ({ id, version }: Omit<WireRecord, 'fields'>) => {
      const part = authorized.parts.get(id)
      return part?.version === version && part.isReadable && part.isAllowed
    }
    return targets.every(isReady) ? 'allowed' : 'changed'
  }
}
