// One read of the log for many requests that one change has woken: of one tenant they are at few cursors, and a page is the same
// for all of it.
// Invariant: each gets a page that was read after it was woken; permission is checked for each caller.
import type { Cursor } from '../log/cursor.ts'
import type { LogFilter, Page } from '../log/log-reader.ts'
import type { ReadPage } from './change-feed.ts'

/** Reads a page, or takes one that was read for another request at this moment or later. */
export type SharedLogReads = (moment: number) => ReadPage

/** Pages that are remembered, and for how long. */
const MOST_PAGES = 32
const FORGET_MS = 1_000

const keyOf = ({ epoch, snapshot, rest }: Cursor, size: number, { sources, tenants }: LogFilter) =>
  JSON.stringify([epoch, snapshot, rest?.snapshot, rest?.afterSeq, size, sources, tenants])

/**
 * @param readPage Reads a page.
 * @param now The present moment: a number that grows with every change that the node knows of.
 */
export const createSharedLogReads = (readPage: ReadPage, now: () => number): SharedLogReads => {
  const pages = new Map<string, { moment: number; page: Promise<Page | null> }>()

  const read = (key: string, ...asked: Parameters<ReadPage>) => {
    const moment = now()
    const page = readPage(...asked)
    const [oldest] = pages.keys()
    if (pages.size >= MOST_PAGES && oldest !== undefined) pages.delete(oldest)
    const entry = { moment, page }
    pages.set(key, entry)
    const forget = () => {
      if (pages.get(key) === entry) pages.delete(key)
    }
    page.catch(forget)
    setTimeout(forget, FORGET_MS).unref()
    return page
  }

  return (moment) =>
    (...asked) => {
      const key = keyOf(...asked)
      const known = pages.get(key)
      return known && known.moment >= moment ? known.page : read(key, ...asked)
    }
}
