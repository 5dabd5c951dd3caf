// After the commit of a save that sent its change set: publishes the change for early delivery, and checks the change set.
// Invariant: nothing here can fail the save, which is committed.

import type { Change } from '../log/log-reader.ts'
import type { WireRecord } from '../protocol/index.ts'
import type { Database } from '../tables/database.ts'
import { tenantOf } from '../tables/tenant.ts'
import { changesNothingElse, readChangeSet } from '../tables/writer-context.ts'
import type { WriteOptions } from './idempotency.ts'
import type { Target } from './read.ts'

/** A record that nobody else changed for so long counts as edited by one person, in milliseconds. */
const ALONE_MS = 2_000

const isLater = (one: string, other: string) => Date.parse(one) - Date.parse(other) > ALONE_MS

interface Saved extends Pick<WriteOptions, 'tabId' | 'socketId'> {
  clientVersion: number
  /** The columns that it set. */
  columns: string[]
  /** As {@link readChangeSet} takes it. */
  changeSet: string
}

/**
 * Publishes the change to this node's watchers before the feed reads it; the feed skips it then. Where the record differs in
 * more than the columns that were set, a trigger has been added to the table: its saves send no change sets any more.
 */
export const deliverOnSave = (
  database: Database,
  { known, actor }: Target,
  record: WireRecord,
  { clientVersion, columns, changeSet, tabId, socketId }: Saved,
): void => {
  const { recordCache, savedChanges, log } = database
  const tenantId = tenantOf(known, actor)
  const before = recordCache.get(tenantId, record.type, record.id, clientVersion)
  if (before && !changesNothingElse(before, record, columns)) {
    known.stopPrecomputing()
    log.warn(
      { table: known.source },
      'A trigger was added to this table: from now on the database compares its saves itself.',
    )
    return
  }
  const { scopes, changedFields } = readChangeSet(changeSet)
  if (changedFields.length === 0) return
  const change: Change = {
    xid: '',
    seq: '',
    source: known.source,
    id: record.id,
    version: record.version,
    event: 'updated',
    tenantId: known.tenantColumn ? tenantId : null,
    changedFields,
    scopes,
    updatedAt: record.updated_at,
    updatedBy: record.updated_by,
    tabId: tabId ?? null,
    socketId: socketId ?? null,
    importId: null,
    restoredFrom: null,
    oldRow: null,
  }
  try {
    const seen = recordCache.seen(tenantId, record.type, record.id, clientVersion)
    const isAlone = seen !== undefined && isLater(record.updated_at, seen.updated_at)
    savedChanges.publish({ change, row: record, isAlone })
  } catch (error) {
    log.error(
      { err: error, table: known.source },
      'A save could not be delivered early; the feed delivers it.',
    )
  }
}
