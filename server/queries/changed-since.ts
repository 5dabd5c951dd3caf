// How many records of a type have changed since a position, for one person: a record counts once, whatever became of it.
// Invariant: no record counts that they may not read as it is now, or could not read when it was deleted; nor one that only they
// themselves have changed. Where permission depends on the record, `judgedRows` records are looked at, as for a list's count; beyond
// that the answer is `null`.

import type { Actor } from '../base/record-type.ts'
import { staticPermission } from '../base/static-permission.ts'
import type { Cursor } from '../log/cursor.ts'
import { CHANGED_RECORDS } from '../log/log-sql.ts'
import { isReadable, presentCursor } from '../log/read-log.ts'
import type { ChangedCount, CountedType } from '../protocol/index.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { canonicalId } from '../tables/record-id.ts'
import { changesOf } from '../tables/tenant.ts'
import { knowable } from './list-delta.ts'

/** Records whose permission is checked at a time. */
const PART = 200

/** How many of these records the person may know of; one more than `most` where there are more. */
const countKnowable = async (
  database: Database,
  known: KnownType,
  actor: Actor,
  ids: string[],
  most: number,
  gone: AbortSignal,
): Promise<number> => {
  let count = 0
  for (let at = 0; at < ids.length && count <= most; at += PART) {
    gone.throwIfAborted()
    count += (await knowable(database, known, actor, ids.slice(at, at + PART), gone)).size
  }
  return count
}

const countOf = async (
  shared: Database,
  known: KnownType,
  actor: Actor,
  cursor: Cursor | 'unreadable' | null,
  wanted: number,
  gone: AbortSignal,
): Promise<ChangedCount> => {
  const { name: type, hidden } = known.type
  const answer = (count: number | null, here: Cursor, more: Pick<ChangedCount, 'more' | 'reset'> = {}) => ({
    type,
    count,
    cursor: shared.cursors.encode(here),
    ...more,
  })
  const now = await presentCursor(shared)
  if (cursor === null) return answer(0, now)
  if (cursor === 'unreadable' || cursor.epoch !== now.epoch) return answer(0, now, { reset: true })
  const verdict = staticPermission(known.type, actor, 'read')
  const most = verdict === null ? Math.max(wanted, shared.limits.judgedRows) : wanted
  const { sources, tenants } = changesOf([known], actor)
  const unseen = hidden.map(known.names.columnOf)
  const values = [cursor.snapshot, most + 1, actor.id, unseen, sources, tenants]
  const rows = await shared.send(CHANGED_RECORDS, values)
  const here: Cursor = { epoch: rows[0]?.epoch, snapshot: rows[0]?.snapshot }
  if (here.epoch !== cursor.epoch) return answer(0, here, { reset: true })
  if (!(await isReadable(shared, cursor))) return answer(null, here)
  if (verdict === false) return answer(0, here)
  const ids = rows.flatMap(({ id }) => (id !== null && canonicalId(known.key.kind, id) !== null ? [id] : []))
  const count = await countKnowable(shared.forActor(actor), known, actor, ids, wanted, gone)
  if (count > wanted) return answer(wanted, here, { more: true })
  return answer(ids.length > most ? null : count, here)
}

/** Counts each of the types, in their order. */
export const countChanged = async (
  shared: Database,
  actor: Actor,
  since: readonly CountedType[],
  most: number,
  gone: AbortSignal,
): Promise<ChangedCount[]> => {
  const database = shared.forActor(actor)
  await database.ready(undefined, actor.tenantId)
  const counts: ChangedCount[] = []
  for (const { type, cursor: sent } of since) {
    gone.throwIfAborted()
    const known = database.typeOf(type, actor.tenantId)?.forActor(actor)
    if (!known) {
      counts.push({ type, count: null, cursor: null })
      continue
    }
    const cursor = sent === undefined ? null : (shared.cursors.decode(sent) ?? 'unreadable')
    counts.push(await countOf(shared, known, actor, cursor, most, gone))
  }
  return counts
}
