// Lists of types whose permission depends on the record. Rows are looked at in the order of their keys, a fixed number at
// a time, and authorized; only then is it asked which of those that may be read belong to the list, and in which order.
// Invariant: how many rows are looked at depends on how many there are and on what the caller may read, and on nothing
// that is in a row that they may not read. A response looks at `judgedRows` rows at most, and says where to go on.

import { refuse } from '../base/problems.ts'
import type { Actor } from '../base/record-type.ts'
import type { Cursor } from '../log/cursor.ts'
import type { AnswerBudget } from '../pacing/large-answers.ts'
import type { ListAnswer } from '../protocol/index.ts'
import { authorizeRows } from '../records/authorization-rows.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { SMALL_BYTES, sendSized } from '../tables/sized-query.ts'
import { type Position, restOf, type Stretch, WHOLE } from './list-order.ts'
import { type Page, readPage } from './list-page.ts'
import { readAuthorizedPosition, stretchOf, writeAuthorizedPosition } from './list-position.ts'
import { type ListFilter, type ListQuery, pageQuery } from './list-query.ts'

/** Rows that are looked at by one query, whatever the page's size. The driver parses them at once, while saves wait. */
const WINDOW = 250

const IN_PARTS =
  'There are too many records to sort them for one person: sort this window by id, or by one of the open fields.'

type Ordered = ListFilter & Pick<ListQuery, 'sort'>

/**
 * The order in which rows are looked at, and by which filters: by such as are no secret. `isOrdered`: it is the list's.
 */
export const lookingOrder = ({ type }: KnownType, { filters, sort }: Ordered) => {
  const isOpen = (name: string) => name === 'id' || type.openFields.includes(name)
  const isOrdered = isOpen(sort.replace(/^-/, ''))
  const groups = filters.groups.flat().every(({ field }) => isOpen(field)) ? filters.groups : []
  const nots = filters.nots.filter((group) => group.every(({ field }) => isOpen(field)))
  const open = { all: filters.all.filter(({ field }) => isOpen(field)), groups, nots }
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
  const { limit, window } = query
  const { order, isOrdered } = lookingOrder(known, query)
  const begin = query.after === undefined ? null : readAuthorizedPosition(database.cursors, query.after)
  const positionOf = (text: string): Position => {
    const { looked, shown } = readAuthorizedPosition(database.cursors, text)
    const at = shown ?? looked
    return at && (isOrdered || !looked) ? at : refuse('malformed', IN_PARTS)
  }
  const asked = stretchOf(window ?? {}, positionOf)
  const most = Math.max(WINDOW, database.limits.judgedRows)

  const look = async (stretch: Stretch): Promise<Window> => {
    budget.gone.throwIfAborted()
    const page = pageQuery(known, actor, order, { stretch, limit: WINDOW, isLean: true })
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
  const read = async (ids: string[], stretch: Stretch, left: number, used: number) => {
    const page = await readPage(database, known, actor, { query, stretch, limit: left, ids, used }, budget)
    const found = page.found.filter(({ record }) => known.mayRead(actor, record))
    return { ...page, found, last: page.found.at(-1)?.position ?? null }
  }

  const answer = (
    found: Page['found'],
    here: Cursor,
    goOn: string | null,
    isInParts: boolean,
  ): ListAnswer => {
    const shown = found.slice(0, limit)
    if (asked.isBackward) shown.reverse()
    return {
      data: shown.map(({ record }) => record),
      cursor: database.cursors.encode(here, known.rights),
      next: asked.isBackward ? null : goOn,
      recheck: true,
      ...(isInParts && { in_parts: true }),
      ...(asked.isBackward && { previous: goOn }),
      ...(window && { positions: shown.map(({ position }) => placeOf(position)) }),
    }
  }
  const write = (looked: Position | null, shown: Position | null = null) =>
    writeAuthorizedPosition(database.cursors, { looked, shown })
  const placeOf = (position: Position) => (isOrdered ? write(position) : write(null, position))
  // What can't be asked for is refused whatever there is to read.
  pageQuery(known, actor, query, { stretch: asked, limit })

  /** The list's order is that of looking: each window's rows are the next ones of the list. */
  const inOrder = async () => {
    const found: Page['found'] = []
    let here: Cursor | null = null
    let end = begin && (begin.shown ?? begin.looked)
    let bytes = 0
    for (let looked = 0; ; ) {
      const seen = await look(end ? restOf(asked, end) : asked)
      here ??= seen.here
      looked += seen.count
      if (seen.readable.length > 0) {
        const page = await read(seen.readable, asked, limit + 1 - found.length, bytes)
        found.push(...page.found)
        bytes += page.bytes
        const last = found[limit - 1]
        if (last && found.length > limit) return answer(found, here, write(last.position), false)
        if (page.isCut) return answer(found, here, write(page.last ?? end), false)
      }
      end = seen.end
      if (end === null) return answer(found, here, null, false)
      if (looked >= most) return answer(found, here, write(end), false)
    }
  }

  /** Everything is looked at before it is known what comes first; of very many rows one part after another. */
  const sorted = async () => {
    const start = begin?.looked ?? null
    const readable: string[] = []
    let here: Cursor | null = null
    let end = start
    for (let looked = 0; looked < most; ) {
      const seen = await look(end ? restOf(WHOLE, end) : WHOLE)
      here ??= seen.here
      readable.push(...seen.readable)
      looked += seen.count
      end = seen.end
      if (end === null) break
    }
    if (window && end !== null) return refuse('malformed', IN_PARTS)
    const shown = begin?.shown ?? null
    const page = await read(readable, shown ? restOf(asked, shown) : asked, limit + 1, 0)
    const last =
      page.found.length > limit ? page.found[limit - 1]?.position : page.isCut && (page.last ?? shown)
    const next = last ? write(start, last) : end && write(end)
    return answer(page.found, here as Cursor, next, start !== null || end !== null)
  }

  return isOrdered ? inOrder() : sorted()
}
