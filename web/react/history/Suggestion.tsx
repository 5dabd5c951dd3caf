// One suggestion: who, when and why, and its fields to take or leave.

import { useState } from 'react'
import type { MayDecide, WireProposal } from '../../../server/protocol/index.ts'
import { isSame } from '../../client/base/values.ts'
import type { HistoryMessages } from '../../client/words/history-messages.ts'
import { fill, labelOf, personName, type Words } from '../../client/words/messages.ts'
import { useLive } from '../base/LiveProvider.tsx'
import { TimeAgo } from '../base/TimeAgo.tsx'
import { Difference } from './Difference.tsx'

interface SuggestionProps {
  proposal: WireProposal
  now: Record<string, unknown>
  version: number
  may: MayDecide
  /** Who looks at it. */
  personId: string | null
  isBusy: boolean
  words: Words
  texts: HistoryMessages
  onAccept: (fields: string[]) => void
  onReject: () => void
}

export function Suggestion(props: SuggestionProps) {
  const { proposal, now, version, may, personId, isBusy, words, texts, onAccept, onReject } = props
  const { parts } = useLive()
  const [left, setLeft] = useState<readonly string[]>([])
  const names = Object.keys(proposal.changes)
  const taken = names.filter((name) => !left.includes(name))
  const by = proposal.proposed_by
  const isOwn = by?.kind === 'user' && by.id === personId
  // It is theirs, or an agent's that acts for them.
  const mayWithdraw = isOwn || by?.on_behalf_of?.id === (personId ?? '')
  const who = by ? personName(by, words) : words.messages.whoSaved.unknown
  const toggle = (name: string) =>
    setLeft(left.includes(name) ? left.filter((one) => one !== name) : [...left, name])
  return (
    <li data-slot="nc-suggestion">
      <p className="nc-history-head">
        <strong>
          <bdi>{isOwn ? texts.own : fill(texts.by, { who })}</bdi>
        </strong>{' '}
        <TimeAgo at={proposal.proposed_at} className="nc-history-soft" />
        {proposal.client_version < version && (
          <span className="nc-history-way">{fill(texts.version, { version: proposal.client_version })}</span>
        )}
      </p>
      {proposal.note && (
        <p className="nc-history-note" dir="auto">
          {proposal.note}
        </p>
      )}
      <dl className="nc-history-fields">
        {names.map((field) => (
          <div key={field}>
            <dt>
              {may.save && names.length > 1 ? (
                <label>
                  <input
                    type="checkbox"
                    aria-label={fill(texts.take, { field: labelOf(field, words) })}
                    checked={!left.includes(field)}
                    onChange={() => toggle(field)}
                  />
                  {labelOf(field, words)}
                </label>
              ) : (
                labelOf(field, words)
              )}
            </dt>
            <dd>
              {isSame(now[field], proposal.changes[field]) ? (
                <span className="nc-history-soft">{texts.nothingToRestore}</span>
              ) : (
                <Difference {...{ field, before: now[field], after: proposal.changes[field], words }} />
              )}
            </dd>
          </div>
        ))}
      </dl>
      <span className="nc-buttons">
        {may.save && (
          <parts.Button
            data-slot="nc-accept"
            variant="primary"
            disabled={isBusy || taken.length === 0}
            onClick={() => onAccept(taken)}
          >
            {left.length > 0 ? texts.acceptChosen : texts.accept}
          </parts.Button>
        )}
        {(may.save || mayWithdraw) && (
          <parts.Button data-slot="nc-reject" variant="plain" disabled={isBusy} onClick={onReject}>
            {mayWithdraw ? texts.withdraw : texts.reject}
          </parts.Button>
        )}
      </span>
    </li>
  )
}
