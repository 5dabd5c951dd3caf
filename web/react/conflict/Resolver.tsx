// The dialog itself, field by field. It lies over the page and takes the focus only where it would be lost otherwise, so that
// typing goes on. Escape inside it closes it. What is decided against is set aside, and every save is guarded.

import { type KeyboardEvent, useState } from 'react'
import {
  type Choice,
  type Choices,
  resolutionOf,
  sideOf,
  undecided,
} from '../../client/conflict/conflict-resolution.ts'
import type { ConflictField, ConflictView } from '../../client/conflict/conflict-view.ts'
import type { Parts } from '../base/parts.tsx'
import { ConflictRow } from './ConflictRow.tsx'
import type { ConflictDialogProps, DialogWords } from './dialog-props.ts'
import type { TextChoices } from './TextChooser.tsx'
import { useDialogFocus } from './useDialogFocus.ts'

interface ResolverProps extends ConflictDialogProps {
  view: ConflictView
  words: DialogWords
  parts: Parts
  /** What was put together of long texts; it outlives the dialog. */
  texts: Map<string, TextChoices>
}

export function Resolver({
  editor,
  view,
  words,
  parts,
  texts: kept,
  className,
  placement,
  modal,
  actions,
}: ResolverProps) {
  const { Button, Dialog } = parts
  const { conflict: texts, buttons } = words.messages
  const [choices, setChoices] = useState<Choices>({})
  const [isAsking, setAsking] = useState(false)
  const { dialog, remember, leaveBy } = useDialogFocus(modal === true, editor.closeConflict)
  const open = undecided(view, choices)
  const oneSided = view.fields.filter(({ isMine, isTheirs }) => !(isMine && isTheirs))
  const twoSided = view.fields.filter((row) => !oneSided.includes(row))

  const closeOnEscape = (event: KeyboardEvent) => {
    // An input method's word is given up by it.
    if (event.key !== 'Escape' || event.nativeEvent.isComposing || event.keyCode === 229) return
    event.stopPropagation()
    event.preventDefault()
    leaveBy(editor.closeConflict)()
  }
  const choose = (field: string) => (choice: Choice | null) =>
    setChoices(({ [field]: _before, ...others }) => (choice ? { ...others, [field]: choice } : others))
  const chooseAll = (side: 'mine' | 'theirs') => () =>
    setChoices((all) => ({
      ...all,
      ...Object.fromEntries(
        twoSided.map(({ field, of, theirs }): [string, Choice] => [field, { side, of, theirs }]),
      ),
    }))
  const decide = () => {
    const decision = resolutionOf(view, choices)
    if (decision) return leaveBy(() => void editor.resolve(decision))()
    setAsking(true)
    dialog.current?.querySelector<HTMLInputElement>('[data-undecided] input')?.focus()
  }
  const rowOf = (row: ConflictField) => (
    <ConflictRow
      key={row.field}
      row={row}
      side={sideOf(row, choices)}
      words={words}
      parts={parts}
      texts={kept}
      onChoose={choose(row.field)}
    />
  )
  const isRefused = view.reason === 'refused'
  return (
    <Dialog
      data-slot="nc-conflict"
      tone={isRefused ? 'refusal' : 'warning'}
      label={isRefused ? texts.title : texts.reviewTitle}
      placement={placement ?? 'end'}
      isModal={modal === true}
      place={dialog}
      className={`nc-conflict ${className ?? ''}`}
      onFocus={remember}
      onKeyDown={closeOnEscape}
    >
      <p className="nc-sentence" data-slot="nc-conflict-sentence" role={isRefused ? 'alert' : 'status'}>
        {view.sentence}
      </p>
      {view.isReloadFailed ? (
        <p className="nc-sentence" role="status">
          {texts.reloadFailed}
        </p>
      ) : (
        view.isLoading && <p role="status">{texts.loading}</p>
      )}
      {twoSided.length > 1 && (
        <div className="nc-buttons" data-slot="nc-conflict-all">
          <Button data-slot="nc-all-mine" variant="plain" onClick={chooseAll('mine')}>
            {texts.allMine}
          </Button>
          <Button data-slot="nc-all-theirs" variant="plain" onClick={chooseAll('theirs')}>
            {texts.allTheirs}
          </Button>
        </div>
      )}
      <div className="nc-conflict-scroll" data-slot="nc-conflict-fields">
        {twoSided.map(rowOf)}
        {oneSided.length > 0 && (
          <details open={twoSided.length === 0 && oneSided.length < 6}>
            <summary>{words.plural(texts.oneSided, oneSided.length)}</summary>
            {oneSided.map(rowOf)}
          </details>
        )}
      </div>
      {isAsking && open.length > 0 && (
        <p className="nc-undecided" data-slot="nc-undecided" role="alert">
          {words.fill(texts.undecided, {
            fields: words.fields(open.map(({ field }) => field)),
          })}
        </p>
      )}
      <div className="nc-buttons" data-slot="nc-conflict-actions">
        <Button data-slot="nc-resolve" variant="primary" onClick={decide} disabled={view.isLoading}>
          {buttons.resolve}
        </Button>
        <Button data-slot="nc-reload" variant="plain" onClick={leaveBy(editor.reload)}>
          {buttons.reload}
        </Button>
        <Button data-slot="nc-close" variant="plain" onClick={leaveBy(editor.closeConflict)}>
          {buttons.close}
        </Button>
        {actions?.(view)}
      </div>
    </Dialog>
  )
}
