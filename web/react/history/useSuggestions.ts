// The suggestions for an editor's record, and whether its form saves or proposes.

import { useEffect, useMemo, useState } from 'react'
import type { MayDecide, WireProposal } from '../../../server/protocol/index.ts'
import type { RecordClient } from '../../client/record-client-options.ts'
import type { FormProps, SaveButtonProps } from '../base/field-props.ts'
import { formProps, saveButtonProps } from '../base/field-props.ts'
import { useLive, useRecordClient, useStore } from '../base/LiveProvider.tsx'
import { personChanges, usePersonKey } from '../base/usePersonKey.ts'
import { type HistoryEditor, historyTexts } from './history-editor.ts'
import { createSuggestionStore, NO_SUGGESTIONS, type SuggestionStore } from './suggestion-store.ts'

const stores = new WeakMap<RecordClient, Map<string, SuggestionStore>>()

/** One for each record, however many parts of the page look at it; kept while some do. */
function storeOf(client: RecordClient, type: string, id: string): SuggestionStore {
  const ofClient = stores.get(client) ?? new Map<string, SuggestionStore>()
  stores.set(client, ofClient)
  const key = JSON.stringify([type, id])
  const known = ofClient.get(key)
  if (known) return known
  const made = createSuggestionStore(client, { type, id }, () => personChanges(client))
  let listeners = 0
  const store: SuggestionStore = {
    ...made,
    subscribe(listener) {
      listeners += 1
      ofClient.set(key, store)
      const stop = made.subscribe(listener)
      return () => {
        stop()
        listeners -= 1
        if (listeners === 0 && ofClient.get(key) === store) ofClient.delete(key)
      }
    },
  }
  ofClient.set(key, store)
  return store
}

export function useSuggestionStore({ type, id, record, newer }: Omit<HistoryEditor, 'words'>) {
  const client = useRecordClient()
  const store = useMemo(() => storeOf(client, type, id), [client, type, id])
  const state = useStore(store, NO_SUGGESTIONS)
  const newest = newer?.version ?? record?.version ?? 0
  useEffect(() => {
    if (newest > 0) void store.refresh()
  }, [store, newest])
  return { store, state }
}

/** What is proposed for an editor's record, as data. */
export interface EditorSuggestions {
  /** Those that nobody has decided about, the newest first. */
  open: readonly WireProposal[]
  /** `null` before it is known. */
  may: MayDecide | null
}

/** What is proposed for this record and not decided yet; it follows the record. */
export function useSuggestions(editor: Omit<HistoryEditor, 'words'>): EditorSuggestions {
  const { open, may } = useSuggestionStore(editor).state
  return { open, may }
}

/** The part of an editor that its form is made of. */
interface ProposingEditor extends HistoryEditor {
  isNew: boolean
  isSaving: boolean
  canSave: boolean
  form: FormProps
  saveButton: SaveButtonProps
  revert: () => void
}

/** A form that saves, or proposes where this person may not save. */
export interface SaveOrPropose {
  /** `none`: neither is allowed. Before it is known, it is `save`. */
  kind: 'save' | 'propose' | 'none'
  /** Instead of `editor.form`. */
  form: FormProps
  /** Instead of `editor.saveButton`. */
  button: SaveButtonProps
  /** Of a button that proposes: its label. */
  label: string
  /** Why, for who decides; empty after it was proposed. */
  note: string
  /** Types it. */
  setNote: (note: string) => void
}

/**
 * For a form of people some of whom may only propose: "Propose" takes the place of "Save".
 *
 * @example
 * const { kind, form, button, label } = useSaveOrPropose(editor)
 * return <form {...form}>… <button {...button}>{kind === 'propose' ? label : 'Save'}</button></form>
 */
export function useSaveOrPropose(editor: ProposingEditor): SaveOrPropose {
  const client = useRecordClient()
  const { may } = useSuggestions(editor)
  const { words } = useLive()
  const person = usePersonKey(client)
  const [written, setWritten] = useState({ person, note: '' })
  const note = written.person === person ? written.note : ''
  const setNote = (text: string) => setWritten({ person, note: text })
  const texts = historyTexts(editor.words ?? words)
  const kind = editor.isNew || !may || may.save ? 'save' : may.propose ? 'propose' : 'none'
  const common = { kind, note, setNote, label: editor.isSaving ? texts.proposing : texts.propose } as const
  if (kind === 'save') return { ...common, form: editor.form, button: editor.saveButton }
  const propose = async () => {
    if (kind === 'none') return null
    const outcome = await client.editor(editor.type, editor.id).propose(note)
    if (outcome?.outcome === 'proposed') setNote('')
    return outcome
  }
  return {
    ...common,
    form: { ...editor.form, ...formProps(propose, editor.revert) },
    button: saveButtonProps(kind === 'propose' && editor.canSave),
  }
}
