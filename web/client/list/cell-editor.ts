// Editing one cell of a list in place, guarded like a form: it saves with the version that its row had when the edit
// began. Invariant: what is typed stays until it is saved or cancelled, and until then the list around it does not move.

import type { StaleProblem, WireRecord } from '../../../server/protocol/index.ts'
import type { Stop } from '../base/clock.ts'
import { plainValue } from '../base/plain-value.ts'
import { createWritable, type Readable } from '../base/store.ts'
import { isSame } from '../base/values.ts'
import type { Refusal } from '../http/outcomes.ts'
import type { Requests } from '../http/requests.ts'
import { fill, listFields, problemText, type Words, whoWrote } from '../words/messages.ts'
import type { ListStore } from './store.ts'

/** The one cell that is being edited. */
export interface CellEdit {
  id: string
  field: string
  value: unknown
  /** What the edit is built on. */
  base: WireRecord
  status: 'editing' | 'saving' | 'conflicted' | 'refused'
  /** Somebody else changed the record: theirs, or mine over theirs. */
  conflict: StaleProblem | null
  /** The server's error about the value. */
  rowError: string | null
  refusal: Refusal | null
}

export interface CellEditor extends Readable<CellEdit | null> {
  /** `false` where another cell has unsaved edits. */
  begin(record: WireRecord, field: string): boolean
  change(value: unknown): void
  /** `true` once nothing is left to save. */
  save(): Promise<boolean>
  cancel(): void
  /** Drops what was typed and shows what the others wrote. */
  takeTheirs(): void
  /** Saves what was typed over what the others wrote, having seen it. */
  keepMine(): Promise<boolean>
}

export function createCellEditor(
  client: Pick<Requests, 'save'> & { onStale?: 'reject' | 'merge' },
  list: ListStore,
): CellEditor {
  const state = createWritable<CellEdit | null>(null)
  let release: Stop = () => {}

  function end() {
    state.set(null)
    release()
  }

  /** The person changes: no cell is edited. */
  function leave() {
    state.replace(null)
    release()
  }

  async function send(edit: CellEdit): Promise<boolean> {
    const { id, field, value, base } = edit
    const sent: CellEdit = { ...edit, status: 'saving', conflict: null, rowError: null, refusal: null }
    state.set(sent)
    const outcome = await client.save(list.type, id, {
      clientVersion: base.version,
      changes: { [field]: value },
      ...(client.onStale && { onStale: client.onStale }),
    })
    const now = state.get()
    if (now?.id !== id || now.field !== field || now.status !== 'saving') return true
    if (outcome.outcome === 'saved') {
      if (isSame(now.value, value)) {
        end()
        return true
      }
      state.set({ ...now, base: outcome.record, status: 'editing' })
      return false
    }
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
        ...{ id: record.id, field, value: record.fields[field], base: record, status: 'editing' },
        ...{ conflict: null, rowError: null, refusal: null },
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
  }
}

/** Why a cell is not saved, in one sentence; `null` where nothing prevents it. */
export function cellSentence({ conflict, rowError, refusal }: CellEdit, words: Words): string | null {
  const texts = words.messages.list
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
