// What was saved in a cell just now, with a button that undoes it. Ctrl+Z does the same where nothing is typed.
import type { ListCellEditor } from 'noclobber/react'
import { useCallback, useEffect, useState } from 'react'
import { labelOfColumn, type TaskColumn } from './task-columns.ts'
import { TASK_WORDS } from './task-words.ts'

const SHOWN_MS = 10_000

const isUndoKey = ({ key, ctrlKey, metaKey, shiftKey, altKey, target }: KeyboardEvent) =>
  key === 'z' &&
  (ctrlKey || metaKey) &&
  !shiftKey &&
  !altKey &&
  !(target instanceof HTMLElement && target.matches('input:not([type=checkbox]), textarea, select'))

/** `isBusy`: something else is being done; what was saved before isn't news then. */
export const SavedCell = ({ cells, isBusy }: { cells: ListCellEditor; isBusy: boolean }) => {
  const { lastSaved, edit, undo } = cells
  const [text, setText] = useState<string | null>(null)
  const label = lastSaved ? labelOfColumn(lastSaved.field as TaskColumn) : ''

  useEffect(() => {
    if (lastSaved) setText(TASK_WORDS.cellSaved(label))
  }, [lastSaved, label])
  useEffect(() => {
    if (isBusy) setText(null)
  }, [isBusy])
  useEffect(() => {
    if (text === null) return
    const timer = setTimeout(() => setText(null), SHOWN_MS)
    return () => clearTimeout(timer)
  }, [text])

  const undoLast = useCallback(async () => {
    const outcome = await undo()
    if (outcome?.outcome === 'saved') setText(TASK_WORDS.cellUndone(label))
    else if (outcome) setText(TASK_WORDS.cellStays(label))
  }, [undo, label])
  useEffect(() => {
    if (!lastSaved || edit || isBusy) return
    const onKey = (event: KeyboardEvent) => {
      if (!isUndoKey(event)) return
      event.preventDefault()
      void undoLast()
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [lastSaved, edit, isBusy, undoLast])

  if (text === null || edit) return null
  return (
    <section className="bulk-bar">
      <span className="soft" role="status">
        {text}
      </span>
      {lastSaved && (
        <button type="button" className="button" onClick={undoLast}>
          {TASK_WORDS.undo}
        </button>
      )}
    </section>
  )
}
