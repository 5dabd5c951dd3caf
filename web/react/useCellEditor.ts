// Editing a list's cells in place, for components. A thin binding: cell-editor.ts decides.

import { useEffect, useMemo, useRef } from 'react'
import { isReadOnly } from '../client/base/values.ts'
import type { ConflictView } from '../client/conflict/conflict-view.ts'
import {
  type CellEdit,
  type CellEditor,
  cellConflict,
  cellSentence,
  createCellEditor,
  type SavedCell,
} from '../client/list/cell-editor.ts'
import type { ListStore } from '../client/list/store.ts'
import { englishListMessages } from '../client/words/list-messages.ts'
import { fill, textsOf, type Words } from '../client/words/messages.ts'
import { type FieldProps, fieldProps, type InputKind, unreadErrors } from './base/field-props.ts'
import { useLive, useStore } from './base/LiveProvider.tsx'
import { useBlankSelects } from './base/useBlankSelects.ts'
import { type TypedTexts, useTypedTexts } from './base/useTypedTexts.ts'

/** One cell at a time. Every function may be passed on by itself. */
export interface ListCellEditor extends Omit<CellEditor, 'get' | 'subscribe' | 'lastSaved'> {
  /** Props for the input of the cell that is edited, as an editor's `field`. */
  field(options?: { as?: InputKind }): FieldProps
  /** The cell that is edited; `null`: none. */
  edit: CellEdit | null
  /** The last save here, for a button that undoes it. */
  lastSaved: SavedCell | null
  /** What is in the way of saving it. */
  sentence: string | null
  /** A newer version in the way: `<ConflictDialog editor={cells} />` shows both sides, as in a form. */
  conflictView: ConflictView | null
  /** The dialog's way back: shows what the others wrote. */
  reload: () => void
  /** The words that it speaks: the provider's, with its own labels and formats. */
  words: Words
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
  const edit = useStore(editor, null)
  const lastSaved = useStore(editor.lastSaved, null)
  useEffect(() => editor.cancel, [editor])
  const texts = useTypedTexts(edit?.base ?? store, client)
  useBlankSelects(texts.selects, null)
  const now = useRef(texts)
  now.current = texts
  const acts = useMemo(() => guarded(editor, now), [editor])
  return useMemo(() => {
    const own = textsOf(words, 'list', englishListMessages)
    const [unreadable] = Object.values(unreadErrors(texts.unreadable(), words.messages))
    const sentence =
      unreadable !== undefined
        ? fill(own.cellNotSaved, { detail: unreadable })
        : edit && cellSentence(edit, words)
    const isInvalid = unreadable !== undefined || edit?.status === 'refused'
    const field: ListCellEditor['field'] = ({ as } = {}) => {
      const base = edit?.base.fields[edit.field]
      return fieldProps(
        {
          name: edit?.field ?? '',
          value: edit?.value,
          base,
          unread: base ?? null,
          isInvalid,
          isHighlighted: false,
          isFixed: !edit || isReadOnly(edit.base, edit.field),
          texts,
          locale: words.locale,
          change: editor.change,
        },
        as,
      )
    }
    const conflictView = edit && cellConflict(edit, words)
    const shown = { edit, lastSaved, field, sentence, conflictView, words, texts: own }
    return { ...editor, ...acts, ...shown, reload: editor.takeTheirs }
  }, [editor, acts, edit, lastSaved, words, texts])
}

/** A text that is no value is not saved, and the cell stays open for it. */
const guarded = (
  editor: CellEditor,
  now: { current: TypedTexts },
): Pick<CellEditor, 'save' | 'keepMine' | 'resolve'> => {
  const unless = (act: () => Promise<boolean>) => async () => {
    now.current.insist((_field, value) => editor.change(value))
    return now.current.unread().length === 0 && act()
  }
  return {
    save: unless(editor.save),
    keepMine: unless(editor.keepMine),
    resolve(decision) {
      now.current.forget()
      return editor.resolve(decision)
    },
  }
}
