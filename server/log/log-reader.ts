// Reads the change log, a page at a time, on one connection: whole changes, or only which there are and whom they may concern.
// Invariant: each page says where it ends, and a reader that goes on there gets every change once.

import { isoUtc } from '../db/iso-time.ts'
import { type Connection, type Row, type Statement, sendOn } from '../db/statement.ts'
import type { HistoryEvent, Writer } from '../protocol/index.ts'
import type { Cursor } from './cursor.ts'
import { BY_KEYS, HERE, KEYS, OF_ALL, OF_FILTER, type PageStatements, SPREADS } from './log-sql.ts'
import { normalizedWriter } from './stored-writer.ts'

/** One row of the change log. */
export interface Change {
  /** The transaction that wrote it. */
  xid: string
  seq: string
  /** `schema.table`. */
  source: string
  id: string
  version: number
  /** Where it stands for several changes of one transaction: the version before the first. */
  previousVersion?: number
  event: HistoryEvent
  tenantId: string | null
  changedFields: string[]
  /** By list column: the parents that it had before and has now. */
  scopes: Record<string, string[]> | null
  updatedAt: string
  updatedBy: Writer | null
  tabId: string | null
  socketId: string | null
  importId: string | null
  /** The version whose values it brought back. */
  restoredFrom: number | null
  /** The row as it was, of a deletion. */
  oldRow: Row | null
}

/** Which change it is, and whom it may concern. */
export interface ChangeKey
  extends Pick<Change, 'xid' | 'seq' | 'source' | 'id' | 'version' | 'tenantId' | 'scopes'> {
  isImported: boolean
}

interface PageEnd {
  /** Where the next read begins once `more` is false. */
  cursor: Cursor
  /** There is more up to `cursor`: read again with `after`. */
  more: boolean
  /** When the snapshot was taken, or a little before, by the database's clock; `null` of the rest of a page. */
  asOf: string | null
}

/** A page of changes after a cursor. */
export interface Page extends PageEnd {
  changes: Change[]
}

/** A page of which only the keys were read. */
export interface KeyPage extends PageEnd {
  keys: ChangeKey[]
}

/** The rest of a page that was longer than the limit. */
export interface PageRest {
  upTo: Cursor
  afterSeq: string
  /** Transactions of a table to be left out: they are delivered as a whole. */
  without?: { xid: string; source: string }[]
}

/** Which changes are read: those of some tables, each of one tenant or, `null`, of whichever. */
export interface LogFilter {
  /** `schema.table`. */
  sources: string[]
  /** By the same place. */
  tenants: (string | null)[]
}

/** How a page is read. */
interface PageOptions {
  /** The rest of a longer page. */
  rest?: PageRest | undefined
  /** How many bytes of deleted rows it holds; the first row comes however large it is. */
  oldRowBytes?: number
  /** Default: everything. What a page costs then goes by what there is of these. */
  only?: LogFilter | undefined
}

const LONGEST_ID = 200

/** Ids of pages and sockets are no longer; what is, nobody has sent. */
const shortId = (id: string | null): string | null => (id !== null && id.length > LONGEST_ID ? null : id)

/** A change from its row in the log. */
export const toChange = (row: Row): Change => ({
  xid: row.xid,
  seq: row.seq,
  source: row.table_name,
  id: row.record_id,
  version: Number(row.version),
  event: row.event,
  tenantId: row.tenant_id,
  changedFields: row.changed_fields ?? [],
  scopes: row.scopes,
  updatedAt: isoUtc(row.updated_at),
  updatedBy: normalizedWriter(row.updated_by),
  tabId: shortId(row.tab_id),
  socketId: shortId(row.socket_id),
  importId: row.import_id,
  restoredFrom: row.restored_from === null ? null : Number(row.restored_from),
  oldRow: row.old_row,
})

/** Of deletions a page holds the rows as they were: so many bytes of them, unless it says otherwise, or one. */
const OLD_ROW_BYTES = 16_000_000

/** A page's keys from its one row. */
const toKeys = (row: Row): ChangeKey[] => {
  const [xids, seqs, sources, ids, versions, tenants, scopes, imported] = [
    ...[row.xids, row.seqs, row.sources, row.ids],
    ...[row.versions, row.tenants, row.scopes, row.imported],
  ].map((text) => JSON.parse(text ?? '[]'))
  return xids.map((xid: string, at: number) => ({
    xid,
    seq: seqs[at],
    source: sources[at],
    id: ids[at],
    version: versions[at],
    tenantId: tenants[at],
    scopes: scopes[at],
    isImported: imported[at],
  }))
}

