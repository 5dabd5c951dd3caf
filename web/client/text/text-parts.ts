// Three versions of one long text as parts to choose from: what only one side changed, and what both changed at one place.
// Invariant: every part mine gives my text, every part theirs gives theirs, to the character.

import { editsBetween, type TextEdit } from '../../../server/protocol/text-merge.ts'

/** What is taken at one place; `both`: mine, then theirs. */
export type PartSide = 'mine' | 'theirs' | 'both'

/** One place of a text. */
export interface TextPlace {
  /** `same`: nothing to choose, for nobody changed it or both did alike. */
  kind: 'same' | 'mine' | 'theirs' | 'both'
  original: string
  mine: string
  theirs: string
}

/** More places than this are not chosen one by one. */
const MOST_PLACES = 60
/** Above this share of a text, what differs is read more slowly than the whole. */
const MOST_CHANGED = 0.5

interface Cluster {
  from: number
  to: number
  mine: TextEdit[]
  theirs: TextEdit[]
}

/** How much of a text was taken out or put in, of 1; where it only grew or shrank, that is read easily. */
const shareOf = (edits: TextEdit[], original: string, changed: string): number => {
  const removed = edits.reduce((sum, { from, to }) => sum + to - from, 0)
  const added = edits.reduce((sum, { text }) => sum + text.length, 0)
  if (removed === 0 || added === 0) return 0
  return Math.max(removed / Math.max(1, original.length), added / Math.max(1, changed.length))
}

/** More than half of the text is new: both are shown whole. */
export const isRewritten = (original: string, changed: string): boolean =>
  shareOf(editsBetween(original, changed), original, changed) > MOST_CHANGED

/** The places of a text, in order; `null` where either side rewrote it, or there are too many. */
export function placesOf(original: string, mine: string, theirs: string): TextPlace[] | null {
  const [my, their] = [editsBetween(original, mine), editsBetween(original, theirs)]
  if (shareOf(my, original, mine) > MOST_CHANGED || shareOf(their, original, theirs) > MOST_CHANGED)
    return null
  const clusters = clustersOf(my, their, original)
  if (clusters.length > MOST_PLACES) return null
  const places: TextPlace[] = []
  let at = 0
  const same = (to: number) => {
    const text = original.slice(at, to)
    if (text !== '') places.push({ kind: 'same', original: text, mine: text, theirs: text })
  }
  for (const { from, to, mine: mineHere, theirs: theirsHere } of clusters) {
    same(from)
    const texts = {
      original: original.slice(from, to),
      mine: applied(original, from, to, mineHere),
      theirs: applied(original, from, to, theirsHere),
    }
    const isOne = texts.mine === texts.theirs
    const kind = isOne ? 'same' : theirsHere.length === 0 ? 'mine' : mineHere.length === 0 ? 'theirs' : 'both'
    places.push({ kind, ...texts })
    at = to
  }
  same(original.length)
  return places
}

/** Edits that touch each other are one place, and so are those of one side with only a space between them. */
function clustersOf(mine: TextEdit[], theirs: TextEdit[], original: string): Cluster[] {
  const edits = [
    ...mine.map((edit) => ({ edit, side: 'mine' as const })),
    ...theirs.map((edit) => ({ edit, side: 'theirs' as const })),
  ].sort((a, b) => a.edit.from - b.edit.from || a.edit.to - b.edit.to)
  const clusters: Cluster[] = []
  for (const { edit, side } of edits) {
    const last = clusters.at(-1)
    const other = side === 'mine' ? 'theirs' : 'mine'
    const isNear = (end: number) => /^[^\S\n]{0,2}$/.test(original.slice(end, edit.from))
    if (last && (edit.from <= last.to || (last[other].length === 0 && isNear(last.to)))) {
      last.to = Math.max(last.to, edit.to)
      last[side].push(edit)
    } else clusters.push({ from: edit.from, to: edit.to, mine: [], theirs: [], [side]: [edit] })
  }
  return clusters
}

function applied(original: string, from: number, to: number, edits: TextEdit[]): string {
  let text = ''
  let at = from
  for (const edit of edits) {
    text += original.slice(at, edit.from) + edit.text
    at = edit.to
  }
  return text + original.slice(at, to)
}

/** What a place becomes without a choice; `null` where the user decides. */
export const defaultSide = ({ kind }: TextPlace): PartSide | null =>
  kind === 'both' ? null : kind === 'theirs' ? 'theirs' : 'mine'

/** The text that the choices make, by the number of the place; `null` while one is open. */
export function textOf(
  places: readonly TextPlace[],
  choices: Readonly<Record<number, PartSide>>,
): string | null {
  let text = ''
  for (const [number, place] of places.entries()) {
    const side = choices[number] ?? defaultSide(place)
    if (side === null) return null
    text += side === 'both' ? joined(place) : place[side]
  }
  return text
}

/** Two texts beside each other run into each other nowhere. */
const joined = ({ mine, theirs }: TextPlace): string =>
  mine + (/[^\s]$/.test(mine) && /^[^\s]/.test(theirs) ? ' ' : '') + theirs
