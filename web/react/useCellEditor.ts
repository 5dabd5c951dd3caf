// Editing a list's cells in place, for components. A thin binding: cell-editor.ts decides.

import { useEffect, useMemo, useRef, useSyncExternalStore } from 'react'
import { type CellEdit, type CellEditor, cellSentence, createCellEditor } from '../client/list/cell-editor.ts'
import type { ListStore } from '../client/list/store.ts'
import { fill } from '../client/words/messages.ts'
import { type FieldProps, fieldProps, type InputKind } from './field-props.ts'
import { useLive } from './LiveProvider.tsx'
import { type TypedTexts, useTypedTexts } from './useTypedTexts.ts'

/** One cell at a time. Every function may be passed on by itself. */
export interface ListCellEditor extends Omit<CellEditor, 'get' | 'subscribe'> {
  /** Props for the input of the cell that is edited, as an editor's `field`. */
  field(options?: { as?: InputKind }): FieldProps
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
  const texts = useTypedTexts(edit?.base ?? store, client.personId())
  const now = useRef(texts)
  now.current = texts
  const acts = useMemo(() => guarded(editor, now), [editor])
  return useMemo(() => {
    const isUnreadable = texts.unreadable().length > 0
    const sentence = isUnreadable
      ? fill(words.messages.list.cellNotSaved, { detail: words.messages.notANumber })
      : edit && cellSentence(edit, words)
    const field: ListCellEditor['field'] = ({ as = 'text' } = {}) =>
      fieldProps(
        {
          ...{ name: edit?.field ?? '', value: edit?.value, base: edit?.base.fields[edit.field] },
          ...{ isInvalid: isUnreadable || edit?.status === 'refused', isHighlighted: false, isFixed: !edit },
          ...{ texts, locale: words.locale, change: editor.change },
        },
        as,
      )
    return { ...editor, ...acts, edit, field, sentence, texts: words.messages.list }
  }, [editor, acts, edit, words, texts])
}

/** A text that is no value is not saved, and the cell stays open for it. */
const guarded = (editor: CellEditor, now: { current: TypedTexts }): Pick<CellEditor, 'save' | 'keepMine'> => {
  const unless = (act: () => Promise<boolean>) => async () => {
    if (now.current.unread().length === 0) return act()
    now.current.insist()
    return false
  }
  return { save: unless(editor.save), keepMine: unless(editor.keepMine) }
}
