// One field of a conflict: the original, and the sides to choose from, as radio buttons of one group. Of long texts it
// shows what differs, with a little around it.

import { useId } from 'react'
import type { TextPart } from '../client/base/text-diff.ts'
import type { Choice } from '../client/record/conflict-resolution.ts'
import { type ConflictField, type Side, valueText } from '../client/record/conflict-view.ts'
import { fill, type Words } from '../client/words/messages.ts'
import { useTextDiff } from './useTextDiff.ts'

const SHOWN_CHARS = 400

interface ConflictRowProps {
  row: ConflictField
  side: Side | null
  words: Words
  onChoose: (choice: Choice) => void
}

export function ConflictRow({ row, side, words, onChoose }: ConflictRowProps) {
  const texts = words.messages.conflict
  const name = useId()
  const diff = useTextDiff(row)
  const both = row.both ?? (diff?.both === null || diff?.both === undefined ? null : { value: diff.both })
  const sides: { side: Side; label: string; value: unknown; parts: TextPart[] | null }[] = [
    { side: 'mine', label: texts.mine, value: row.mine, parts: diff?.mine ?? null },
    { side: 'theirs', label: texts.theirs, value: row.theirs, parts: diff?.theirs ?? null },
    ...(both
      ? [{ side: 'both' as const, label: texts.both, value: both.value, parts: diff?.together ?? null }]
      : []),
  ]
  const choose = (chosen: Side) => () =>
    onChoose({
      side: chosen,
      of: row.of,
      theirs: row.theirs,
      ...(chosen === 'both' && both ? { both: both.value } : {}),
    })
  return (
    <fieldset className="nc-conflict-field" data-undecided={side === null ? '' : undefined}>
      <legend>{row.label}</legend>
      {sides.map((one) => (
        <label key={one.side} className="nc-side" data-chosen={side === one.side || undefined}>
          <input
            type="radio"
            name={name}
            checked={side === one.side}
            onChange={choose(one.side)}
            aria-describedby={`${name}-${one.side}`}
          />
          <span className="nc-side-name">{one.label}</span>
          <bdi className="nc-side-value" translate="no" id={`${name}-${one.side}`}>
            {one.parts ? (
              <Marked parts={one.parts} words={words} />
            ) : (
              <Short text={valueText(one.value, words, row.field)} words={words} />
            )}
          </bdi>
        </label>
      ))}
      <div className="nc-original">
        <span className="nc-side-name">{texts.original}</span>
        <bdi className="nc-side-value" translate="no">
          <Short text={valueText(row.original, words, row.field)} words={words} />
        </bdi>
      </div>
    </fieldset>
  )
}

function Skipped({ count, words }: { count: number; words: Words }) {
  const shown = count.toLocaleString(words.locale)
  return (
    <span className="nc-skipped">{` … ${fill(words.messages.conflict.skipped, { count: shown })} … `}</span>
  )
}

/** `ins` and `del` say to screen readers what the colours say to eyes. */
function Marked({ parts, words }: { parts: TextPart[]; words: Words }) {
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

function Short({ text, words }: { text: string; words: Words }) {
  if (text.length <= SHOWN_CHARS) return <span>{text}</span>
  return (
    <>
      <span>{`${text.slice(0, SHOWN_CHARS)}…`}</span>
      <Skipped count={text.length - SHOWN_CHARS} words={words} />
    </>
  )
}
