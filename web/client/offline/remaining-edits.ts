// The edits that remain after the server has answered a save that was sent without an open editor.

import type { Fields } from '../../../server/protocol/index.ts'
import { isEmpty, isSame, pick } from '../base/values.ts'
import type { ClientProposeOutcome } from '../history/reviews.ts'
import type { ClientRemoveOutcome, ClientSaveOutcome } from '../http/outcomes.ts'
import { beyond, removalIn, removedVersion } from '../record/edit-transitions.ts'
import type { Mutation, UnsentEdits } from '../record/state.ts'
import type { UnsentTrouble } from './draft-storage.ts'

export type SendAnswer = ClientSaveOutcome<Fields> | ClientRemoveOutcome | ClientProposeOutcome

/**
 * `null`: nothing. What was asked for after a save that passed is asked for on the version that it made; a removal that was refused
 * is still asked for, by whom it was.
 */
export function editsAfter(edits: UnsentEdits, sent: Mutation, answer: SendAnswer): UnsentEdits | null {
  const settled = { ...edits, unanswered: null, next: null }
  if (answer.outcome === 'proposed') {
    const left = beyond(edits.draft, sent.changes)
    return isEmpty(left) && !edits.kept ? null : { ...settled, draft: left }
  }
  if (answer.outcome !== 'saved') {
    const isGone = answer.outcome === 'removed' || answer.outcome === 'gone'
    const removal = isGone || sent.clientVersion === 0 ? null : removalIn(sent, edits.next)
    return isEmpty(edits.draft) && !edits.kept && !removal ? null : { ...settled, unanswered: removal }
  }
  const { record } = answer
  const draft = pick(
    beyond(edits.draft, sent.changes),
    (field, value) => !isSame(value, record.fields[field]),
  )
  const isGoingOn = edits.next !== null && (edits.next.kind === 'remove' || !isEmpty(draft))
  if (isEmpty(draft) && !edits.kept && !isGoingOn) return null
  const changes = edits.next?.kind === 'save' ? draft : {}
  const clientVersion = edits.next?.kind === 'remove' ? removedVersion(sent, record) : record.version
  const unanswered = edits.next && isGoingOn ? { ...edits.next, clientVersion, changes } : null
  return { ...settled, base: record, draft, unanswered }
}

/** Why it was refused, if it was. */
export function troubleAfter(answer: SendAnswer): UnsentTrouble | null {
  switch (answer.outcome) {
    case 'conflict':
    case 'gone':
    case 'forbidden':
      return { kind: answer.outcome }
    case 'not_found':
      return { kind: 'forbidden' }
    case 'invalid':
      return {
        kind: 'refused',
        detail: answer.errors.map(({ field, message }) => `${field}: ${message}`)[0] ?? '',
      }
    case 'failed':
      return { kind: 'refused', detail: answer.problem.detail, code: answer.problem.code }
    default:
      return null
  }
}
