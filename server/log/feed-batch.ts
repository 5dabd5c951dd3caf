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
}

/**
 * Reads what was committed since a position, and hands on what is wanted. Gives the position behind it.
 *
 * @throws Error where the database has become another history, or doesn't answer.
 */
export const readBatch = async (
  options: BatchOptions,
): Promise<Found & { after: Cursor; asOf: string | null }> => {
  const { reader, send, limits, within, handOn, sources, select, from } = options

  /** A table that is declared meanwhile may have had watchers by the time that the page was read: it is read again. */
  const readKeys = async (rest?: PageRest): Promise<KeyPage> => {
    for (;;) {
      const asked = sources()
      const page = await within(reader.keysAfter(from, limits.feedBatch, { rest, sources: asked }))
      if (page.cursor.epoch !== from.epoch) throw new Error('The database has become another history.')
      if (sources() === asked) return page
    }
  }

  /** The database says what is in them, where there may be any. */
  const largeTransactionsOf = ({ keys, more, cursor }: KeyPage) =>
    more || hasLargeTransaction(keys, limits.bulkThreshold)
      ? within(readLargeTransactions(send, from, cursor, limits.bulkThreshold))
      : []

  /** A position within a page, or behind it. */
  const positionAt = (page: KeyPage, last: { seq: string } | undefined): Cursor =>
    last ? { ...from, rest: { snapshot: page.cursor.snapshot, afterSeq: last.seq } } : page.cursor

  let count = 0
  let isAwaited = false

  /** Hands on what of a page is wanted: as much at a time as may be held, large transactions with the first. */
  const handOnPage = async (page: KeyPage, largeTransactions: LargeTransaction[]) => {
    const { wanted, ...selected } = select(withoutLargeTransactions(page.keys, largeTransactions))
    const end = positionAt(page, page.more ? page.keys.at(-1) : undefined)
    count += page.keys.length
    isAwaited ||= selected.isAwaited || largeTransactions.length > 0
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

  let page = await readKeys()
  const { asOf } = page
  const largeTransactions = await largeTransactionsOf(page)
  await handOnPage(page, largeTransactions)
  while (page.more) {
    const afterSeq = page.keys.at(-1)?.seq as string
    page = await readKeys({ upTo: page.cursor, afterSeq, without: largeTransactions })
    await handOnPage(page, [])
  }
  return { count, isAwaited, after: page.cursor, asOf }
}
