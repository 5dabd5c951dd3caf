// What is not on the server, in the lists of its type: new rows in their place, edited rows with what was entered, rows that
// are to be deleted. Invariant: a list's own rows stay as they are; what lies over them is computed from what waits.

import type { Fields, WireRecord } from '../../../server/protocol/index.ts'
import type { Clock } from '../base/clock.ts'
import { createListeners, type Readable } from '../base/store.ts'
import { isNewRecord } from '../http/new-record.ts'
import type { UnsentRow } from '../list/initial-state.ts'
import { mergeRows } from '../list/order.ts'
import type { LiveListQuery } from '../list/query.ts'
import type { ListState } from '../list/state.ts'
import type { ListOverlay, OverlaidList } from '../list/store-options.ts'
import type { CreatedIds } from './created-ids.ts'
import { isAsked, type UnsentEntry, type UnsentState } from './draft-storage.ts'
import { givenIdOf, withTexts } from './local-ids.ts'
import { isLeft } from './queued-bulk.ts'

/** A list has its own row of a new record by then. */
const ARRIVES_MS = 15_000

interface UnsentRowsOptions {
  unsent: Readable<UnsentState>
  ids: () => Pick<CreatedIds, 'find' | 'idOf'> | null
}

export function createUnsentRows({ unsent: waiting, ids }: UnsentRowsOptions) {
  const listeners = createListeners()
  let arrived: readonly WireRecord[] = []
  /** Arrived records that a list has had as its own: they are not shown again when they leave it. */
  const taken = new WeakMap<OverlaidList, Set<string>>()
  const known = new WeakMap<OverlaidList, { of: readonly unknown[]; shown: ListState }>()
  const idOf = (text: string) => ids()?.idOf(text) ?? text

  const overlay: ListOverlay = {
    over(list, state) {
      const { entries, requests } = waiting.get()
      const of = [state, entries, requests, arrived]
      const before = known.get(list)
      if (before?.of.every((part, at) => part === of[at])) return before.shown
      const shown = laidOver(list, state)
      known.set(list, { of, shown })
      return shown
    },
    subscribe(listener) {
      const stops = [waiting.subscribe(listener), listeners.add(listener)]
      return () => {
        for (const stop of stops) stop()
      }
    },
  }

  function laidOver(list: OverlaidList, state: ListState): ListState {
    const { type, query, compare } = list
    const own = taken.get(list) ?? new Set()
    taken.set(list, own)
    const marks = new Map<string, UnsentRow>()
    const edits = new Map<string, Fields>()
    const added = new Map<string, WireRecord>()
    const add = (id: string, what: UnsentRow['what'], isRefused: boolean, fields: Fields) => {
      edits.set(id, { ...edits.get(id), ...fields })
      const before = marks.get(id)
      const isFirst = before === undefined || (before.what === 'changed' && what === 'removed')
      marks.set(id, {
        what: isFirst ? what : before.what,
        isRefused: isRefused || (before?.isRefused ?? false),
      })
    }
    for (const record of arrived) {
      if (state.byId.has(record.id)) own.add(record.id)
      else if (record.type === type && !own.has(record.id)) added.set(record.id, record)
    }
    for (const entry of waiting.get().entries) {
      if (entry.type !== type || !(isAsked(entry) || entry.trouble)) continue
      const fields = withTexts(fieldsOf(entry), idOf)
      const isRemoved = entry.edits.unanswered?.kind === 'remove' || entry.edits.next?.kind === 'remove'
      const isRefused = entry.trouble !== null || entry.waits === 'gone'
      if (!isNewRecord(entry.id)) add(entry.id, isRemoved ? 'removed' : 'changed', isRefused, fields)
      else if (!ids()?.find(entry.id)) {
        const id = givenIdOf(entry.id) ?? entry.id
        add(id, isRemoved ? 'removed' : 'created', isRefused, {})
        added.set(id, { type, id, version: 0, updated_at: '', updated_by: null, fields })
      }
    }
    for (const { bulk, refusal } of waiting.get().requests) {
      if (bulk?.type !== type) continue
      for (const row of bulk.rows)
        if (row.outcome === undefined || isLeft(row))
          add(idOf(row.id), 'changed', refusal !== null || isLeft(row), withTexts(bulk.changes, idOf))
    }
    if (marks.size === 0 && added.size === 0) return state
    const edited = (row: WireRecord) => {
      const fields = edits.get(row.id)
      return fields ? { ...row, fields: { ...row.fields, ...fields } } : row
    }
    // Where a new row stands in a part of a long list, the server alone can say.
    const coming = (state.window ? [] : [...added.values()])
      .map(edited)
      .filter(({ fields }) => isIn(query, fields))
    const rows = mergeRows(state.rows, coming.sort(compare), compare).map(edited)
    const shown = new Set(coming.map(({ id }) => id))
    const unsent = new Map([...marks].filter(([id]) => state.byId.has(id) || shown.has(id)))
    return { ...state, rows, unsent }
  }

  /** The list asks for such records, as far as that can be said without the server. */
  function isIn({ where, scope, search }: LiveListQuery, fields: Fields): boolean {
    const isSame = ([name, value]: [string, unknown]) =>
      typeof value === 'string' && String(fields[name] ?? '') === idOf(value)
    const text = Object.values(fields).join(' ').toLowerCase()
    return (
      Object.entries({ ...where, ...scope }).every(isSame) &&
      (search ?? '')
        .toLowerCase()
        .split(/\s+/)
        .every((word) => text.includes(word))
    )
  }

  return {
    overlay,
    /** It is on the server, and lists will have it soon. */
    arrive(record: WireRecord, clock: Clock) {
      arrived = [...arrived, record]
      listeners.notify()
      clock.after(ARRIVES_MS, () => {
        arrived = arrived.filter((one) => one !== record)
        listeners.notify()
      })
    },
    leave() {
      arrived = []
    },
  }
}

const fieldsOf = ({ edits }: UnsentEntry): Fields => ({
  ...(edits.base?.version === 0 ? edits.base.fields : {}),
  ...edits.unanswered?.changes,
  ...edits.draft,
})
