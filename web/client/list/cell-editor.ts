// Editing one cell of a list in place, guarded like a form: it saves with the version that its row had when the edit
// began. Invariant: what is typed stays until it is saved or cancelled, and until then the list around it does not move.

import type { Fields, StaleProblem, WireRecord } from '../../../server/protocol/index.ts'
import type { Stop } from '../base/clock.ts'
import { plainFields, plainValue } from '../base/plain-value.ts'
import { createWritable, type Readable } from '../base/store.ts'
import { isEmpty, isSame, pick } from '../base/values.ts'
import { conflictFor } from '../conflict/conflict-fields.ts'
import type { ConflictView } from '../conflict/conflict-view.ts'
import type { ClientSaveOutcome, Refusal } from '../http/outcomes.ts'
import type { Requests } from '../http/requests.ts'
import { mergedByItself } from '../record/merged-by-itself.ts'
import { initialRecordState } from '../record/state.ts'
import type { Decision } from '../record/store.ts'
import { englishListMessages } from '../words/list-messages.ts'
import { fill, listFields, problemText, textsOf, type Words, whoWrote } from '../words/messages.ts'
import type { ListStore } from './store.ts'

/** The one cell that is being edited. */
export interface CellEdit {
  /** The row's. */
  id: string
  /** The column's field. */
  field: string
  /** What is typed. */
  value: unknown
  /** What was decided besides, in other fields of the row, when both sides were looked at. */
  others: Fields
  /** What the edit is built on. */
  base: WireRecord
  /** `conflicted`: somebody else has changed the record. `refused`: `rowError` or `refusal` says why. */
  status: 'editing' | 'saving' | 'conflicted' | 'refused'
  /** Somebody else changed the record: theirs, or mine over theirs. */
  conflict: StaleProblem | null
  /** The server's error about the value. */
  rowError: string | null
  /** Why the last save got no useful answer. */
  refusal: Refusal | null
}

/** The last save of a cell, which can be undone. */
export interface SavedCell {
  /** The row's. */
  id: string
  /** The cell's field; `before` may have others that were decided with it. */
  field: string
  /** The version that it made. */
  version: number
  /** What it replaced. */
  before: Fields
  /** What it was replaced with. */
  after: Fields
}

/** Editing in the cells of a list, one cell at a time. */
export interface CellEditor extends Readable<CellEdit | null> {
  /** `false` where another cell has unsaved edits. */
  begin(record: WireRecord, field: string): boolean
  /** Types a value into the cell. */
  change(value: unknown): void
  /** `true` once nothing is left to save. */
  save(): Promise<boolean>
  /** Drops what was typed. */
  cancel(): void
  /** Drops what was typed and shows what the others wrote. */
  takeTheirs(): void
  /** Saves what was typed over what the others wrote, having seen it. */
  keepMine(): Promise<boolean>
  /** Applies a decision of the conflict's dialog (`cellConflict`) and saves it, guarded like any save. */
  resolve(decision: Decision): Promise<boolean>
  /** Back to the cell, with nothing decided: what is in the way stays said, and a save shows both sides again. */
  closeConflict(): void
  /** The last save here, while it can be undone; `null` before the first and once another person is signed in. */
  lastSaved: Readable<SavedCell | null>
  /**
   * Undoes the last save, as a version of its own, guarded like any save: values that somebody else has changed since are a
   * `conflict`, and stay. `null`: there is nothing to undo, or a cell is being edited.
   */
  undo(): Promise<ClientSaveOutcome<Fields> | null>
}

