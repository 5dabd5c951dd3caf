// An open record for a form. A thin binding: the store of the client holds everything, nothing is copied into React.

import { useEffect, useMemo, useRef } from 'react'
import type { Fields, WireRecord } from '../../server/protocol/index.ts'
import { copiesOf, hasField, isEmpty, isReadOnly } from '../client/base/values.ts'
import { editsAsText } from '../client/conflict/conflict-view.ts'
import { isNewRecord, type NewRecordOptions } from '../client/http/new-record.ts'
import type { ClientSaveOutcome } from '../client/http/outcomes.ts'
import { type BannerOptions, bannerFor } from '../client/record/banner.ts'
import { undoOf } from '../client/record/edit-transitions.ts'
import { availableVersion, newerFields } from '../client/record/remote-versions.ts'
import { canSave, initialRecordState, type RecordState, valuesOf } from '../client/record/state.ts'
import type { RecordStore } from '../client/record/store.ts'
import type { RecordClient } from '../client/record-client-options.ts'
import { type FormatValue, type Words, wordsWith } from '../client/words/messages.ts'
import { copyText } from '../dom/copy-text.ts'
import {
  fieldProps,
  formKey,
  formProps,
  rereadForm,
  saveButtonProps,
  unreadErrors,
} from './base/field-props.ts'
import { useLive, useStore } from './base/LiveProvider.tsx'
import { useAutosave } from './base/useAutosave.ts'
import { useBlankSelects } from './base/useBlankSelects.ts'
import { type ConflictFor, useConflictFor } from './base/useConflictFor.ts'
import { useHalfTyped } from './base/useHalfTyped.ts'
import { useHeldCaret } from './base/useHeldCaret.ts'
import { useStoreOf } from './base/useStoreOf.ts'
import { type TypedTexts, useTypedTexts } from './base/useTypedTexts.ts'
import type { RecordEditor } from './record-editor.ts'

/** What {@link useRecordEditor} takes beside the record's address. */
export interface EditorOptions<F extends object = Fields> extends NewRecordOptions<F> {
  /** Saves by itself, this long after the last keystroke or when the page is hidden or left, while nothing blocks it. Default: never. */
  autosaveAfterMs?: number
  /** A deleted record was created anew from the edits: go there. Without it the banner doesn't offer that. */
  onRecreated?: (record: WireRecord) => void
  /** The new record was created, of `useRecordEditor(type, null)`: the form goes on with it, as it stands. */
  onCreated?: (record: WireRecord<F>) => void
  /** Called after each save here, by whatever it was asked for: a button, the conflict's dialog, autosave, a retry. */
  onSaved?: (record: WireRecord) => void
  /** What this record's fields are called; pass the same object on each render, as of `formatValue`. */
  labels?: Record<string, string>
  /** How this record's values are shown in its dialog and copies. */
  formatValue?: FormatValue
}

/**
 * Opens a record for editing and keeps it live while the component is there. With `null` a new one: once it is created, the
 * form edits that record.
 *
 * @example
 * const editor = useRecordEditor<Project>('project', id)
 * return <form {...editor.form}>
 *   <UpdateBanner editor={editor} />
 *   <input {...editor.field('name')} />
 *   <button {...editor.saveButton}>Save</button>
 *   <ConflictDialog editor={editor} />
 * </form>
 */
export function useRecordEditor<F extends object = Fields>(
  type: string,
  id: string | null,
  options: EditorOptions<F> = {},
): RecordEditor<F> {
  const { client, words: common } = useLive()
  const { autosaveAfterMs, onRecreated, labels, formatValue } = options
  const words = useMemo(
    () => (labels || formatValue ? wordsWith(common, labels, formatValue) : common),
    [common, labels, formatValue],
  )
  const latest = useRef(options)
  latest.current = options
  const { store, owner, follow } = useStoreOf<F>(client, type, id, options)
  const isNew = isNewRecord(store.id)
  const state = useStore(store, initialRecordState)
  const texts = useTypedTexts(owner, client, store.unread)
  const key = formKey({ type: store.type, id: isNew ? '' : store.id })
  useHeldCaret(store)
  useHalfTyped(texts, key)
  useBlankSelects(texts.selects, key)
  useAutosave(store, isNew ? undefined : autosaveAfterMs)
  const conflictFor = useConflictFor()
  useEffect(
    () =>
      store.onSaved((record) => {
        if (isNew) {
          follow(record)
          latest.current.onCreated?.(record as WireRecord<F>)
        }
        latest.current.onSaved?.(record)
      }),
    [store, isNew, follow],
  )
  const editor = useMemo(
    () =>
      editorOf(store, state, words, client, texts, conflictFor, { mayRecreate: onRecreated !== undefined }),
    [store, state, words, client, texts, conflictFor, onRecreated !== undefined],
  )
  return useMemo(() => {
    if (!onRecreated) return editor
    const recreate = async () => {
      const outcome = await store.recreate()
      if (outcome?.outcome === 'created') onRecreated(outcome.record as WireRecord)
      return outcome
    }
    return { ...editor, recreate }
  }, [editor, store, onRecreated])
}

