// Has a list of records for an audience changed for one person since a cursor: by a change of a record that is for them, or was before
// it, or because they have joined or left? Invariant: what is for others alone, and who joins or leaves besides, changes nothing of it.
import { quoteText } from '../../migrations/quote.ts'
import type { Audience } from '../audience/audience.ts'
import { personIdOf } from '../base/normalized-actor.ts'
import type { Actor } from '../base/record-type.ts'
import { statement } from '../db/statement.ts'
import type { Cursor } from '../log/cursor.ts'
import { overAt } from '../log/log-sql.ts'
import type { Database, KnownType } from '../tables/database.ts'

const SINCE = `(c.xid >= pg_snapshot_xmax($1::pg_snapshot) or c.xid = any(${overAt('pg_current_snapshot()')}))`

/** snapshot, user, tenant */
const joinedOrLeft = ({ source, concerns }: Audience) =>
  `exists (select from noclobber.changes c where ${SINCE} and c.table_name = ${quoteText(source)} and ${concerns('$2', '$3')})`

/** Have they joined or left since? Then records have come or gone without a change of theirs. */
export const hasJoinedOrLeft = async (
  database: Database,
  { audience }: KnownType,
  actor: Actor,
  { snapshot }: Cursor,
): Promise<boolean> => {
  if (!audience) return false
  const text = `select ${joinedOrLeft(audience)} as changed`
  const [row] = await database.send(statement(text), [snapshot, personIdOf(actor), actor.tenantId])
  return row?.changed === true
}

/** The same, or a record that is theirs, or was before, has changed. */
export const isChangedFor = async (
  database: Database,
  { audience, source, tenantColumn }: KnownType,
  actor: Actor,
  { snapshot }: Cursor,
): Promise<boolean> => {
  if (!audience) return true
  const { by } = audience
  const isOf = by.isKey ? 'c.record_id = a.id' : `c.scopes->${quoteText(by.column)} ? a.id`
  const text = `with a as materialized (select ${audience.refers} as id from ${audience.table} m where ${audience.named} = $4::text)
    select ${joinedOrLeft(audience)} or exists (
      select from noclobber.changes c join a on ${isOf} where ${SINCE} and c.table_name = ${quoteText(source)}
        and ($5::text is null or c.tenant_id = $5)) as changed`
  const values = [
    ...[snapshot, personIdOf(actor), actor.tenantId, audience.nameOf(actor)],
    tenantColumn ? actor.tenantId : null,
  ]
  const [row] = await database.send(statement(text), values)
  return row?.changed === true
}
