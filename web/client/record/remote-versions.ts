// How news of newer versions is weighed: what is not newer than what is known is dropped, whatever its order.
// Also the small words with which every step is written: `stay`, `to` and `catchUp`.

import { isEmpty } from '../base/values.ts'
import type { Hint } from '../transport/hint.ts'
import type { RecordEffect, RecordState, Transition } from './state.ts'
import { isReviewed, newsFields } from './state.ts'

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
  const { record, news, latest } = state
  const isIdle = record && news && !state.writing && !state.deletion && !state.isRefused
  if (!isIdle) return stay(state)
  const isWanted = isReviewed(state)
    ? (latest?.version ?? 0) < news.version
    : isEmpty(state.draft) || newsFields(state) === null
  return isWanted ? to(state, {}, { kind: 'load', when: 'soon' }) : stay(state)
}

/** Takes a hint in, if it is newer than what is shown. */
export function weigh(state: RecordState, hint: Hint): RecordState {
  const { record, news } = state
  if (!record) return state
  if (hint.deleted) {
    if (hint.version < record.version) return state
    const { version, by, at, isOwn } = hint
    const closed = { conflict: null, reviewing: false, merging: false, reloading: false }
    return { ...state, ...closed, deletion: { version, by, at, isOwn }, news: null }
  }
  if (hint.version <= record.version) return state
  const isNewest = !news || hint.version > news.version
  const fieldsByVersion = { ...news?.fieldsByVersion }
  if (hint.changedFields) fieldsByVersion[hint.version] = hint.changedFields
  const { version, by, at, isOwn } = isNewest ? hint : news
  return {
    ...state,
    news: { version, by, at, isOwn, fieldsByVersion },
    latest: hint.record && hint.record.version > (state.latest?.version ?? 0) ? hint.record : state.latest,
  }
}

/** What was held back is weighed, in the order in which it came. */
export function weighHeld(state: RecordState): RecordState {
  return state.held.reduce(weigh, { ...state, held: [] })
}

/** An event, an acknowledgement or a poll: it also proves that the server can be reached. */
export function hear(state: RecordState, { hint }: { hint: Hint }): Transition {
  if (!state.record) return hold(state, { hint })
  const isBack = state.trouble?.kind === 'unreachable' && state.trouble.during === 'load'
  return catchUp(weigh(isBack ? { ...state, trouble: null } : state, hint))
}

/** Nothing is shown yet, or a write is in flight: judged when its answer is here. */
export function hold(state: RecordState, { hint }: { hint: Hint }): Transition {
  return to(state, { held: [...state.held, hint] })
}

/** The first load failed and the server speaks again. */
export function holdAndLoad(state: RecordState, { hint }: { hint: Hint }): Transition {
  if (state.record) return hear(state, { hint })
  return to(state, { held: [...state.held, hint], trouble: null }, { kind: 'load', when: 'now' })
}

/** Access is back, as it seems: only a load can tell, and it may be older than this. */
export function holdAndLook(state: RecordState, { hint }: { hint: Hint }): Transition {
  return hint.deleted
    ? stay(state)
    : to(state, { held: [...state.held, hint] }, { kind: 'load', when: 'now' })
}

/** A version after the deletion: it was created again. */
export function hearOfGone(state: RecordState, { hint }: { hint: Hint }): Transition {
  const isNewer = !hint.deleted && hint.version > (state.deletion?.version ?? 0)
  return isNewer ? to(state, {}, { kind: 'load', when: 'now' }) : stay(state)
}