/** Sends statements on one connection. */
export interface LogReader {
  /** The position of now. */
  here(): Promise<Cursor>
  /** What was committed after a cursor, oldest first. The page's epoch differs from the cursor's in another history. */
  changesAfter(cursor: Cursor, limit: number, options?: PageOptions): Promise<Page>
  /** The same without what the changes are: of these tables, or of all. */
  keysAfter(
    cursor: Cursor,
    limit: number,
    options: { rest?: PageRest | undefined; sources: string[] | null },
  ): Promise<KeyPage>
  /** Whole changes, in the order of the log: as many of the first as fit into a budget of bytes, and at least one. */
  changesOf(keys: ChangeKey[]): Promise<Change[]>
}

const isCut = (rows: Row[], bytes: number) => Number(rows.at(-1)?.old_bytes ?? 0) > bytes

/** The row that goes beyond the budget is left for the next page, unless it is the only one. */
const withinBudget = (rows: Row[], bytes: number) =>
  isCut(rows, bytes) && rows.length > 1 ? rows.slice(0, -1) : rows

export const createLogReader = (connection: Connection, driver: unknown, named = true): LogReader => {
  const send = async (query: Statement, values: unknown[]) =>
    (await sendOn(connection, driver, query, values, named)).rows

  /** @param isFull Whether the page needs no more rows. */
  const readPage = async (
    { first, next, rest: last }: PageStatements,
    { snapshot, limit, bytes }: { snapshot: string; limit: number; bytes: number },
    rest: PageRest | undefined,
    further: unknown[],
    isFull: (rows: Row[]) => boolean,
  ): Promise<Row[]> => {
    if (!rest) return send(first, [snapshot, limit + 1, bytes, ...further])
    const { afterSeq, upTo, without = [] } = rest
    const left = [without.map(({ xid }) => xid), without.map(({ source }) => source)]
    const values = [snapshot, limit + 1, afterSeq, upTo.snapshot, ...left, bytes]
    for (const spread of SPREADS) {
      const rows = await send(next, [...values, spread * limit, ...further])
      if (isFull(rows)) return rows
    }
    return send(last, [...values, ...further])
  }

  const endOf = (from: Cursor, row: Row | undefined, rest: PageRest | undefined) => ({
    cursor: row?.here ? { epoch: row.epoch, snapshot: row.here } : (rest?.upTo ?? from),
    asOf: row?.as_of ? isoUtc(row.as_of) : null,
  })

  return {
    here: async () => (await send(HERE, []))[0] as Cursor,
    changesAfter: async (
      { snapshot, epoch },
      limit,
      { rest, oldRowBytes: bytes = OLD_ROW_BYTES, only } = {},
    ) => {
      const rows = await readPage(
        only ? OF_FILTER : OF_ALL,
        { snapshot, limit, bytes },
        rest,
        only ? [only.sources, only.tenants] : [],
        (found) => found.length > limit || isCut(found, bytes),
      )
      const changes = withinBudget(rows, bytes)
        .filter(({ xid }) => xid !== null)
        .map(toChange)
      return {
        ...endOf({ epoch, snapshot }, rows[0], rest),
        changes: changes.slice(0, limit),
        more: changes.length > limit || isCut(rows, bytes),
      }
    },
    keysAfter: async ({ snapshot, epoch }, limit, { rest, sources }) => {
      let keys: ChangeKey[] = []
      const bytes = OLD_ROW_BYTES
      const [row] = await readPage(KEYS, { snapshot, limit, bytes }, rest, [sources], ([found]) => {
        keys = toKeys(found as Row)
        return keys.length > limit
      })
      if (!rest || keys.length <= limit) keys = toKeys(row as Row)
      return {
        ...endOf({ epoch, snapshot }, row, rest),
        keys: keys.slice(0, limit),
        more: keys.length > limit,
      }
    },
    changesOf: async (keys) => {
      const values = [keys.map(({ xid }) => xid), keys.map(({ seq }) => seq), OLD_ROW_BYTES]
      return withinBudget(await send(BY_KEYS, values), OLD_ROW_BYTES).map(toChange)
    },
  }
}
