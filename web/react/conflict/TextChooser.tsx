// A long text put together part by part, with the result below it, which can be edited. Invariant: a text that was edited is
// replaced only by a press of the button that says so.

import { type KeyboardEvent, useId } from 'react'
import { defaultSide, type PartSide, type TextPlace } from '../../client/text/text-parts.ts'
import type { Parts } from '../base/parts.tsx'
import type { DialogWords } from './dialog-props.ts'
import type { PlacesOfText } from './useTextDiff.ts'

/** What was chosen and typed for one text. */
export interface TextChoices {
  /** By the number of the place. */
  sides: Readonly<Record<number, PartSide>>
  /** The places that the numbers are of: choices stand for no others. */
  of: readonly TextPlace[] | null
  edited: string | null
}

export const NOTHING_CHOSEN: TextChoices = { sides: {}, of: null, edited: null }

const sidesOf = ({ places }: PlacesOfText, { sides, of }: TextChoices) => (of === places ? sides : {})

/** The text as it is now; `null` while a part is open. */
export const textOfChoices = (text: PlacesOfText, chosen: TextChoices): string | null =>
  chosen.edited ?? text.textOf(text.places, sidesOf(text, chosen))

interface TextChooserProps {
  text: PlacesOfText
  chosen: TextChoices
  words: DialogWords
  parts: Parts
  onChoose: (chosen: TextChoices) => void
}

const CONTEXT_CHARS = 40

export function TextChooser({ text, chosen, words, parts: { Button }, onChoose }: TextChooserProps) {
  const texts = words.messages.conflict
  const resultId = useId()
  const { places } = text
  const sides = sidesOf(text, chosen)
  const isEdited = chosen.edited !== null
  const changed = [...places.entries()].filter(([, { kind }]) => kind !== 'same')
  const choose = (now: TextChoices['sides']) => onChoose({ sides: now, of: places, edited: null })
  const all = (side: PartSide) => () => choose(Object.fromEntries(changed.map(([number]) => [number, side])))
  const result = textOfChoices(text, chosen)
  /** What was typed here is not thrown away by one key. */
  const leaveOnEscape = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.key !== 'Escape' || event.nativeEvent.isComposing || !isEdited) return
    event.stopPropagation()
    event.currentTarget.closest<HTMLElement>('[tabindex]')?.focus({ preventScroll: true })
  }
  return (
    <div className="nc-parts" data-slot="nc-parts">
      <div className="nc-buttons">
        <Button data-slot="nc-parts-mine" variant="plain" onClick={all('mine')} disabled={isEdited}>
          {texts.allMine}
        </Button>
        <Button data-slot="nc-parts-theirs" variant="plain" onClick={all('theirs')} disabled={isEdited}>
          {texts.allTheirs}
        </Button>
      </div>
      <ol className="nc-part-list">
        {changed.map(([number, place], index) => (
          <li key={place.original + String(number)}>
            <Part
              label={words.fill(texts.part, { number: index + 1, count: changed.length })}
              before={places[number - 1]}
              after={places[number + 1]}
              place={place}
              side={sides[number] ?? defaultSide(place)}
              isFixed={isEdited}
              words={words}
              onChoose={(side) => choose({ ...sides, [number]: side })}
            />
          </li>
        ))}
      </ol>
      <label className="nc-side-name" htmlFor={resultId}>
        {texts.result}
      </label>
      <textarea
        id={resultId}
        className="nc-result"
        data-slot="nc-result"
        translate="no"
        dir="auto"
        rows={5}
        value={result ?? ''}
        readOnly={result === null}
        placeholder={words.fill(texts.undecided, { fields: texts.byPart })}
        onKeyDown={leaveOnEscape}
        onChange={({ target }) => onChoose({ sides, of: places, edited: target.value })}
      />
      {isEdited && (
        <Button data-slot="nc-undo" variant="plain" onClick={() => choose(sides)}>
          {words.messages.buttons.undo}
        </Button>
      )}
    </div>
  )
}

interface PartProps {
  label: string
  before: TextPlace | undefined
  after: TextPlace | undefined
  place: TextPlace
  side: PartSide | null
  isFixed: boolean
  words: DialogWords
  onChoose: (side: PartSide) => void
}

function Part({ label, before, after, place, side, isFixed, words, onChoose }: PartProps) {
  const { messages } = words
  const { mine, theirs, both, original } = messages.conflict
  const name = useId()
  const sides: [PartSide, string, string][] = [
    ['mine', place.kind === 'theirs' ? original : mine, place.mine],
    ['theirs', place.kind === 'mine' ? original : theirs, place.theirs],
    ...(place.kind === 'both' ? [['both', both, ''] as [PartSide, string, string]] : []),
  ]
  return (
    <fieldset className="nc-part" data-slot="nc-part" data-undecided={side === null ? '' : undefined}>
      <legend>{label}</legend>
      <bdi className="nc-part-context" translate="no">
        {before && `…${before.original.slice(-CONTEXT_CHARS)}`}
        <mark>{place.original === '' ? '‸' : place.original}</mark>
        {after && `${after.original.slice(0, CONTEXT_CHARS)}…`}
      </bdi>
      {sides.map(([one, text, value]) => (
        <label key={one} className="nc-side" data-slot="nc-side" data-chosen={side === one || undefined}>
          <input
            type="radio"
            name={name}
            checked={side === one}
            disabled={isFixed}
            onChange={() => onChoose(one)}
          />
          <span className="nc-side-name">{text}</span>
          <bdi className="nc-side-value" translate="no">
            {one === 'both' ? '' : value === '' ? messages.conflict.nothing : value}
          </bdi>
        </label>
      ))}
    </fieldset>
  )
}
