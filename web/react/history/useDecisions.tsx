// Deciding about suggestions: what is under way, what came of it in words, and both sides where somebody has changed the same since.

import { type ReactNode, useState } from 'react'
import type { WireProposal } from '../../../server/protocol/index.ts'
import { pick } from '../../client/base/values.ts'
import { conflictFor } from '../../client/conflict/conflict-fields.ts'
import type { ConflictView } from '../../client/conflict/conflict-view.ts'
import { initialRecordState } from '../../client/record/state.ts'
import { fill, personName, type Words } from '../../client/words/messages.ts'
import { ConflictDialog } from '../conflict/ConflictDialog.tsx'
import type { AcceptAnswer, Decisions, OverlappingSuggestion } from './decisions.ts'
import { historyTexts } from './history-editor.ts'

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

/** What a part that decides shows and does. */
export interface Deciding {
  /** What came of the last decision; empty before. */
  said: string
  isBusy: boolean
  accept: (decisions: Decisions, proposal: WireProposal, fields: readonly string[]) => void
  reject: (decisions: Decisions, proposal: WireProposal) => void
  /** Both sides of one, while they have to be looked at. */
  dialog: ReactNode
}

export function useDecisions(words: Words): Deciding {
  const texts = historyTexts(words)
  const [said, setSaid] = useState('')
  const [isBusy, setBusy] = useState(false)
  const [open, setOpen] = useState<(OverlappingSuggestion & { decisions: Decisions }) | null>(null)

  const show = (decisions: Decisions, answer: AcceptAnswer) => {
    setBusy(false)
    setOpen(answer.outcome === 'overlap' ? { ...answer, decisions } : null)
    const sentences = {
      saved: () => fill(texts.accepted, { version: 'version' in answer ? answer.version : 0 }),
      overlap: () => '',
      decided: () => texts.decided,
      refused: () => fill(texts.refused, { detail: 'detail' in answer ? answer.detail : '' }),
      failed: () => texts.notDecided,
    }
    setSaid(sentences[answer.outcome]())
  }
  const accept = async (decisions: Decisions, proposal: WireProposal, fields: readonly string[]) => {
    setBusy(true)
    show(decisions, await decisions.accept(proposal, fields))
  }
  const reject = async (decisions: Decisions, proposal: WireProposal) => {
    setBusy(true)
    const outcome = await decisions.reject(proposal)
    setBusy(false)
    setSaid({ rejected: texts.rejected, decided: texts.decided, failed: texts.notDecided }[outcome])
  }
  const { conflict } = words.messages
  const sides = { ...conflict, mine: texts.suggested, theirs: texts.now }
  const editor = open && {
    words: { ...words, messages: { ...words.messages, conflict: sides } },
    conflictView: viewOf(open, words),
    closeConflict: () => setOpen(null),
    reload: () => void accept(open.decisions, open.proposal, [...open.fields]),
    async resolve(decision: { version: number; theirs: readonly string[]; edited: Record<string, unknown> }) {
      const fields = open.fields.filter((field) => !decision.theirs.includes(field))
      setOpen(null)
      if (fields.length === 0) return reject(open.decisions, open.proposal)
      const edited = pick(decision.edited, (field) => fields.includes(field))
      const { decisions, proposal } = open
      show(decisions, await decisions.decide(proposal, decision.version, fields, edited))
    },
  }
  return {
    said,
    isBusy,
    accept: (...asked) => void accept(...asked),
    reject: (...asked) => void reject(...asked),
    dialog: editor && <ConflictDialog editor={editor} />,
  }
}
