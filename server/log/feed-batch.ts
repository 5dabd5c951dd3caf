// One reading of the log for the feed: of what was committed first the keys, page by page; of these the changes that are wanted.
// Invariant: which are wanted is asked after the page was read, so watchers who come later read a version that has them:
// docs/decisions/045. A position is handed on only with or after everything that lies before it.

import type { Limits } from '../base/options.ts'
import type { Row, Statement } from '../db/statement.ts'
import type { Cursor } from './cursor.ts'
import {
  hasLargeTransaction,
  type LargeTransaction,
  readLargeTransactions,
  withoutLargeTransactions,
} from './large-transactions.ts'
import type { Change, ChangeKey, KeyPage, LogReader, PageRest } from './log-reader.ts'
import type { RelayedPage } from './relay.ts'
import { readSnapshot } from './snapshots.ts'

/** What the feed hands on at a time. */
export interface FeedBatch {
  /** Those that are wanted, in the order of the log, without those of the largeTransactions. */
  changes: Change[]
  /** Transactions that are delivered as a whole; their rows stay in the database until one is needed. */
  largeTransactions: LargeTransaction[]
  /** The position after this batch. */
  after: Cursor
}

/** Which changes of some are wanted whole. */
export interface Selected {
  wanted: ChangeKey[]
  /** Somebody waits for one of them by a long poll, or watches it; and may have it already, delivered ahead of the feed. */
  isAwaited: boolean
}

/** What a round found: how many changes, and whether somebody waits for one of them. */
export interface Found {
  count: number
  isAwaited: boolean
}

/** Where a round ended; `asOf`: when what it read was read, by the database's clock. */
interface Round extends Found {
  after: Cursor
  asOf: string | null
}

/** How the feed reads. */
export interface BatchOptions {
  reader: LogReader
  send(query: Statement, values: unknown[]): Promise<Row[]>
  limits: Pick<Limits, 'feedBatch' | 'bulkThreshold'>
  /** Waits for the database as long as the feed does. */
  within<T>(work: Promise<T>): Promise<T>
  handOn(batch: FeedBatch): Promise<void>
  sources(): string[] | null
  select(keys: ChangeKey[]): Selected
  from: Cursor
  /** Learns what was read, before it is handed on. */
  onRead?: ((page: RelayedPage) => void) | undefined
}

/** Hands on pages, and counts what was in them. */
const createHandingOn = ({ reader, within, handOn, select, from }: BatchOptions) => {
  const found: Found = { count: 0, isAwaited: false }

  /** A position within a page, or behind it. */
  const positionAt = (page: KeyPage, last: { seq: string } | undefined): Cursor =>
    last ? { ...from, rest: { snapshot: page.cursor.snapshot, afterSeq: last.seq } } : page.cursor

  /** Hands on what of a page is wanted: as much at a time as may be held, large transactions with the first. */
  const handOnPage = async (page: KeyPage, largeTransactions: LargeTransaction[]) => {
    const { wanted, isAwaited } = select(withoutLargeTransactions(page.keys, largeTransactions))
    const end = positionAt(page, page.more ? page.keys.at(-1) : undefined)
    found.count += page.keys.length
    found.isAwaited ||= isAwaited || largeTransactions.length > 0
    if (wanted.length === 0) await handOn({ changes: [], largeTransactions, after: end })
    for (let left = wanted, large = largeTransactions; left.length > 0; large = []) {
      const changes = await within(reader.changesOf(left))
      const last = changes.at(-1)
      const place = left.findIndex(({ seq }) => seq === last?.seq)
      left = place < 0 ? [] : left.slice(place + 1)
      await handOn({
        changes,
        largeTransactions: large,
        after: left.length > 0 ? positionAt(page, last) : end,
      })
    }
  }

  return { found, handOnPage }
}

/**
 * Reads what was committed since a position, and hands on what is wanted. Gives the position behind it.
 *
 * @throws Error where the database has become another history, or doesn't answer.
 */
export const readBatch = async (options: BatchOptions): Promise<Round> => {
  const { reader, send, limits, within, sources, from, onRead } = options
  const { found, handOnPage } = createHandingOn(options)

  /** A table that is declared meanwhile may have had watchers by the time that the page was read: it is read again. */
  const readKeys = async (rest?: PageRest): Promise<KeyPage & { asked: string[] | null }> => {
    for (;;) {
      const asked = sources()
      const page = await within(reader.keysAfter(from, limits.feedBatch, { rest, sources: asked }))
      if (page.cursor.epoch !== from.epoch) throw new Error('The database has become another history.')
      if (sources() === asked) return { ...page, asked }
    }
  }

  /** The database says what is in them, where there may be any. */
  const largeTransactionsOf = ({ keys, more, cursor }: KeyPage) =>
    more || hasLargeTransaction(keys, limits.bulkThreshold)
      ? within(readLargeTransactions(send, from, cursor, limits.bulkThreshold))
      : []

  let page = await readKeys()
  const { asOf, keys, more, cursor, asked } = page
  const isWhole = !more && !hasLargeTransaction(keys, limits.bulkThreshold)
  if (asOf !== null)
    onRead?.({
      epoch: from.epoch,
      from: from.snapshot,
      to: cursor.snapshot,
      asOf,
      sources: asked,
      keys: isWhole ? keys : null,
    })
  const largeTransactions = await largeTransactionsOf(page)
  await handOnPage(page, largeTransactions)
  while (page.more) {
    const afterSeq = page.keys.at(-1)?.seq as string
    page = await readKeys({ upTo: page.cursor, afterSeq, without: largeTransactions })
    await handOnPage(page, [])
  }
  return { ...found, after: page.cursor, asOf }
}

/**
 * Hands on what is wanted of a page that another node read, from this node's own position on; `null` where the page doesn't go on
 * from there, hasn't the tables that are declared here, or must be read: nothing was handed on then.
 */
export const takePage = async (options: BatchOptions, page: RelayedPage): Promise<Round | null> => {
  const { from, limits, sources } = options
  const { asOf } = page
  const [here, first, last] = [from.snapshot, page.from, page.to].map(readSnapshot)
  if (page.epoch !== from.epoch || !here || !first || !last) return null
  if (last.isWithin(here)) return { count: 0, isAwaited: false, after: from, asOf }
  const asked = sources()
  const hasAll = page.sources === null || asked?.every((source) => page.sources?.includes(source))
  if (!page.keys || !hasAll || !first.isWithin(here)) return null
  const declared = new Set(asked)
  const keys = page.keys.filter(
    ({ xid, source }) => !here.isVisible(xid) && (asked === null || declared.has(source)),
  )
  if (hasLargeTransaction(keys, limits.bulkThreshold)) return null
  const { found, handOnPage } = createHandingOn(options)
  const after = { epoch: page.epoch, snapshot: page.to }
  await handOnPage({ keys, cursor: after, more: false, asOf }, [])
  return { ...found, after, asOf }
}
