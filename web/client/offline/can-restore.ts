// Whether restored edits fit into an open record without loss. Part of `noclobber/offline`, which alone restores edits.

import type { Fields } from '../../../server/protocol/index.ts'
import { isSame } from '../base/values.ts'
import { isAtHome } from '../record/conflict-transitions.ts'
import type { RecordState, UnsentEdits } from '../record/state.ts'

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
