// Edits of one record compared and joined, whether they fit into what is open, and why the server has refused them.

import type { Fields } from '../../../server/protocol/index.ts'
import { isEmpty, isSame } from '../base/values.ts'
import { isAtHome } from '../record/conflict-transitions.ts'
import type { RecordState, UnsentEdits } from '../record/state.ts'
import type { UnsentEntry, UnsentTrouble } from './draft-storage.ts'

export const isSameEdits = (a: UnsentEdits, b: UnsentEdits) =>
  a.base === b.base &&
  a.draft === b.draft &&
  a.kept === b.kept &&
  a.unanswered === b.unanswered &&
  a.next === b.next

/** One record's edits of two pages: those of the first that has some as they are, the other's to be restored. */
function bothEdits(edits: UnsentEdits, other: UnsentEdits): UnsentEdits {
  const isIdle = isEmpty(edits.draft) && !edits.unanswered
  const aside = isIdle ? {} : other.draft
  const fields = { ...other.kept?.fields, ...aside, ...edits.kept?.fields }
  const kept = isEmpty(fields) ? null : { fields, why: 'recalled' as const, isHidden: false }
  return { ...(isIdle ? other : edits), kept }
}

export function troubleOf({ conflict, status, trouble, errors }: RecordState): UnsentTrouble | null {
  if (conflict) return { kind: 'conflict' }
  if (status === 'gone') return { kind: 'gone' }
  if (status === 'forbidden' || trouble?.kind === 'not_allowed') return { kind: 'forbidden' }
  if (trouble?.kind === 'failed') return { ...trouble, kind: 'refused' }
  const [field, message] = Object.entries(errors)[0] ?? []
  return field === undefined ? null : { kind: 'refused', detail: `${field}: ${message}` }
}

/** This page's entry, if it has one, with what another page has left of the same record. */
export const grownBy = (mine: UnsentEntry | undefined, left: UnsentEntry): UnsentEntry =>
  mine ? { ...mine, edits: bothEdits(mine.edits, left.edits) } : left

/** The version that a save of these edits has replaced, where it was the next one; `null` where none has passed now. */
export function replacedBy(
  before: UnsentEntry | undefined,
  { record, writing, unanswered }: RecordState,
): number | null {
  const sent = before?.edits.unanswered
  if (sent?.kind !== 'save' || sent.clientVersion === 0 || !record) return null
  const isOpen = (writing ?? unanswered)?.mutationId === sent.mutationId
  return !isOpen && record.version === sent.clientVersion + 1 ? sent.clientVersion : null
}

/**
 * Edits from before can be brought back without loss: they would cover nothing else that was typed or set aside, and a
 * save that was asked for could still be sent as it was.
 */
export function hasRoom(state: RecordState, edits: UnsentEdits): boolean {
  const isHome = isAtHome(state, edits)
  if (edits.unanswered && !isHome) return false
  const taken: Fields = { ...state.kept?.fields, ...(state.isRefused ? state.draft : {}) }
  const coming: Fields = { ...edits.kept?.fields, ...(isHome ? {} : edits.draft) }
  return Object.entries(coming).every(([field, value]) => !(field in taken) || isSame(taken[field], value))
}