function editorOf<F extends object>(
  store: RecordStore<F>,
  state: RecordState,
  words: Words,
  client: RecordClient,
  texts: TypedTexts,
  conflictFor: ConflictFor,
  bannerOptions: BannerOptions,
): RecordEditor<F> {
  type FieldName = keyof F & string
  const { record, draft, newer } = state
  const isNew = isNewRecord(store.id)
  const id = isNew ? '' : store.id
  const highlighted = new Set(state.highlighted)
  const isFixed = !record || state.status === 'gone'
  const shown = valuesOf(state)
  const sent = (state.writing ?? state.unanswered)?.changes ?? {}
  const last = state.ownSaves.at(-1)
  const saved = last && last.version === record?.version ? last.changes : {}
  const isUnread = texts.unread().length > 0
  const change = (name: string, value: unknown) => store.change(name as FieldName, value as F[FieldName])
  const reread = (form: HTMLFormElement | null, except?: unknown) =>
    rereadForm(
      form,
      except ? [] : texts.unread(),
      texts.asked,
      (name, as) => field(name as FieldName, as && { as }),
      except,
    )
  const save = async (form: HTMLFormElement | null = null): Promise<ClientSaveOutcome<F> | null> => {
    reread(form)
    texts.insist(change)
    const unread = texts.unread()
    if (unread.length === 0) return store.save()
    const errors = Object.entries(unreadErrors(unread, words.messages))
    return { outcome: 'invalid', errors: errors.map(([name, message]) => ({ field: name, message })) }
  }
  /** What the form shows afterwards is the record's, or the edits' that were kept. */
  const anew = (act: () => void) => () => {
    texts.forget()
    act()
  }
  const revert = anew(store.revert)
  const canSaveNow = canSave(state) || (isUnread && state.status === 'clean')
  const errors = { ...state.errors, ...unreadErrors(texts.unreadable(), words.messages) }
  const field: RecordEditor<F>['field'] = (name, { as } = {}) => {
    const base = record?.fields[name]
    return fieldProps(
      {
        name,
        value: shown[name],
        base,
        unread: hasField(sent, name) ? sent[name] : (base ?? null),
        sent: hasField(draft, name) ? undefined : saved[name],
        isInvalid: hasField(errors, name),
        isHighlighted: highlighted.has(name),
        isFixed: isFixed || (!isNew && isReadOnly(record, name)),
        texts,
        locale: words.locale,
        change: (value) => change(name, value),
      },
      as,
    )
  }
  return {
    type: store.type,
    id,
    isNew,
    status: state.status,
    record: (isNew ? null : record) as WireRecord<F> | null,
    values: copiesOf(shown) as Partial<F>,
    base: (record?.fields ?? {}) as Partial<F>,
    isDirty: !isEmpty(draft) || isUnread,
    dirtyFields: Object.keys(draft) as (keyof F & string)[],
    isSaving: state.status === 'saving',
    canSave: canSaveNow,
    newer: newer && { version: newer.version, by: newer.by, at: newer.at, fields: newerFields(state) },
    available: availableVersion(state),
    conflict: state.conflict as RecordEditor<F>['conflict'],
    conflictView: conflictFor(state, words),
    errors: errors as RecordEditor<F>['errors'],
    highlighted,
    kept: (state.kept?.fields ?? null) as Partial<F> | null,
    banner: bannerFor(state, client.seconds.get(), words, bannerOptions),
    saveButton: saveButtonProps(canSaveNow),
    form: { ...formProps(save, revert, reread), 'data-nc-form': formKey({ type: store.type, id }) },
    field,
    change: store.change,
    save: () => save(),
    undo: () => store.undo(),
    canUndo: undoOf(state) !== null,
    remove: () => store.remove(),
    reload: anew(store.reload),
    restore(fields) {
      texts.forget(fields)
      store.restore(fields)
    },
    merge: () => store.merge(),
    review: () => store.review(),
    resolve(decision) {
      texts.forget([...decision.theirs, ...Object.keys(decision.edited)])
      return store.resolve(decision)
    },
    recreate: () => store.recreate(),
    revert,
    discard: anew(store.discard),
    dismiss: () => store.dismiss(),
    show: () => store.show(),
    closeConflict: () => store.closeConflict(),
    retry: () => store.retry(),
    copy: () => copyText(editsAsText(store.get(), words)),
    words,
  }
}
