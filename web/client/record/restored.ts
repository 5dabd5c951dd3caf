// The server's database went back: a restore, a failover or a crash lost what had been answered. Only then may the shown
// version go back. Nothing typed is dropped, and what this tab had saved and the server lost is offered again. Loaded with reducer.ts.

import type { Fields, WireRecord } from '../../../server/protocol/index.ts'
import { differingFields, isEmpty, isSame, pick } from '../base/values.ts'
import { catchUp, stay, to, weighHeld } from './remote-versions.ts'
import type { Kept, OwnSave, RecordState, StateEventOf, Transition } from './state.ts'

export const changesOf = (saves: readonly OwnSave[]): Fields =>
  Object.assign({}, ...saves.map(({ changes }) => changes)) as Fields

/** What was lost and what else is set aside, over what was set aside before, as far as the record doesn't say it already. */
function keptOf(
  kept: Kept | null,
  lost: readonly OwnSave[],
  typed: Fields,
  record: WireRecord | null,
): Kept | null {
  const isMissing = (field: string, value: unknown) => !record || !isSame(value, record.fields[field])
  const saved = pick(changesOf(lost), isMissing)
  const fields = { ...kept?.fields, ...saved, ...pick(typed, isMissing) }
  if (isEmpty(saved) && isEmpty(pick(typed, isMissing))) return kept
  const at = lost.at(-1)?.at ?? 0
  return {
    fields,
    why: 'restored',
    isHidden: false,
    ...(isEmpty(saved) ? {} : { lost: { fields: Object.keys(saved), at } }),
  }
}

/** The record as it is now, though it is older than what is shown; edits are set aside. */
export function goBack(state: RecordState, record: WireRecord): Transition {
  const lost = state.ownSaves.filter(({ version }) => version > record.version)
  const kept = keptOf(state.kept, lost, state.draft, record)
  const highlighted = differingFields(state.record?.fields ?? {}, record.fields)
  const { state: current, effects } = catchUp(
    weighHeld({
      ...state,
      record,
      kept,
      highlighted,
      draft: {},
      latest: null,
      newer: null,
      dismissed: 0,
      deletion: null,
      conflict: null,
      reviewing: false,
      merging: false,
      reloading: false,
      isRefused: false,
      unanswered: null,
      next: null,
      trouble: null,
      errors: {},
      isUnsure: false,
      notice: { kind: 'restored' },
      ownSaves: state.ownSaves.filter((save) => !lost.includes(save)),
      held: state.held.filter(({ version }) => version <= record.version),
    }),
  )
  return to(current, {}, ...effects, { kind: 'fade', what: 'highlight' }, { kind: 'fade', what: 'notice' })
}

/** A version that is known is none any more, and the shown one is still the record. */
export const withoutNewer = (state: RecordState): RecordState => ({
  ...state,
  latest: null,
  newer: null,
  dismissed: 0,
  conflict: null,
  reviewing: false,
  merging: false,
})

/** What is shown may be lost: only a load shows it. A write in flight is answered first. */
export function doubt(state: RecordState): Transition {
  return state.writing
    ? to(state, { isUnsure: true })
    : to(state, { isUnsure: true }, { kind: 'forget_loads' }, { kind: 'load', when: 'now' })
}

/** Some of the tab's own saves are not in the record's history; they are offered over what is shown now. */
export function offerLost(state: RecordState, { saves }: StateEventOf<'saves_lost'>): Transition {
  if (saves.length === 0) return stay(state)
  return to(state, {
    kept: keptOf(state.kept, saves, {}, state.record),
    ownSaves: state.ownSaves.filter((save) => !saves.includes(save)),
  })
}

/** The record is not there any more: what was saved and lost can be copied with what is typed. */
export const withLostTyped = (state: RecordState): RecordState =>
  state.isUnsure
    ? { ...state, draft: { ...changesOf(state.ownSaves), ...state.draft }, isUnsure: false }
    : state
