// The dialog in which the user decides between their edits and a newer version, field by field: after a refused save, on
// review, and after edits were restored. It lies over the page and takes the focus only where it would be lost otherwise, so
// that typing goes on. Escape inside it closes it. What is decided against is set aside, and every save is guarded.

import { type FocusEvent, type KeyboardEvent, useEffect, useRef, useState } from 'react'
import {
  type Choice,
  type Choices,
  resolutionOf,
  sideOf,
  undecided,
} from '../client/record/conflict-resolution.ts'
import type { ConflictView } from '../client/record/conflict-view.ts'
import type { Decision } from '../client/record/store.ts'
import { fill, fillPlural, listFields, type Words } from '../client/words/messages.ts'
import { ConflictRow } from './ConflictRow.tsx'
import { useLive } from './LiveProvider.tsx'

/** The part of an editor that the dialog uses. */
export interface ConflictEditor {
  conflictView: ConflictView | null
  resolve: (decision: Decision) => unknown
  reload: () => void
  closeConflict: () => void
  /** The editor's own labels and formats; without them the provider's. */
  words?: Words
}

/** Shows itself when a save was refused or both sides are to be looked at, and nothing otherwise. */
export function ConflictDialog({ editor }: { editor: ConflictEditor }) {
  return (
    editor.conflictView && (
      <Resolver key={editor.conflictView.key} editor={editor} view={editor.conflictView} />
    )
  )
}

const isTypedIn = (element: Element | null) =>
  element instanceof HTMLElement && element.matches('input, textarea, select, [contenteditable]')

function Resolver({ editor, view }: { editor: ConflictEditor; view: ConflictView }) {
  const live = useLive()
  const words = editor.words ?? live.words
  const { conflict: texts, buttons } = words.messages
  const [choices, setChoices] = useState<Choices>({})
  const [isAsking, setAsking] = useState(false)
  const dialog = useRef<HTMLDialogElement>(null)
  const cameFrom = useRef<Element | null>(null)
  const open = undecided(view, choices)
  const oneSided = view.fields.filter(({ isMine, isTheirs }) => !(isMine && isTheirs))
  const twoSided = view.fields.filter((row) => !oneSided.includes(row))

  useEffect(() => {
    cameFrom.current ??= document.activeElement
    if (!isTypedIn(document.activeElement)) dialog.current?.focus({ preventScroll: true })
  }, [])

  const remember = ({ relatedTarget, currentTarget }: FocusEvent) => {
    if (relatedTarget && !currentTarget.contains(relatedTarget)) cameFrom.current = relatedTarget
  }
  /** The pressed button goes away with the dialog: the focus goes back to where it came from. */
  const leaveBy = (act: () => void) => () => {
    if (cameFrom.current instanceof HTMLElement) cameFrom.current.focus()
    act()
  }
  const closeOnEscape = (event: KeyboardEvent) => {
    if (event.key !== 'Escape') return
    event.stopPropagation()
    leaveBy(editor.closeConflict)()
  }
  const choose = (field: string) => (choice: Choice) => setChoices((all) => ({ ...all, [field]: choice }))
  const decide = () => {
    const decision = resolutionOf(view, choices)
    if (decision) return leaveBy(() => void editor.resolve(decision))()
    setAsking(true)
    dialog.current?.querySelector<HTMLInputElement>('[data-undecided] input')?.focus()
  }
  const rowOf = (row: ConflictView['fields'][number]) => (
    <ConflictRow
      key={row.field}
      row={row}
      side={sideOf(row, choices)}
      words={words}
      onChoose={choose(row.field)}
    />
  )
  const isRefused = view.reason === 'refused'
  return (
    <dialog
      open
      ref={dialog}
      tabIndex={-1}
      className={`nc-conflict ${isRefused ? 'nc-refusal' : 'nc-warning'}`}
      aria-label={isRefused ? texts.title : texts.reviewTitle}
      onFocus={remember}
      onKeyDown={closeOnEscape}
    >
      <p className="nc-sentence" role={isRefused ? 'alert' : 'status'}>
        {view.sentence}
      </p>
      {view.isReloadFailed ? (
        <p className="nc-sentence" role="status">
          {texts.reloadFailed}
        </p>
      ) : (
        view.isLoading && <p role="status">{texts.loading}</p>
      )}
      <div className="nc-conflict-scroll">
        {twoSided.map(rowOf)}
        {oneSided.length > 0 && (
          <details open={twoSided.length === 0 && oneSided.length < 6}>
            <summary>{fillPlural(texts.oneSided, oneSided.length, words.locale)}</summary>
            {oneSided.map(rowOf)}
          </details>
        )}
      </div>
      {isAsking && open.length > 0 && (
        <p className="nc-undecided" role="alert">
          {fill(texts.undecided, {
            fields: listFields(
              open.map(({ field }) => field),
              words,
            ),
          })}
        </p>
      )}
      <div className="nc-buttons">
        <button type="button" className="nc-button nc-primary" onClick={decide} disabled={view.isLoading}>
          {buttons.resolve}
        </button>
        <button type="button" className="nc-button" onClick={leaveBy(editor.reload)}>
          {buttons.reload}
        </button>
        <button type="button" className="nc-button" onClick={leaveBy(editor.closeConflict)}>
          {buttons.close}
        </button>
      </div>
    </dialog>
  )
}
