// How versions that arrive are compared: what is not newer than the known version is dropped, in whatever order it arrives.
// Also the small functions that every step uses: `stay`, `to` and `catchUp`.

import { differingFields, isEmpty } from '../base/values.ts'
import type { RemoteVersion } from '../transport/transport.ts'
import type { RecordEffect, RecordState, Transition } from './state.ts'
import { isReviewed } from './state.ts'

/** The newest version that is known, shown or not; 0 for none. */
export const newestKnown = ({ record, newer, latest, deletion }: RecordState): number =>
  Math.max(record?.version ?? 0, newer?.version ?? 0, latest?.version ?? 0, deletion?.version ?? 0)

/** Which fields others changed since the shown version; `null` where unknown. */
export function newerFields(state: RecordState): string[] | null {
  const { record, newer, latest } = state
  if (!record || !newer) return null
  if (latest && latest.version >= newer.version) return differingFields(record.fields, latest.fields)
  const fields = new Set<string>()
  for (let version = record.version + 1; version <= newer.version; version++) {
    const changed = newer.fieldsByVersion[version]
    if (!changed) return null
    for (const field of changed) fields.add(field)
  }
  return [...fields]
}

export const stay = (state: RecordState): Transition => ({ state, effects: [] })

export const to = (
  state: RecordState,
  patch: Partial<RecordState>,
  ...effects: RecordEffect[]
): Transition => ({
  state: { ...state, ...patch },
  effects,
})

/**
 * Asks for the newer version where there is one to be had: quietly shown when nothing is typed,
 * only looked at when something is and nobody has said which fields changed, or when both sides are on the screen.
 */
export function catchUp(state: RecordState): Transition {
  const { record, newer, latest } = state
  const isIdle = record && newer && !state.writing && !state.deletion && !state.isRefused
  if (!isIdle) return stay(state)
  const isWanted = isReviewed(state)
    ? (latest?.version ?? 0) < newer.version
    : isEmpty(state.draft) || newerFields(state) === null
  return isWanted ? to(state, {}, { kind: 'load', when: 'soon' }) : stay(state)
}

/** So many versions one event stands for, at most: of more it isn't known which fields they changed. */
const MOST_VERSIONS = 1000

/** Where a record is gone: its removal is done, by whomever it was done. */
export const askedOfGone = ({ unanswered }: Pick<RecordState, 'unanswered'>): RecordState['unanswered'] =>
  unanswered?.kind === 'remove' ? null : unanswered

/** Notes a version that is newer than the shown one. */
export function weigh(state: RecordState, remote: RemoteVersion): RecordState {
  const { record, newer } = state
  if (!record) return state
  if (remote.deleted) {
    if (remote.version < record.version) return state
    const { version, by, at, isOwn } = remote
    const closed = { conflict: null, reviewing: false, merging: false, reloading: false }
    const deletion = { version, by, at, isOwn }
    return { ...state, ...closed, deletion, newer: null, unanswered: askedOfGone(state) }
  }
  if (remote.version <= record.version) return state
  const isNewest = !newer || remote.version > newer.version
  const fieldsByVersion = { ...newer?.fieldsByVersion }
  const before = Math.max(
    remote.previousVersion ?? remote.version - 1,
    record.version,
    remote.version - MOST_VERSIONS,
  )
  if (remote.changedFields)
    for (let version = before + 1; version <= remote.version; version += 1)
      fieldsByVersion[version] = remote.changedFields
  const { version, by, at, isOwn } = isNewest ? remote : newer
  return {
    ...state,
    newer: { version, by, at, isOwn, fieldsByVersion },
    latest:
      remote.record && remote.record.version > (state.latest?.version ?? 0) ? remote.record : state.latest,
  }
}

/** Compares what was held back, in the order in which it arrived. */
export function weighHeld(state: RecordState): RecordState {
  return state.held.reduce(weigh, { ...state, held: [] })
}

/** An event, an acknowledgement or a poll: it also proves that the server can be reached. */
export function receive(state: RecordState, { remote }: { remote: RemoteVersion }): Transition {
  if (!state.record) return hold(state, { remote })
  const isBack = state.trouble?.kind === 'unreachable' && state.trouble.during === 'load'
  // An answer may be older than what is shown, or the record has gone back: only a load shows which.
  if (remote.isAnswer && remote.version < newestKnown(state))
    return to(state, {}, { kind: 'load', when: 'now' })
  return catchUp(weigh(isBack ? { ...state, trouble: null } : state, remote))
}

/** Nothing is shown yet, or a write is in flight: compared after its answer. */
export function hold(state: RecordState, { remote }: { remote: RemoteVersion }): Transition {
  return to(state, { held: [...state.held, remote] })
}

/** The first load failed and the server answers again. */
export function holdAndLoad(state: RecordState, { remote }: { remote: RemoteVersion }): Transition {
  if (state.record) return receive(state, { remote })
  return to(state, { held: [...state.held, remote], trouble: null }, { kind: 'load', when: 'now' })
}

/** Access may be back: only a load can show that, and it may be older than this. */
export function holdAndLook(state: RecordState, { remote }: { remote: RemoteVersion }): Transition {
  return remote.deleted
    ? stay(state)
    : to(state, { held: [...state.held, remote] }, { kind: 'load', when: 'now' })
}

/** A version after the deletion: it was created again. */
export function receiveWhenGone(state: RecordState, { remote }: { remote: RemoteVersion }): Transition {
  const isNewer = !remote.deleted && (remote.isAnswer || remote.version > (state.deletion?.version ?? 0))
  return isNewer ? to(state, {}, { kind: 'load', when: 'now' }) : stay(state)
}

/** The newer version whose banner was dismissed, while it is not shown: `show` brings the banner back. */
export function availableVersion(state: RecordState): number | null {
  const { newer, dismissed, draft } = state
  const isOpen = !state.isRefused && !state.deletion && !state.writing && !isReviewed(state)
  return isOpen && newer && !isEmpty(draft) && newer.version <= dismissed ? newer.version : null
}
