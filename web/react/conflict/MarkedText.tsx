// A value as it is read: of long ones the beginning, of changed texts what differs with a little around it.

import type { TextPart } from '../../client/text/text-diff.ts'
import type { DialogWords } from './dialog-props.ts'

const SHOWN_CHARS = 400

function Skipped({ count, words }: { count: number; words: DialogWords }) {
  const shown = count.toLocaleString(words.locale)
  return (
    <span className="nc-skipped">{` … ${words.fill(words.messages.conflict.skipped, { count: shown })} … `}</span>
  )
}

/** `ins` and `del` say to screen readers what the colours say to eyes. */
export function MarkedText({ parts, words }: { parts: readonly TextPart[]; words: DialogWords }) {
  let at = 0
  return parts.map((part) => {
    at += 1
    const key = `${at} ${part.kind}`
    if (part.kind === 'skipped') return <Skipped key={key} count={part.count} words={words} />
    if (part.kind === 'added') return <ins key={key}>{part.text}</ins>
    if (part.kind === 'removed') return <del key={key}>{part.text}</del>
    return <span key={key}>{part.text}</span>
  })
}

/** `isWhole`: all of it, for it is to be read and not only known again. */
export function PlainText({ text, words, isWhole }: { text: string; words: DialogWords; isWhole: boolean }) {
  if (text.length <= SHOWN_CHARS || isWhole) return <span>{text}</span>
  return (
    <>
      <span>{`${text.slice(0, SHOWN_CHARS)}…`}</span>
      <Skipped count={text.length - SHOWN_CHARS} words={words} />
    </>
  )
}