/** Edits cells of a list without React; `useCellEditor` is the same as a hook. */
export function createCellEditor(
  client: Pick<Requests, 'save'> & { onStale?: 'reject' | 'merge' },
  list: ListStore,
): CellEditor {
  const state = createWritable<CellEdit | null>(null)
  const lastSaved = createWritable<SavedCell | null>(null)
  let release: Stop = () => {}
  let stopSaved: Stop = () => {}

  function keepSaved(saved: SavedCell | null) {
    stopSaved()
    stopSaved = saved ? list.onLeft(() => keepSaved(null)) : () => {}
    lastSaved.set(saved)
  }

  function end() {
    state.set(null)
    release()
  }

  /** The person changes: no cell is edited. */
  function leave() {
    state.replace(null)
    release()
  }

  /** What is sent: what differs from the version that it is built on. */
  const changesOf = ({ field, value, others, base }: CellEdit): Fields =>
    pick({ ...others, [field]: value }, (name, one) => !isSame(one, base.fields[name]))

  /** A refused save whose changes fit together with the others': the edit on their version, or `null`. */
  async function mergedEdit(edit: CellEdit, problem: StaleProblem): Promise<CellEdit | null> {
    const { base, field, others } = edit
    const merged =
      client.onStale === 'merge' &&
      (await mergedByItself(
        () => ({ record: base, draft: changesOf(edit) }),
        { kind: 'save', clientVersion: base.version },
        problem,
      ))
    if (!merged) return null
    const { [field]: value = edit.value, ...rest } = merged.edited
    return { ...edit, base: problem.current, value, others: { ...others, ...rest } }
  }

  async function send(edit: CellEdit): Promise<boolean> {
    const { id, field, value, base } = edit
    const changes = changesOf(edit)
    const sent: CellEdit = { ...edit, status: 'saving', conflict: null, rowError: null, refusal: null }
    state.set(sent)
    const outcome = await client.save(list.type, id, {
      clientVersion: base.version,
      changes,
      ...(client.onStale && { onStale: client.onStale }),
    })
    if (outcome.outcome === 'saved') {
      const before = pick(base.fields, (name) => Object.hasOwn(changes, name))
      keepSaved({ id, field, version: outcome.record.version, before, after: changes })
    }
    const merged = outcome.outcome === 'conflict' ? await mergedEdit(edit, outcome.problem) : null
    const now = state.get()
    if (now?.id !== id || now.field !== field || now.status !== 'saving') return true
    if (outcome.outcome === 'saved') {
      if (isSame(now.value, value)) {
        end()
        return true
      }
      state.set({ ...now, others: {}, base: outcome.record, status: 'editing' })
      return false
    }
    if (merged && isSame(now.value, value)) return send(merged)
    if (outcome.outcome === 'conflict') state.set({ ...now, status: 'conflicted', conflict: outcome.problem })
    else if (outcome.outcome === 'invalid')
      state.set({ ...now, status: 'refused', rowError: outcome.errors[0]?.message ?? '' })
    else state.set({ ...now, status: 'refused', refusal: outcome })
    return false
  }

  return {
    get: state.get,
    subscribe: state.subscribe,
    begin(record, field) {
      const now = state.get()
      if (now?.id === record.id && now.field === field) return true
      if (now && (now.status !== 'editing' || !isSame(now.value, now.base.fields[now.field]))) return false
      release()
      const stops = [list.hold(), list.onLeft(leave)]
      release = () => {
        for (const stop of stops) stop()
      }
      state.set({
        id: record.id,
        field,
        value: record.fields[field],
        others: {},
        base: record,
        status: 'editing',
        conflict: null,
        rowError: null,
        refusal: null,
      })
      return true
    },
    change(value) {
      const now = state.get()
      if (!now) return
      const status = now.status === 'refused' ? 'editing' : now.status
      state.set({ ...now, value: plainValue(now.field, value), status, rowError: null, refusal: null })
    },
    async save() {
      const now = state.get()
      if (!now) return true
      if (now.status === 'saving' || now.status === 'conflicted') return false
      if (!isSame(now.value, now.base.fields[now.field])) return send(now)
      end()
      return true
    },
    cancel: end,
    takeTheirs() {
      end()
      void list.reload()
    },
    async keepMine() {
      const now = state.get()
      return now?.conflict ? send({ ...now, base: now.conflict.current }) : false
    },
    async resolve({ version, theirs, edited }) {
      const now = state.get()
      const current = now?.conflict?.current
      if (now?.status !== 'conflicted' || current?.version !== version) return false
      const { field } = now
      const mine = pick({ ...now.others, [field]: now.value }, (name) => !theirs.includes(name))
      const { [field]: value = current.fields[field], ...others } = { ...mine, ...plainFields(edited) }
      const decided = { ...now, base: current, value, others }
      if (!isEmpty(changesOf(decided))) return send(decided)
      end()
      await list.reload()
      return true
    },
    closeConflict() {
      const now = state.get()
      if (now?.status === 'conflicted') state.set({ ...now, status: 'editing' })
    },
    lastSaved,
    async undo() {
      const saved = lastSaved.get()
      if (!saved || state.get()) return null
      keepSaved(null)
      const { id, version: clientVersion, before: changes } = saved
      const outcome = await client.save(list.type, id, {
        clientVersion,
        changes,
        ...(client.onStale && { onStale: client.onStale }),
      })
      // Nothing was written: it can be tried again.
      if (outcome.outcome === 'unreachable' && lastSaved.get() === null) keepSaved(saved)
      return outcome
    },
  }
}

/** Both sides of a cell's row as data, for the same dialog as a form's; `null` where no save was refused by a newer version. */
export function cellConflict(
  { status, base, field, value, others, conflict }: CellEdit,
  words: Words,
): ConflictView | null {
  if (status !== 'conflicted') return null
  const draft = { ...others, [field]: value }
  return conflictFor({ ...initialRecordState, status, record: base, draft, conflict }, words)
}

/** Why a cell is not saved, in one sentence; `null` where nothing prevents it. */
export function cellSentence({ conflict, rowError, refusal }: CellEdit, words: Words): string | null {
  const texts = textsOf(words, 'list', englishListMessages)
  if (conflict) {
    const who = whoWrote(conflict.updated_by, words, 'start')
    const { changed_fields: changed } = conflict
    return changed && changed.length > 0
      ? fill(texts.cellStale, { who, fields: listFields(changed, words) })
      : fill(texts.cellStaleSome, { who })
  }
  if (rowError !== null) return fill(texts.cellNotSaved, { detail: rowError })
  switch (refusal?.outcome) {
    case undefined:
      return null
    case 'unreachable':
      return texts.cellUnreachable
    case 'unauthenticated':
      return texts.cellSignedOut
    case 'gone':
    case 'not_found':
      return texts.cellGone
    case 'forbidden':
    case 'failed':
      return fill(texts.cellNotSaved, { detail: problemText(refusal.problem, words) })
  }
}
