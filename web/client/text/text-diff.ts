// A changed text for showing: what was taken out, what was put in, and a little around it. Loaded only when somebody looks at
// both sides, since the diff library comes with it.

import { editsBetween } from '../../../server/protocol/text-merge.ts'

export type { TextEdit } from '../../../server/protocol/text-merge.ts'
export { editsBetween, mergeTexts } from '../../../server/protocol/text-merge.ts'
export { isRewritten, placesOf, textOf } from './text-parts.ts'

const CONTEXT_CHARS = 60
const MOST_SHOWN_CHARS = 2000

/** A piece of a changed text for showing; `skipped` stands for so many characters that need no showing. */
export type TextPart =
  | { kind: 'same' | 'added' | 'removed'; text: string }
  | { kind: 'skipped'; count: number }

/** A changed text with what was taken out of it, cut to what is worth reading. */
export function partsBetween(original: string, changed: string): TextPart[] {
  const parts: TextPart[] = []
  let at = 0
  for (const { from, to, text } of editsBetween(original, changed)) {
    parts.push(...unchanged(original.slice(at, from), parts.length > 0, true))
    if (to > from) parts.push(...shortened('removed', original.slice(from, to)))
    if (text !== '') parts.push(...shortened('added', text))
    at = to
  }
  parts.push(...unchanged(original.slice(at), parts.length > 0, false))
  return parts
}

/** The original around what either side changed: `removed` is what one of them took out. */
export function partsAround(original: string, mine: string, theirs: string): TextPart[] {
  const places = [...editsBetween(original, mine), ...editsBetween(original, theirs)]
  const parts: TextPart[] = []
  let at = 0
  for (const { from, to } of places.sort((a, b) => a.from - b.from || a.to - b.to)) {
    if (from > at || parts.length === 0)
      parts.push(...unchanged(original.slice(at, from), parts.length > 0, true))
    const start = Math.max(at, from)
    if (to > start) parts.push(...shortened('removed', original.slice(start, to)))
    at = Math.max(at, to)
  }
  parts.push(...unchanged(original.slice(at), parts.length > 0, false))
  return parts
}

function unchanged(text: string, isAfter: boolean, isBefore: boolean): TextPart[] {
  const [left, right] = [isAfter ? CONTEXT_CHARS : 0, isBefore ? CONTEXT_CHARS : 0]
  const count = text.length - left - right
  if (text === '') return []
  if (count <= CONTEXT_CHARS) return [{ kind: 'same', text }]
  const same = (shown: string): TextPart[] => (shown === '' ? [] : [{ kind: 'same', text: shown }])
  return [
    ...same(text.slice(0, left)),
    { kind: 'skipped', count },
    ...same(text.slice(text.length - right, right === 0 ? 0 : undefined)),
  ]
}

function shortened(kind: 'added' | 'removed', text: string): TextPart[] {
  if (text.length <= MOST_SHOWN_CHARS) return [{ kind, text }]
  return [
    { kind, text: text.slice(0, MOST_SHOWN_CHARS) },
    { kind: 'skipped', count: text.length - MOST_SHOWN_CHARS },
  ]
}
