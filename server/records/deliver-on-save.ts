// What is done with a save that vouched for its change, once it is committed: it is told at once, and checked.
// Invariant: nothing here can fail the save, which stands.

import type { Change } from '../log/log-reader.ts'
import type { WireRecord } from '../protocol/index.ts'
import type { Database } from '../tables/database.ts'
import { tenantOf } from '../tables/tenant.ts'
import { isAsTold, readTold } from '../tables/writer-context.ts'
import type { WriteOptions } from './idempotency.ts'
import type { Target } from './read.ts'

/** For so long nobody else's change of a record may have been under way, in milliseconds. */
const ALONE_MS = 2_000

const isLater = (one: string, other: string) => Date.parse(one) - Date.parse(other) > ALONE_MS

interface Saved extends WriteOptions {
  clientVersion: number
  /** The columns that it set. */
  columns: string[]
  told: string
}

/**
 * Tells the watchers on this node before the feed has read the change; the feed goes by it then. And notices where the
 * record differs in more than what was set: then a trigger has come to the table, and its saves vouch no more.
 */
export const passOn = (
  database: Database,
  { known, actor }: Target,
  record: WireRecord,
  { clientVersion, columns, told, tabId, socketId }: Saved,
): void => {
  const { seen, savedChanges, log } = database
  const tenantId = tenantOf(known, actor)
  const before = seen.get(tenantId, record.type, record.id, clientVersion)
  if (before && !isAsTold(before, record, columns)) {
    known.stopPrecomputing()
    log.warn({ table: known.source }, 'A trigger has come to this table: its saves are compared from now on.')
    return
  }
  const { scopes, changedFields } = readTold(told)
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
    oldRow: null,
  }
  try {
    const isAlone = before !== undefined && isLater(record.updated_at, before.updated_at)
    savedChanges.publish({ change, row: record, isAlone })
  } catch (error) {
    log.error({ error, table: known.source }, 'A save could not be told at once; the feed tells it.')
  }
}
