// A log that was restored from a dump into another cluster brings transaction ids that this cluster has not reached.
// Read by snapshot they would be the future, and come again with every read. No own transaction can be seen and lie
// ahead of the snapshot that sees it, so those rows are recognized with certainty, and put behind every cursor.

import type { Logger } from '../base/options.ts'
import { type Row, type Statement, statement } from '../db/statement.ts'

/** The xid of changes that happened before this history began: the lowest that PostgreSQL gives to nobody. */
const BEFORE_HISTORY = '1'

const IS_RESTORED = statement(`
select exists (select from noclobber.changes c where c.xid >= pg_snapshot_xmax(pg_current_snapshot()))
    or exists (select from noclobber.log_horizon h where h.xid >= pg_snapshot_xmax(pg_current_snapshot())) as restored`)

const SETTLE = statement(`
with horizon as (
  update noclobber.log_horizon h set xid = '0', seq = 0 where h.xid >= pg_snapshot_xmax(pg_current_snapshot())
), batches as (
  update noclobber.change_batches b set xid = '${BEFORE_HISTORY}' where b.xid >= pg_snapshot_xmax(pg_current_snapshot()))
update noclobber.record_changes c set xid = '${BEFORE_HISTORY}'
where c.xid >= pg_snapshot_xmax(pg_current_snapshot())`)

/** What sends statements: the server's database. */
interface Sender {
  send(query: Statement, values: unknown[]): Promise<Row[]>
}

/** Puts the changes of an earlier history behind every cursor. Costs one look at the end of an index where there are none. */
export const settleRestoredLog = async (database: Sender, log: Logger): Promise<void> => {
  const [row] = await database.send(IS_RESTORED, [])
  if (!row?.restored) return
  await database.send(SETTLE, [])
  log.info({}, 'The change log comes from a restore: its changes are history now, and old cursors are reset.')
}
