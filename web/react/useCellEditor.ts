// Editing a list's cells in place, for components. A thin binding: cell-editor.ts decides.

import { useEffect, useMemo, useSyncExternalStore } from 'react'
import { type CellEdit, type CellEditor, cellSentence, createCellEditor } from '../client/list/cell-editor.ts'
import type { ListStore } from '../client/list/store.ts'
import { useLive } from './LiveProvider.tsx'

/** One cell at a time. Every function may be passed on by itself. */
export interface ListCellEditor extends Omit<CellEditor, 'get' | 'subscribe'> {
  edit: CellEdit | null
  /** What is in the way of saving it. */
  sentence: string | null
  /** What the buttons of a conflict say. */
  texts: { theirs: string; mine: string; open: string }
}

/**
 * Edits cells of a live list in place.
 *
 * @example
 * const cells = useCellEditor(tasks.store)
 * <td onDoubleClick={() => cells.begin(task, 'title')}>…</td>
 */
export function useCellEditor(store: ListStore): ListCellEditor {
  const { client, words } = useLive()
  const editor = useMemo(() => createCellEditor(client, store), [client, store])
  const edit = useSyncExternalStore(editor.subscribe, editor.get, editor.get)
  useEffect(() => editor.cancel, [editor])
  return useMemo(
    () => ({ ...editor, edit, sentence: edit && cellSentence(edit, words), texts: words.messages.list }),
    [editor, edit, words],
  )
}
