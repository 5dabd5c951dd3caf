// Changes that are delivered as a whole: those that one transaction made to one table, where they are very many or an
// import. Whatever their number, what is held of them here is a few lines a tenant.
// Invariant: a large transaction counts each record once, and lists get no change of one also singly.

import { groupBy } from '../base/groups.ts'
import { isoUtc } from '../db/iso-time.ts'
import { type Row, type Statement, statement } from '../db/statement.ts'
import type { Writer } from '../protocol/index.ts'
import type { Cursor } from './cursor.ts'
import { type Change, type ChangeKey, toChange } from './log-reader.ts'
import { AHEAD, COLUMNS } from './log-sql.ts'
import { normalizedWriter } from './stored-writer.ts'

/** What one transaction did to one table's records of one tenant. */
export interface LargeTransaction {
  xid: string
  /** `schema.table`. */
  source: string
  tenantId: string | null
  /** Records changed. */
  count: number
  importId: string | null
  updatedAt: string
  updatedBy: Writer | null
  tabId: string | null
  socketId: string | null
}

/** The last cursor's snapshot, the snapshot to read up to, the least number of changes that makes a large transaction. */
const LARGE_TRANSACTIONS = statement(`
with tenants as (
  select a.xid, a.table_name, a.tenant_id, pg_catalog.count(*) as changes, pg_catalog.count(distinct a.record_id) as records,
    pg_catalog.min(a.place) as first, pg_catalog.max(a.updated_at) as updated_at, pg_catalog.max(a.import_id) as import_id
  from (${AHEAD}) a where pg_visible_in_snapshot(a.xid::xid8, $2::pg_snapshot) group by a.xid, a.table_name, a.tenant_id
), totals as (
  select t.*, sum(t.changes) over (partition by t.xid, t.table_name) as total,
    pg_catalog.max(t.import_id) over (partition by t.xid, t.table_name) as imported from tenants t
)
select t.xid, t.table_name, t.tenant_id, t.records, t.import_id, t.updated_at, c.updated_by, c.tab_id, c.socket_id
from totals t cross join lateral (
  select c.updated_by, c.tab_id, c.socket_id from noclobber.changes c where c.xid = t.xid::xid8 and c.seq = t.first offset 0) c
where t.total >= $3 or t.imported is not null order by t.first`)

const OF_BULK =
  'c.xid = $1::xid8 and c.table_name = $2 and ($3::text is null and c.tenant_id is null or c.tenant_id = $3)'

/** xid, source, tenant, ids: those records' changes, oldest first. */
export const CHANGES_OF_RECORDS = statement(`
select ${COLUMNS} from noclobber.changes c where ${OF_BULK} and c.record_id = any($4) order by c.seq`)

/** xid, source, tenant, seq, limit, the last number looked at: one page of a large transaction's changes. */
export const LARGE_TRANSACTION_PAGE = statement(`
select ${COLUMNS} from noclobber.changes c where ${OF_BULK} and c.seq > $4::bigint
  and c.batch_seq > $4::bigint - 1000 and c.batch_seq <= $6::bigint order by c.seq limit $5`)

/** xid, source, tenant, columns, values: which of these parents a large transaction concerns, and the first eleven of all. */
export const LARGE_TRANSACTION_PARENTS = statement(`
with parents as materialized (
  select distinct l.key as name, v.value from noclobber.changes c,
    jsonb_each(case jsonb_typeof(c.scopes) when 'object' then c.scopes end) l,
    jsonb_array_elements_text(case jsonb_typeof(l.value) when 'array' then l.value end) v(value) where ${OF_BULK})
select p.*, true as watched from parents p where (p.name, p.value) in (select * from unnest($4::text[], $5::text[]))
union all (select p.*, false from parents p order by p.name, p.value limit 11)`)

/** The parameters that name a large transaction. */
export const largeTransactionParameters = ({ xid, source, tenantId }: LargeTransaction): unknown[] => [
  xid,
  source,
  tenantId,
]

const toLargeTransaction = (row: Row): LargeTransaction => ({
  xid: row.xid,
  source: row.table_name,
  tenantId: row.tenant_id,
  count: Number(row.records),
  importId: row.import_id,
  updatedAt: isoUtc(row.updated_at),
  updatedBy: normalizedWriter(row.updated_by),
  tabId: row.tab_id,
  socketId: row.socket_id,
})

/** The largeTransactions between two snapshots, counted by the database: for batches that are read page by page. */
export const readLargeTransactions = async (
  send: (query: Statement, values: unknown[]) => Promise<Row[]>,
  from: Cursor,
  upTo: Cursor,
  threshold: number,
): Promise<LargeTransaction[]> =>
  (await send(LARGE_TRANSACTIONS, [from.snapshot, upTo.snapshot, threshold])).map(toLargeTransaction)

export const readChanges = (rows: Row[]): Change[] => rows.map(toChange)

const keyOf = ({ xid, source }: { xid: string; source: string }) => JSON.stringify([xid, source])

/** The changes without those of the largeTransactions. */
export const withoutLargeTransactions = <Entry extends Pick<Change, 'xid' | 'source'>>(
  changes: Entry[],
  largeTransactions: LargeTransaction[],
): Entry[] => {
  if (largeTransactions.length === 0) return changes
  const keys = new Set(largeTransactions.map(keyOf))
  return changes.filter((change) => !keys.has(keyOf(change)))
}

/** Whether a batch that was read completely has one. */
export const hasLargeTransaction = (keys: ChangeKey[], threshold: number): boolean => {
  if (keys.some(({ isImported }) => isImported)) return true
  if (keys.length < threshold) return false
  const counts = new Map<string, number>()
  return keys.some(({ xid, source }) => {
    const key = `${xid} ${source}`
    const count = (counts.get(key) ?? 0) + 1
    counts.set(key, count)
    return count >= threshold
  })
}

/** The large transactions in a batch that was read completely. */
export const largeTransactionsIn = (changes: Change[], threshold: number): LargeTransaction[] => {
  const isWhole = changes.length >= threshold || changes.some(({ importId }) => importId !== null)
  if (!isWhole) return []
  return [...groupBy(changes, keyOf).values()]
    .filter((group) => group.length >= threshold || group.some(({ importId }) => importId !== null))
    .flatMap((group) => {
      const tenants = new Map<string | null, LargeTransaction & { ids: Set<string> }>()
      for (const change of group) {
        const { xid, source, tenantId, importId, updatedAt, updatedBy, tabId, socketId } = change
        const large = tenants.get(tenantId) ?? {
          xid,
          source,
          tenantId,
          count: 0,
          importId,
          updatedAt,
          updatedBy,
          tabId,
          socketId,
          ids: new Set(),
        }
        tenants.set(tenantId, large)
        large.ids.add(change.id)
        large.count = large.ids.size
        large.updatedAt = updatedAt
      }
      return [...tenants.values()].map(({ ids: _, ...large }) => large)
    })
}
