// What differs between long texts, and whether two people's changes of one text fit together: one rule for the server's merge
// and the page's. The diff library comes with it, so the page loads it on use. Invariant: whatever the texts, an answer comes
// in bounded time: too many changes become one, from the first difference to the last.

import { diffArrays } from 'diff'

/** `original.slice(from, to)` became `text`. */
export interface TextEdit {
  /** Offset in UTF-16 units. */
  from: number
  /** Offset in UTF-16 units, exclusive. */
  to: number
  /** What stands there instead. */
  text: string
}

/** Beyond this many characters of difference, lines are compared instead of words. */
const MOST_FOR_WORDS = 100_000
const TIMEOUT_MS = 40
const MOST_EDITS = 2000

/** A word with its marks; a flag; a sign or an emoji with all that is joined to it. None of them is changed in part. */
const WORDS =
  /\s+|[\p{L}\p{N}_](?:[\p{L}\p{N}\p{M}_]|\u200c|\u200d)*|\p{RI}{2}|[^\s\p{L}\p{N}_](?:[\p{M}\p{Emoji_Modifier}\u{e0020}-\u{e007f}]|\u200d\S)*/gu
const LINES = /[^\n]*\n|[^\n]+/g

/** The edits that make one text of the other, in order, without overlaps. */
export function editsBetween(original: string, changed: string): TextEdit[] {
  if (original === changed) return []
  const start = commonStart(original, changed)
  const end = commonEnd(original, changed, start)
  const [before, after] = [
    original.slice(start, original.length - end),
    changed.slice(start, changed.length - end),
  ]
  const whole = [{ from: start, to: start + before.length, text: after }]
  if (before === '' || after === '') return whole
  const isShort = before.length + after.length <= MOST_FOR_WORDS
  const found = (isShort && diffBy(WORDS, before, after)) || diffBy(LINES, before, after)
  return found ? found.map((edit) => ({ ...edit, from: edit.from + start, to: edit.to + start })) : whole
}

function diffBy(pattern: RegExp, before: string, after: string): TextEdit[] | null {
  const pieces = (text: string) => text.match(pattern) ?? []
  const limits = { timeout: TIMEOUT_MS, maxEditLength: MOST_EDITS }
  const parts = diffArrays(pieces(before), pieces(after), limits)
  if (!parts) return null
  const edits: TextEdit[] = []
  let at = 0
  for (const { added, removed, value } of parts) {
    const text = value.join('')
    const last = edits.at(-1)
    const open = last?.to === at ? last : null
    if (added) {
      if (open) open.text += text
      else edits.push({ from: at, to: at, text })
    } else if (removed) {
      if (open) open.to += text.length
      else edits.push({ from: at, to: at + text.length, text: '' })
    }
    if (!added) at += text.length
  }
  return edits
}

const isWordAt = (text: string, at: number): boolean => /[\p{L}\p{N}_\p{M}]/u.test(text.charAt(at))
/** A half of a character, or what joins two. */
const isHalf = (text: string, at: number): boolean => /[\uD800-\uDFFF\u200d]/.test(text.charAt(at))

/** Characters that both begin with; ends at the start of a word, and never inside a character of two halves. */
function commonStart(a: string, b: string): number {
  const most = Math.min(a.length, b.length)
  let at = 0
  while (at < most && a.charCodeAt(at) === b.charCodeAt(at)) at += 1
  while (at > 0 && (isHalf(a, at - 1) || (isWordAt(a, at - 1) && (isWordAt(a, at) || isWordAt(b, at)))))
    at -= 1
  return at
}

function commonEnd(a: string, b: string, start: number): number {
  const most = Math.min(a.length, b.length) - start
  let count = 0
  while (count < most && a.charCodeAt(a.length - 1 - count) === b.charCodeAt(b.length - 1 - count)) count += 1
  const isCut = () => {
    const [left, right] = [a.length - count - 1, b.length - count - 1]
    if (isHalf(a, left + 1)) return true
    return (
      isWordAt(a, left + 1) &&
      ((left >= start && isWordAt(a, left)) || (right >= start && isWordAt(b, right)))
    )
  }
  while (count > 0 && isCut()) count -= 1
  return count
}

/** Both people's changes of one text together, or `null` where they touch each other. */
export function mergeTexts(original: string, mine: string, theirs: string): string | null {
  const my = editsBetween(original, mine)
  const their = editsBetween(original, theirs).filter((edit) => !my.some((one) => isSameEdit(one, edit)))
  if (my.some((one) => their.some((other) => one.from <= other.to && other.from <= one.to))) return null
  let merged = ''
  let at = 0
  for (const { from, to, text } of [...my, ...their].sort((a, b) => a.from - b.from)) {
    merged += original.slice(at, from) + text
    at = to
  }
  return merged + original.slice(at)
}

const isSameEdit = (a: TextEdit, b: TextEdit) => a.from === b.from && a.to === b.to && a.text === b.text
