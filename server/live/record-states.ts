// How the records that a watcher asks for stand: their versions, as far as the watcher's actor may read them.
// Invariant: what may not be read gives the same as what is not there.
import type { Actor, PermissionRecord } from '../base/record-type.ts'
import { staticPermission } from '../base/static-permission.ts'
import type { WatchedRecord } from '../protocol/index.ts'
import { batchedRows, batchedVersions } from '../records/batched-reads.ts'
import { readTombstones } from '../records/read.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { tenantOf } from '../tables/tenant.ts'
import type { Current } from '../tables/version-sql.ts'
import type { Watcher } from './watchers.ts'

/** A record that may be read, or could be before it was deleted. */
export type RecordState = Pick<
  Extract<WatchedRecord, { ok: true }>,
  'version' | 'updated_at' | 'updated_by' | 'deleted' | 'rights'
>

/** `null` where the actor may not read the record, `undefined` where it isn't there. */
type Standing = Current | null | undefined

/** How a record that is there stands for this actor. */
const standingFor = (
  actor: Actor,
  known: KnownType,
  { current, row }: { current: Current; row: PermissionRecord },
) => (known.mayRead(actor, row) ? current : null)

/** Reads how the records stand, by one query for all who ask at the moment. */
const readStandings = async (
  database: Database,
  known: KnownType,
  watcher: Watcher,
  ids: string[],
): Promise<(id: string) => Standing> => {
  const { actor } = watcher.data
  const permission = () => staticPermission(known.type, watcher.data.actor, 'read')
  const tenantId = tenantOf(known, actor)
  const isAllowed = permission()
  if (isAllowed === false) return () => null
  if (isAllowed === null) {
    const found = await batchedRows(database)(known, tenantId, ids)
    // The rows are those of a session that the actor, who may be another one by now, must still have.
    if (database.forActor(watcher.data.actor) !== database) return () => null
    return (id) => {
      const now = found.get(id)
      return now && standingFor(watcher.data.actor, known, now)
    }
  }
  const current = await batchedVersions(database)(known, tenantId, ids)
  // The actor may have become another one while the query ran.
  if (watcher.data.actor !== actor && permission() !== true) return () => null
  return (id) => current.get(id)
}

/** The records' states by their canonical ids, without those that may not be read or were never there. */
export const readStates = async (
  shared: Database,
  known: KnownType,
  watcher: Watcher,
  ids: string[],
): Promise<Map<string, RecordState>> => {
  const database = shared.forActor(watcher.data.actor)
  const states = new Map<string, RecordState>()
  const gone: string[] = []
  const standingOf = await readStandings(database, known, watcher, ids)
  const { rights } = known.forActor(watcher.data.actor)
  for (const id of ids) {
    const standing = standingOf(id)
    if (standing === undefined) gone.push(id)
    if (!standing) continue
    const { version, updated_at, updated_by } = standing
    states.set(id, { version, updated_at, updated_by, deleted: false, ...(rights !== null && { rights }) })
  }
  if (gone.length === 0) return states
  const { actor } = watcher.data
  const tombstones = await readTombstones(database, { known, actor, transaction: undefined }, gone)
  for (const [id, { version, updatedAt, updatedBy }] of tombstones)
    states.set(id, { version, updated_at: updatedAt, updated_by: updatedBy, deleted: true })
  return states
}
