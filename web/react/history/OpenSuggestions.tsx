// What waits for this person's decision, over all records of a type: each with its record, to accept or reject where it stands.

import { type ReactNode, useMemo } from 'react'
import type { Fields, WireOpenProposal, WireRecord } from '../../../server/protocol/index.ts'
import type { FormatValue } from '../../client/words/messages.ts'
import { wordsWith } from '../../client/words/messages.ts'
import { useLive, useRecordClient, useStore } from '../base/LiveProvider.tsx'
import { classes } from '../base/parts.tsx'
import { useHeldFocus } from '../base/useHeldFocus.ts'
import { usePersonKey } from '../base/usePersonKey.ts'
import { createDecisions } from './decisions.ts'
import { firstText, historyTexts } from './history-editor.ts'
import { LoadFailed } from './LoadFailed.tsx'
import { createOpenSuggestions, NONE_KNOWN, type OpenSuggestionStore } from './open-suggestions.ts'
import { Suggestion } from './Suggestion.tsx'
import { useDecisions } from './useDecisions.tsx'

/** What {@link OpenSuggestions} takes. */
export interface OpenSuggestionsProps {
  /** The record type's name. */
  type: string
  /** Those that this person has made, to withdraw, instead of those to decide about. Default: false. */
  mine?: boolean
  /** The heading of one: a link to its record. Default: the first of the record's fields that is a text, or its id. */
  children?: (record: WireRecord<Fields>) => ReactNode
  /** What fields are called. Default: the provider's. */
  labels?: Record<string, string>
  /** How values are shown. Default: the provider's. */
  formatValue?: FormatValue
  /** Suggestions of one page, at most 200. Default 20. */
  pageSize?: number
  /** Beside its own. */
  className?: string
}

/** What waits for a decision, as data. */
export interface OpenSuggestionList {
  /** `failed`: what is there may be out of date. */
  status: 'loading' | 'ready' | 'failed'
  /** The one that waits longest first. */
  suggestions: readonly WireOpenProposal[]
  /** Whether there is another page. */
  isMore: boolean
  /** Shows another page. */
  loadMore: () => void
  /** Asks anew. */
  reload: () => void
}

function useOpenStore(type: string, mine: boolean, limit: number): OpenSuggestionStore {
  const client = useRecordClient()
  const person = usePersonKey(client)
  return useMemo(
    () => createOpenSuggestions(client, type, { mine, limit }),
    [client, type, mine, limit, person],
  )
}

/**
 * What is proposed for any record of a type and waits for this person's decision; it follows them. Each use asks for itself.
 *
 * @example
 * const { suggestions, isMore } = useOpenSuggestions('project')
 * return <a href="/suggestions">Suggestions ({isMore ? `${suggestions.length}+` : suggestions.length})</a>
 */
export function useOpenSuggestions(
  type: string,
  { mine = false, pageSize = 20 }: { mine?: boolean; pageSize?: number } = {},
): OpenSuggestionList {
  const store = useOpenStore(type, mine, pageSize)
  const { status, suggestions, isMore } = useStore(store, NONE_KNOWN)
  return {
    status,
    suggestions,
    isMore,
    loadMore: () => void store.loadMore(),
    reload: () => void store.refresh(),
  }
}

/** A page or a panel of an approver's: accepting is a guarded save. It follows what others propose and decide. */
export function OpenSuggestions(props: OpenSuggestionsProps) {
  return <OpenOfPerson key={usePersonKey(useRecordClient())} {...props} />
}

function OpenOfPerson(props: OpenSuggestionsProps) {
  const { type, mine = false, children = firstText, labels, formatValue, pageSize = 20, className } = props
  const client = useRecordClient()
  const { parts, words: common } = useLive()
  const words = useMemo(
    () => (labels || formatValue ? wordsWith(common, labels, formatValue) : common),
    [common, labels, formatValue],
  )
  const texts = historyTexts(words)
  const store = useOpenStore(type, mine, pageSize)
  const { status, suggestions, isMore } = useStore(store, NONE_KNOWN)
  const { said, isBusy, accept, reject, dialog } = useDecisions(words)
  const place = useHeldFocus<HTMLElement>()
  const decisionsOf = ({ record }: WireOpenProposal) =>
    createDecisions(client, record, ({ id }) => {
      store.remove(id)
      void store.refresh()
    })

  return (
    <section
      className={classes('nc-history nc-open-suggestions', className)}
      data-slot="nc-open-suggestions"
      ref={place}
      tabIndex={-1}
      aria-label={mine ? texts.ownSuggestions : texts.openSuggestions}
    >
      <p className="nc-history-said" role="status">
        {status === 'loading' ? texts.loadingSuggestions : said}
      </p>
      {status === 'failed' && (
        <LoadFailed text={texts.failedSuggestions} texts={texts} onRetry={() => void store.refresh()} />
      )}
      {status === 'ready' && suggestions.length === 0 && <p>{mine ? texts.noneOwn : texts.noneOpen}</p>}
      <ol className="nc-history-list">
        {suggestions.map((one) => (
          <li key={one.id} data-slot="nc-open-suggestion">
            <p className="nc-history-head">
              <bdi>{children(one.record)}</bdi>
            </p>
            <ul className="nc-history-list">
              <Suggestion
                proposal={one}
                now={one.record.fields}
                version={one.record.version}
                may={{ save: !mine, propose: mine }}
                personId={client.personId()}
                onAccept={(fields) => accept(decisionsOf(one), one, fields)}
                onReject={() => reject(decisionsOf(one), one)}
                {...{ isBusy, words, texts }}
              />
            </ul>
          </li>
        ))}
      </ol>
      {isMore && (
        <parts.Button data-slot="nc-history-older" variant="plain" onClick={() => void store.loadMore()}>
          {texts.moreSuggestions}
        </parts.Button>
      )}
      {dialog}
    </section>
  )
}
