// An open record as a form has it: what it shows, and what a person does.

import type { Fields, StaleProblem, WireRecord, Writer } from '../../server/protocol/index.ts'
import type { ConflictView } from '../client/conflict/conflict-view.ts'
import type { ClientCreateOutcome, ClientRemoveOutcome, ClientSaveOutcome } from '../client/http/outcomes.ts'
import type { Banner } from '../client/record/banner.ts'
import type { RecordStatus } from '../client/record/state.ts'
import type { Decision } from '../client/record/store.ts'
import type { Words } from '../client/words/messages.ts'
import type { FieldProps, FormProps, InputKind, SaveButtonProps } from './base/field-props.ts'

/** A newer version that is known and not shown. */
export interface EditorNewerVersion {
  /** Its number. */
  version: number
  /** Who made it; `null` only where nothing is known. */
  by: Writer | null
  /** In this machine's milliseconds. */
  at: number
  /** The fields it changed, as far as known. */
  fields: string[] | null
}

/** One record in a form. Every function may be passed on by itself: `onClick={editor.save}`. */
export interface RecordEditor<F extends object = Fields> {
  /** The record type's name. */
  type: string
  /** Empty while it is new. */
  id: string
  /** Its first save creates it. */
  isNew: boolean
  /** `loading`, `clean`, `dirty`, `saving`, `behind`, `conflicted`, `gone`, `offline`, `forbidden` or `signed_out`. */
  status: RecordStatus
  /** The version that is shown, `null` before the first load, while it is new, and after access has gone. */
  record: WireRecord<F> | null
  /** What the form shows: `base` with the unsaved edits over it. */
  values: Partial<F>
  /** The fields of the shown version. */
  base: Partial<F>
  /** Something is typed that differs from the shown version. */
  isDirty: boolean
  /** Which fields. */
  dirtyFields: (keyof F & string)[]
  /** A write has been sent and has no answer yet. */
  isSaving: boolean
  /** There is something to save, and nothing is in its way: no write under way, no invalid number, no conflict to decide about. */
  canSave: boolean
  /** A version that others have made since. */
  newer: EditorNewerVersion | null
  /** The refusal of the last save, until it is reloaded or closed. */
  conflict: (StaleProblem & { current: WireRecord<F> }) | null
  /** The same, field by field, for a resolver of your own; also while {@link review} is open. */
  conflictView: ConflictView | null
  /** The server's error for each field; gone when the field is typed in. */
  errors: Partial<Record<keyof F & string, string>>
  /** Fields that somebody else changed within the last three seconds. */
  highlighted: ReadonlySet<string>
  /** Edits set aside by a reload; `restore` applies them again. */
  kept: Partial<F> | null
  /** What `<UpdateBanner>` shows, as data. `null`: nothing. */
  banner: Banner | null
  /** Props for the form: it saves and stays on the page, and its reset sets the edits aside: `<form {...editor.form}>`. */
  form: FormProps
  /** Props for the button that saves: `<button {...editor.saveButton}>Save</button>`. */
  saveButton: SaveButtonProps
  /** Props for an input: `<input type="number" {...editor.field('budget', { as: 'number' })} />`. */
  field(name: keyof F & string, options?: { as?: InputKind }): FieldProps
  /** Types a value into a field; the record's own is no edit. @throws TypeError for what JSON has no form for (a map, a file). */
  change<K extends keyof F & string>(name: K, value: F[K]): void
  /** Never rejects. `null`: there was nothing to send. A second click while one is on its way sends nothing twice. */
  save: () => Promise<ClientSaveOutcome<F> | null>
  /** Undoes the last save here, as a version of its own; where others have changed the same since, both sides are shown. */
  undo: () => Promise<ClientSaveOutcome<F> | null>
  /** For a button that lasts longer than the banner's. */
  canUndo: boolean
  /** Deletes the record, if it is still at the shown version. Never rejects. `null`: there was nothing to delete. */
  remove: () => Promise<ClientRemoveOutcome | null>
  /** Shows the newest version; what is typed is set aside in {@link kept}. */
  reload: () => void
  /** Without names: all kept edits. */
  restore: (fields?: readonly (keyof F & string)[]) => void
  /** My edits on top of the newest version; overlapping ones are reviewed. */
  merge: () => void
  /** Shows both sides before anything is sent. */
  review: () => void
  /** Applies a decision (`resolutionOf`) and saves it, guarded like any save. `null`: nothing was sent. */
  resolve: (decision: Decision) => Promise<ClientSaveOutcome<F> | null>
  /** Makes a deleted record anew, from what is shown and typed. `null`: it is not deleted. */
  recreate: () => Promise<ClientCreateOutcome<F> | null>
  /** Back to the shown version; {@link restore} undoes it. */
  revert: () => void
  /** For a form that is closed, as a dialog's Cancel: it shows the record when it is opened again, and offers the edits. */
  discard: () => void
  /** Puts the banner of this version away. Saves stay guarded. */
  dismiss: () => void
  /** The newer version whose banner was dismissed, while it lasts. */
  available: number | null
  /** Shows the banner of that version again. */
  show: () => void
  /** Closes the conflict without a decision; what is typed stays. */
  closeConflict: () => void
  /** Sends again what failed: the save where something is typed, otherwise the load. */
  retry: () => void
  /** Puts the unsaved edits on the clipboard as text; `false` where the browser does not allow it. */
  copy: () => Promise<boolean>
  /** The words that this editor speaks: the provider's, with its own labels and formats. */
  words: Words
}
