// "2 suggestions": what is proposed for a record, to accept or reject by field. Where somebody has changed the same since one was
// made, both sides are shown, and who decides sees them.

import { fillPlural } from '../../client/words/messages.ts'
import { useRecordClient } from '../base/LiveProvider.tsx'
import { classes } from '../base/parts.tsx'
import { useHeldFocus } from '../base/useHeldFocus.ts'
import { usePersonKey } from '../base/usePersonKey.ts'
import { type HistoryEditor, historyTexts } from './history-editor.ts'
import { Suggestion } from './Suggestion.tsx'
import { useDecisions } from './useDecisions.tsx'
import { useSuggestionStore } from './useSuggestions.ts'

/** What {@link Suggestions} takes. */
export interface SuggestionsProps {
  /** The editor of the record, as the page has it. */
  editor: HistoryEditor
  /** Beside its own. */
  className?: string
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
  const { said, isBusy, accept, reject, dialog } = useDecisions(words)
  const { open, may } = state
  const place = useHeldFocus<HTMLDivElement>()

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
                personId={client.personId()}
                isBusy={isBusy}
                onAccept={(fields) => accept(store, proposal, fields)}
                onReject={() => reject(store, proposal)}
                {...{ proposal, may, words, texts }}
              />
            ))}
          </ul>
        </details>
      )}
      {dialog}
    </div>
  )
}
