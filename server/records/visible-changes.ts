// Which changes a person may learn of: decided by the record as it is now; of a record that is gone, as it was when it
// was deleted. Invariant: a change whose record can't be read any more is shown to nobody. Where permission doesn't
// depend on the record, none is read; else rows are read in small parts, and none is kept but where values are shown.

import { setGoneAudience } from '../audience/gone-audience.ts'
import type { Action, Actor, PermissionRecord } from '../base/record-type.ts'
import { staticPermission } from '../base/static-permission.ts'
import type { Change } from '../log/log-reader.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { recordFromOldRow } from '../tables/read-records.ts'
import { canonicalId } from '../tables/record-id.ts'
import { tenantParameter } from '../tables/tenant.ts'
import { authorizeByIds, readById } from './authorization-rows.ts'
import type { WantedValues } from './history-values.ts'
import { readTombstones } from './read.ts'

/** A change of a declared type. */
export interface TypedChange {
  change: Change
  known: KnownType
}

/** A change that the caller may see, with what decides which of its values are shown. */
export type VisibleChange<Entry extends TypedChange> = WantedValues & { entry: Entry }

/** The records of one type that may be read, as they are now. */
const readableNow = async (
  database: Database,
  known: KnownType,
  actor: Actor,
  ids: string[],
  gone: AbortSignal,
): Promise<Map<string, PermissionRecord>> => {
  const readable = new Map<string, PermissionRecord>()
  const there = new Set<string>()
  const bare = (id: string, version: number) => ({ type: known.type.name, id, version, fields: {} })
  if (staticPermission(known.type, actor, 'read') === true) {
    const values = [ids, ...tenantParameter(known, actor)]
    for (const row of await database.send(known.versions.readVersions, values)) {
      there.add(row.noclobber_id)
      readable.set(row.noclobber_id, bare(row.noclobber_id, Number(row.noclobber_version)))
    }
  } else if (known.type.history === 'values') {
    await readById(database, known, actor, ids, { isLean: false, gone }, (rows) => {
      for (const row of rows) {
        const record = known.sql.toRecord(row)
        there.add(record.id)
        if (known.mayRead(actor, record)) readable.set(record.id, record)
      }
    })
  } else {
    for (const [id, { record, allowed }] of await authorizeByIds(database, known, actor, ids, { gone })) {
      there.add(id)
      if (allowed.includes('read' satisfies Action)) readable.set(id, bare(id, record.version))
    }
  }
  const missing = ids.filter((id) => !there.has(id))
  if (missing.length > 0) {
    const tombstones = await readTombstones(database, { known, actor, transaction: undefined }, missing)
    for (const [id, { record }] of tombstones) readable.set(id, record)
  }
  return readable
}

/** Those of the changes that the person may learn of, in their order. */
export const visibleTo = async <Entry extends TypedChange>(
  database: Database,
  actor: Actor,
  changes: Entry[],
  signal: AbortSignal,
): Promise<VisibleChange<Entry>[]> => {
  const ids = new Map<KnownType, Set<string>>()
  for (const { change, known } of changes) {
    if (change.event === 'deleted' || canonicalId(known.key.kind, change.id) === null) continue
    ids.set(known, (ids.get(known) ?? new Set<string>()).add(change.id))
  }
  const rows = new Map<KnownType, Map<string, PermissionRecord>>()
  for (const [known, wanted] of ids)
    if (staticPermission(known.type, actor, 'read') !== false)
      rows.set(known, await readableNow(database, known, actor, [...wanted], signal))
  const gone = new Map<Entry, PermissionRecord>()
  for (const entry of changes)
    if (entry.change.event === 'deleted') gone.set(entry, recordFromOldRow(entry.known, entry.change))
  for (const known of new Set([...gone.keys()].map((entry) => entry.known)))
    await setGoneAudience(
      database.send,
      known,
      [...gone].flatMap(
        ([
          {
            change: { id, version },
            known: own,
          },
          record,
        ]) => (own === known ? { id, version, record } : []),
      ),
    )
  return changes.flatMap((entry) => {
    const { change, known } = entry
    const { id, version } = change
    if (change.event !== 'deleted') {
      const now = rows.get(known)?.get(id)
      return now ? { entry, known, id, version, now } : []
    }
    const now = gone.get(entry) as PermissionRecord
    return known.mayReadDeleted(actor, now) ? { entry, known, id, version, now } : []
  })
}
