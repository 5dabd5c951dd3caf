// "2 suggestions": what is proposed for a record, to accept or reject by field. Where somebody has changed the same since one was
// made, both sides are shown, and who decides sees them.

import { useState } from 'react'
import type { WireProposal } from '../../../server/protocol/index.ts'
import { pick } from '../../client/base/values.ts'
import { conflictFor } from '../../client/conflict/conflict-fields.ts'
import type { ConflictView } from '../../client/conflict/conflict-view.ts'
import { initialRecordState } from '../../client/record/state.ts'
import { fill, fillPlural, personName, type Words } from '../../client/words/messages.ts'
import { useRecordClient } from '../base/LiveProvider.tsx'
import { classes } from '../base/parts.tsx'
import { useHeldFocus } from '../base/useHeldFocus.ts'
import { usePersonKey } from '../base/usePersonKey.ts'
import { ConflictDialog } from '../conflict/ConflictDialog.tsx'
import { type HistoryEditor, historyTexts } from './history-editor.ts'
import { Suggestion } from './Suggestion.tsx'
import type { AcceptAnswer, OverlappingSuggestion } from './suggestion-store.ts'
import { useSuggestionStore } from './useSuggestions.ts'

/** What {@link Suggestions} takes. */
export interface SuggestionsProps {
  /** The editor of the record, as the page has it. */
  editor: HistoryEditor
  /** Beside its own. */
  className?: string
}

function viewOf(
  { proposal, base, current, fields }: OverlappingSuggestion,
  words: Words,
): ConflictView | null {
  const isAsked = (field: string) => fields.includes(field)
  const state = {
    ...initialRecordState,
    status: 'conflicted' as const,
    reviewing: true,
    record: base,
    latest: current,
    draft: pick(proposal.changes, isAsked),
  }
  const view = conflictFor(state, words)
  const by = proposal.proposed_by
  const who = by ? personName(by, words) : words.messages.whoSaved.unknown
  const sentence = fill(historyTexts(words).overlap, { who, version: current.version })
  return view && { ...view, sentence, fields: view.fields.filter(({ field }) => isAsked(field)) }
}

/** Put it above the form. Without suggestions it is empty. */
export function Suggestions(props: SuggestionsProps) {
  return <SuggestionsOfPerson key={usePersonKey(useRecordClient())} {...props} />
}

function SuggestionsOfPerson({ editor, className }: SuggestionsProps) {
  const client = useRecordClient()
  const { words, record } = editor
  const texts = historyTexts(words)
  const { store, state } = useSuggestionStore(editor)
  const [said, setSaid] = useState('')
  const [busy, setBusy] = useState<string | null>(null)
  const [overlap, setOverlap] = useState<OverlappingSuggestion | null>(null)
  const { open, may } = state
  const place = useHeldFocus<HTMLDivElement>()

  const show = (answer: AcceptAnswer) => {
    setBusy(null)
    setOverlap(answer.outcome === 'overlap' ? answer : null)
    const sentences = {
      saved: () => fill(texts.accepted, { version: 'version' in answer ? answer.version : 0 }),
      overlap: () => '',
      decided: () => texts.decided,
      refused: () => fill(texts.refused, { detail: 'detail' in answer ? answer.detail : '' }),
      failed: () => texts.notDecided,
    }
    setSaid(sentences[answer.outcome]())
  }
  const accept = async (proposal: WireProposal, fields: string[]) => {
    setBusy(proposal.id)
    show(await store.accept(proposal, fields))
  }
  const reject = async (proposal: WireProposal) => {
    setBusy(proposal.id)
    const outcome = await store.reject(proposal)
    setBusy(null)
    setSaid({ rejected: texts.rejected, decided: texts.decided, failed: texts.notDecided }[outcome])
  }
  const { conflict } = words.messages
  const sides = { ...conflict, mine: texts.suggested, theirs: texts.now }
  const dialog = overlap && {
    words: { ...words, messages: { ...words.messages, conflict: sides } },
    conflictView: viewOf(overlap, words),
    closeConflict: () => setOverlap(null),
    reload: () => void accept(overlap.proposal, [...overlap.fields]),
    async resolve(decision: { version: number; theirs: readonly string[]; edited: Record<string, unknown> }) {
      const fields = overlap.fields.filter((field) => !decision.theirs.includes(field))
      setOverlap(null)
      if (fields.length === 0) return reject(overlap.proposal)
      const edited = pick(decision.edited, (field) => fields.includes(field))
      show(await store.decide(overlap.proposal, decision.version, fields, edited))
    },
  }
  const isOwn = ({ proposed_by: by }: WireProposal) => by?.kind === 'user' && by.id === client.personId()
  return (
    <div
      className={classes('nc-suggestions', className)}
      data-slot="nc-suggestions"
      ref={place}
      tabIndex={-1}
    >
      <p className="nc-history-said" role="status">
        {said}
      </p>
      {record && may && open.length > 0 && (
        <details>
          <summary>{fillPlural(texts.suggestions, open.length, words.locale)}</summary>
          <ul className="nc-history-list">
            {open.map((proposal) => (
              <Suggestion
                key={proposal.id}
                now={{ ...record.fields }}
                version={record.version}
                isOwn={isOwn(proposal)}
                mayWithdraw={
                  isOwn(proposal) || proposal.proposed_by?.on_behalf_of?.id === (client.personId() ?? '')
                }
                isBusy={busy !== null}
                onAccept={(fields) => void accept(proposal, fields)}
                onReject={() => void reject(proposal)}
                {...{ proposal, may, words, texts }}
              />
            ))}
          </ul>
        </details>
      )}
      {dialog && <ConflictDialog editor={dialog} />}
    </div>
  )
}
