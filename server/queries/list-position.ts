// Where a page of a list ended, as clients carry it.
// Invariant: what names a record that its holder may not read, or a value of one, is sealed.

import { refuse } from '../base/problems.ts'
import type { Cursors } from '../log/cursor.ts'
import { MAX_SORT_VALUE, type Position, type Stretch } from './list-order.ts'
import type { WindowAsked } from './list-query.ts'

/** Where to go on in a list whose rows are authorized one by one. */
export interface AuthorizedPosition {
  /** The last row that was looked at; `null`: none yet. */
  looked: Position | null
  /** Of the rows that were looked at from there on, the last one that was shown; `null`: none yet. */
  shown: Position | null
}

const isPosition = (value: unknown): value is Position =>
  Array.isArray(value) &&
  value.length === 2 &&
  (value[0] === null || typeof value[0] === 'string') &&
  typeof value[1] === 'string'

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const notOurs = (): never => refuse('malformed', 'A position in a list must be what an answer gave.')

const mustFit = (position: Position | null) => {
  if ((position?.[0]?.length ?? 0) > MAX_SORT_VALUE)
    refuse('malformed', `sort: a list can't be sorted by values of more than ${MAX_SORT_VALUE} characters.`)
}

/** The position that a client sent back, of a list whose rows may all be read. */
export const readPosition = (text: string): Position => {
  const position = parsed(Buffer.from(text, 'base64url').toString())
  return isPosition(position) ? position : notOurs()
}

export const writePosition = (position: Position): string => {
  mustFit(position)
  return Buffer.from(JSON.stringify(position)).toString('base64url')
}

/** The same of a list whose rows are authorized. What such a list gave before positions were sealed names a row that was shown. */
export const readAuthorizedPosition = ({ openPosition }: Cursors, text: string): AuthorizedPosition => {
  const sealed = openPosition(text)
  if (sealed === null) return { looked: null, shown: readPosition(text) }
  const [looked, shown] = parsed(sealed) as [Position | null, Position | null]
  return { looked, shown }
}

export const writeAuthorizedPosition = (
  { sealPosition }: Cursors,
  { looked, shown }: AuthorizedPosition,
): string => {
  mustFit(looked)
  mustFit(shown)
  return sealPosition(JSON.stringify([looked, shown]))
}

/** The stretch that is asked for. `read` reads a position. */
export const stretchOf = (
  { after, before, from, to }: WindowAsked,
  read: (text: string) => Position,
): Stretch => {
  const bound = (text: string | undefined, isIncluded: boolean) =>
    text === undefined || text === 'start' || text === 'end' ? null : { at: read(text), isIncluded }
  return {
    from: bound(after, false) ?? bound(from, true),
    to: bound(before, false) ?? bound(to, true),
    isBackward: before !== undefined,
  }
}
