// Lists of types whose permission depends on the record. Rows are looked at in the order of their keys, a fixed number at
// a time, and authorized; only then is it asked which of those that may be read belong to the list, and in which order.
// Invariant: how many rows are looked at depends on how many there are and on what the caller may read, and on nothing
// that is in a row that they may not read. A response looks at `judgedRows` rows at most, and says where to go on.

import type { Actor } from '../base/record-type.ts'
import type { Cursor } from '../log/cursor.ts'
import type { AnswerBudget } from '../pacing/large-answers.ts'
import type { ListAnswer } from '../protocol/index.ts'
import { authorizeRows } from '../records/authorization-rows.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { SMALL_BYTES, sendSized } from '../tables/sized-query.ts'
import { type Page, readPage } from './list-page.ts'
import { readAuthorizedPosition, writeAuthorizedPosition } from './list-position.ts'
import { type ListFilter, type ListQuery, type Position, pageQuery } from './list-query.ts'

/** Rows that are looked at by one query, whatever the page's size. The driver parses them at once, while saves wait. */
const WINDOW = 250

type Ordered = ListFilter & Pick<ListQuery, 'sort'>

/**
 * The order in which rows are looked at, and by which filters: by such as are no secret. `isOrdered`: it is the list's.
 */
export const lookingOrder = ({ type }: KnownType, { filters, sort }: Ordered) => {
  const isOpen = (name: string) => name === 'id' || type.openFields.includes(name)
  const isOrdered = isOpen(sort.replace(/^-/, ''))
  const groups = filters.groups.flat().every(({ field }) => isOpen(field)) ? filters.groups : []
  const open = { all: filters.all.filter(({ field }) => isOpen(field)), groups }
  const order: Ordered = { filters: open, sort: isOrdered ? sort : 'id' }
  return { order, isOrdered }
}

/** Some rows as they come, authorized. */
interface Window {
  readable: string[]
  /** Rows that were looked at. */
  count: number
  /** The last one; `null`: there is none behind these. */
  end: Position | null
  here: Cursor
}

/** One page of a list, and the position in the change log at which it was read. */
export const listAuthorized = async (
  database: Database,
  known: KnownType,
  actor: Actor,
  query: ListQuery,
  budget: AnswerBudget,
): Promise<ListAnswer> => {
  const { limit } = query
  const { order, isOrdered } = lookingOrder(known, query)
  const begin = query.after === undefined ? null : readAuthorizedPosition(database.cursors, query.after)
  const shown = begin?.shown ?? null
  const most = Math.max(WINDOW, database.limits.judgedRows)

  const look = async (after: Position | null): Promise<Window> => {
    budget.gone.throwIfAborted()
    const page = pageQuery(known, actor, order, { after, limit: WINDOW, isLean: true })
    const { rows, isCut, here } = await sendSized(database, page, { bytes: SMALL_BYTES })
    const authorized = await authorizeRows(database, known, actor, rows, { gone: budget.gone })
    const readable = [...authorized.values()].flatMap(({ record, allowed }) =>
      allowed.length > 0 ? record.id : [],
    )
    const last = rows.at(-1)
    const isOver = !last || (!isCut && rows.length < WINDOW)
    return {
      readable,
      count: rows.length,
      end: isOver ? null : [last.noclobber_sort, last.noclobber_id],
      here,
    }
  }

  /** Of records that may be read, those of the list; looked at once more, for they may have changed meanwhile. */
  const read = async (ids: string[], after: Position | null, left: number, used: number) => {
    const page = await readPage(database, known, actor, { query, after, limit: left, ids, used }, budget)
    const found = page.found.filter(({ record }) => known.mayRead(actor, record))
    return { ...page, found, last: page.found.at(-1)?.position ?? after }
  }

  const answer = (
    found: Page['found'],
    here: Cursor,
    next: string | null,
    isInParts: boolean,
  ): ListAnswer => ({
    data: found.slice(0, limit).map(({ record }) => record),
    cursor: database.cursors.encode(here, known.rights),
    next,
    recheck: true,
    ...(isInParts && { in_parts: true }),
  })
  const goOn = (looked: Position | null, at: Position | null = null) =>
    writeAuthorizedPosition(database.cursors, { looked, shown: at })
  // What can't be asked for is refused whatever there is to read.
  pageQuery(known, actor, query, { after: null, limit })

  /** The list's order is that of looking: each window's rows are the next ones of the list. */
  const inOrder = async () => {
    const found: Page['found'] = []
    let here: Cursor | null = null
    let end = shown ?? begin?.looked ?? null
    let bytes = 0
    for (let looked = 0; ; ) {
      const window = await look(end)
      here ??= window.here
      looked += window.count
      if (window.readable.length > 0) {
        const page = await read(window.readable, null, limit + 1 - found.length, bytes)
        found.push(...page.found)
        bytes += page.bytes
        const last = found[limit - 1]
        if (last && found.length > limit) return answer(found, here, goOn(last.position), false)
        if (page.isCut) return answer(found, here, goOn(page.last ?? end), false)
      }
      end = window.end
      if (end === null) return answer(found, here, null, false)
      if (looked >= most) return answer(found, here, goOn(end), false)
    }
  }

  /** Everything is looked at before it is known what comes first; of very many rows one part after another. */
  const sorted = async () => {
    const start = begin?.looked ?? null
    const readable: string[] = []
    let here: Cursor | null = null
    let end = start
    for (let looked = 0; looked < most; ) {
      const window = await look(end)
      here ??= window.here
      readable.push(...window.readable)
      looked += window.count
      end = window.end
      if (end === null) break
    }
    const page = await read(readable, shown, limit + 1, 0)
    const last = page.found.length > limit ? page.found[limit - 1]?.position : page.isCut && page.last
    const next = last ? goOn(start, last) : end && goOn(end)
    return answer(page.found, here as Cursor, next, start !== null || end !== null)
  }

  return isOrdered ? inOrder() : sorted()
}
