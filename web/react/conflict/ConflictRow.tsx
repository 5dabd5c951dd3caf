// One field of a conflict: the original, and the sides to choose from, as radio buttons of one group. Of long texts it
// shows what differs, with a little around it; where both changed one, it can be put together part by part.

import { useId, useRef, useState } from 'react'
import type { Choice } from '../../client/conflict/conflict-resolution.ts'
import type { ConflictField, Side } from '../../client/conflict/conflict-view.ts'
import type { TextPart } from '../../client/text/text-diff.ts'
import type { Parts } from '../base/parts.tsx'
import type { DialogWords } from './dialog-props.ts'
import { MarkedText, PlainText } from './MarkedText.tsx'
import { NOTHING_CHOSEN, type TextChoices, TextChooser, textOfChoices } from './TextChooser.tsx'
import { type PlacesOfText, useTextDiff } from './useTextDiff.ts'

interface ConflictRowProps {
  row: ConflictField
  side: Side | null
  words: DialogWords
  parts: Parts
  /** What was put together before, by record, version and field. */
  texts: Map<string, TextChoices>
  /** `null`: nothing is chosen any more. */
  onChoose: (choice: Choice | null) => void
}

export function ConflictRow({ row, side, words, parts, texts: before, onChoose }: ConflictRowProps) {
  const texts = words.messages.conflict
  const name = useId()
  /** The page shows this field otherwise than it is kept, as HTML or JSON: parts of what is kept are no parts of what is shown. */
  const isAsKept = [row.original, row.mine, row.theirs].every(
    (value) => typeof value !== 'string' || value === '' || words.value(value, row.field) === value,
  )
  const diff = useTextDiff(isAsKept ? row : { ...row, original: null, mine: null, theirs: null })
  const key = `${row.of} ${row.field}`
  /** It stays while another side is chosen, and while the dialog is closed: what was typed in it is not lost by a key. */
  const [chosenParts, setChosenParts] = useState(() => before.get(key) ?? NOTHING_CHOSEN)
  const [isPartly, setPartly] = useState(false)
  const lastPlaces = useRef<PlacesOfText | null>(null)
  lastPlaces.current = diff?.parts ?? lastPlaces.current
  /** A text that was edited can be read though the others have written theirs anew since. */
  const places = diff?.parts ?? (chosenParts.edited === null ? null : lastPlaces.current)
  const isByPart = isPartly ? places : null
  const isTaken = side === 'both' && isByPart !== null
  const both = row.both ? { value: row.both.value, marked: null } : null
  const together = both ?? (diff?.both ? { value: diff.both.text, marked: diff.both.marked } : null)
  const choices: { side: Side; label: string; value: unknown; marked: TextPart[] | null }[] = [
    { side: 'mine', label: texts.mine, value: row.mine, marked: diff?.mine ?? null },
    { side: 'theirs', label: texts.theirs, value: row.theirs, marked: diff?.theirs ?? null },
    ...(together ? [{ side: 'both' as const, label: texts.both, ...together }] : []),
  ]
  const { of, theirs } = row
  const choose = (chosen: Side) => () => {
    setPartly(false)
    onChoose({ side: chosen, of, theirs, ...(chosen === 'both' && together ? { both: together.value } : {}) })
  }
  const chooseParts = (chosen: TextChoices) => {
    before.set(key, chosen)
    setChosenParts(chosen)
    setPartly(true)
    const text = places ? textOfChoices(places, chosen) : null
    onChoose(text === null ? null : { side: 'both', of, theirs, both: text })
  }
  const value = (one: { value: unknown; marked: TextPart[] | null }) =>
    one.marked ? (
      <MarkedText parts={one.marked} words={words} />
    ) : (
      <PlainText
        text={words.value(one.value, row.field)}
        words={words}
        isWhole={diff?.isRewritten === true}
      />
    )
  return (
    <fieldset
      className="nc-conflict-field"
      data-slot="nc-conflict-field"
      data-field={row.field}
      data-undecided={side === null ? '' : undefined}
    >
      <legend>{row.label}</legend>
      {choices.map((one) => (
        <label
          key={one.side}
          className="nc-side"
          data-slot="nc-side"
          data-chosen={(side === one.side && !isTaken) || undefined}
        >
          <input
            type="radio"
            name={name}
            checked={side === one.side && !isTaken}
            onChange={choose(one.side)}
            aria-describedby={`${name}-${one.side}`}
          />
          <span className="nc-side-name">{one.label}</span>
          <bdi className="nc-side-value" translate="no" id={`${name}-${one.side}`}>
            {value(one)}
          </bdi>
        </label>
      ))}
      <div className="nc-original" data-slot="nc-original">
        <span className="nc-side-name">{texts.original}</span>
        <bdi className="nc-side-value" translate="no">
          {value({ value: row.original, marked: diff?.original ?? null })}
        </bdi>
      </div>
      {places && (
        <>
          <label className="nc-side" data-slot="nc-side" data-chosen={isTaken || undefined}>
            <input type="radio" name={name} checked={isTaken} onChange={() => chooseParts(chosenParts)} />
            <span className="nc-side-name nc-side-wide">{texts.byPart}</span>
          </label>
          {isByPart && (
            <TextChooser
              text={isByPart}
              chosen={chosenParts}
              words={words}
              parts={parts}
              onChoose={chooseParts}
            />
          )}
        </>
      )}
    </fieldset>
  )
}
