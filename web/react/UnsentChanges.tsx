// What is not on the server yet: each record's edits, why they wait, and what can be done about it. The app names the record
// and opens it; the library does the rest.

import { type ReactNode, useEffect, useState } from 'react'
import type { Readable } from '../client/base/store.ts'
import { editsAsText } from '../client/conflict/conflict-view.ts'
import { isNewRecord } from '../client/http/new-record.ts'
import {
  isAsked,
  NOTHING_UNSENT,
  type QueuedRequest,
  type UnsentEntry,
  type UnsentState,
} from '../client/offline/draft-storage.ts'
import { isLeft } from '../client/offline/queued-bulk.ts'
import { fill, fillPlural, listFields, problemText, textsOf, type Words } from '../client/words/messages.ts'
import { englishUnsentMessages } from '../client/words/unsent-messages.ts'
import { copyText } from '../dom/copy-text.ts'
import { useLive, useStore } from './base/LiveProvider.tsx'
import { useHeldFocus } from './base/useHeldFocus.ts'

/** The part of `createOffline()` that is shown. */
export interface UnsentSource {
  /** What waits. */
  unsent: Readable<UnsentState>
  /** Tries to send it, now. */
  retry(): void
  /** Sends a refused request once more. */
  resend(key: string): void
  /** Discards an entry, by its `key`. */
  discard(key: string): Promise<void>
  /** Restores it. */
  undoDiscard(key: string): void
}

/** Follows what is not on the server. */
export const useUnsent = ({ unsent }: UnsentSource): UnsentState => useStore(unsent, NOTHING_UNSENT)

/** What {@link UnsentChanges} takes. */
export interface UnsentChangesProps {
  /** Of `createOffline()`. */
  offline: UnsentSource
  /** What people call this record. */
  nameOf: (entry: UnsentEntry) => ReactNode
  /** Goes to the record: its edits are there, and its conflict can be resolved. */
  onOpen: (entry: UnsentEntry) => void
  /** Beside its own. */
  className?: string
}

/** The list of unsent changes, or a sentence that there are none; neither until storage has said so. */
export function UnsentChanges({ offline, nameOf, onOpen, className }: UnsentChangesProps) {
  const { words, parts } = useLive()
  const state = useUnsent(offline)
  const texts = unsentTexts(words)
  const { buttons } = words.messages
  const place = useHeldFocus<HTMLElement>()
  const [last, setLast] = useState<{ key: string; isUndone: boolean } | null>(null)
  const [isNotCopied, setNotCopied] = useState(false)
  /** The button that was pressed goes away with its line: the focus goes to what undoes it, or stays in the list. */
  useEffect(() => {
    if (!last) return
    const undo = [...(place.current?.querySelectorAll<HTMLElement>('[data-undo]') ?? [])]
    const undoing = undo.find(({ dataset }) => dataset.undo === last.key)?.querySelector('button')
    const next = last.isUndone ? place.current : undoing
    next?.focus({ preventScroll: true })
  }, [last])
  const discard = (key: string) => {
    setNotCopied(false)
    void offline.discard(key).then(() => setLast({ key, isUndone: false }))
  }
  const undo = (key: string) => {
    offline.undoDiscard(key)
    setLast({ key, isUndone: true })
  }
  const copy = async ({ edits }: UnsentEntry) => setNotCopied(!(await copyText(editsAsText(edits, words))))
  const isWaiting = state.entries.some(isAsked) || state.requests.some(({ refusal }) => refusal === null)
  const isLost = state.storage === 'full' || state.storage === 'barred'
  /** Storage that was read holds nothing either. */
  const isAllSaved =
    (state.storage === 'ok' || state.storage === 'full') &&
    [state.entries, state.discarded, state.requests, state.discardedRequests].every(
      ({ length }) => length === 0,
    )
  return (
    <section className={className} data-slot="nc-unsent" aria-label={texts.title} ref={place} tabIndex={-1}>
      <p className="nc-sentence" role="status">
        {isNotCopied
          ? words.messages.banner.notCopied
          : last && (last.isUndone ? texts.isBack : texts.isDiscarded)}
      </p>
      {isLost && (
        <p className="nc-sentence nc-undecided nc-refusal" role="alert">
          {state.storage === 'full' ? texts.full : texts.barred}
        </p>
      )}
      {isAllSaved && <p className="nc-sentence">{texts.none}</p>}
      <ul className="nc-unsent">
        {state.entries.map((entry) => (
          <li key={entry.key} className={toneOf(entry)}>
            <span className="nc-unsent-text">
              <strong>{nameOf(entry)}</strong>{' '}
              <small>
                {[whatOf(entry, words), reasonOf(entry, state, words)]
                  .filter((text) => text !== '')
                  .join(' · ')}
              </small>
            </span>
            <span className="nc-buttons">
              <parts.Button data-slot="nc-open" variant="plain" onClick={() => onOpen(entry)}>
                {buttons.open}
              </parts.Button>
              <parts.Button data-slot="nc-copy" variant="plain" onClick={() => void copy(entry)}>
                {buttons.copy}
              </parts.Button>
              <parts.Button data-slot="nc-discard" variant="plain" onClick={() => discard(entry.key)}>
                {buttons.discard}
              </parts.Button>
            </span>
          </li>
        ))}
        {state.requests.map((request) => (
          <li key={request.key} className={request.refusal ? 'nc-refusal' : 'nc-info'}>
            <span className="nc-unsent-text">
              <strong>{request.label}</strong> <small>{stateOf(request, state, words)}</small>
            </span>
            <span className="nc-buttons">
              {request.refusal && (
                <parts.Button
                  data-slot="nc-resend"
                  variant="plain"
                  onClick={() => offline.resend(request.key)}
                >
                  {buttons.retry}
                </parts.Button>
              )}
              <parts.Button data-slot="nc-discard" variant="plain" onClick={() => discard(request.key)}>
                {buttons.discard}
              </parts.Button>
            </span>
          </li>
        ))}
        {discardedOf(state, nameOf, words).map(({ key, name, what }) => (
          <li key={`discarded ${key}`} className="nc-info">
            <span className="nc-unsent-text">
              <strong>{name}</strong> <small>{what}</small>
            </span>
            <span className="nc-buttons" data-undo={key}>
              <parts.Button data-slot="nc-undo" variant="plain" onClick={() => undo(key)}>
                {buttons.undo}
              </parts.Button>
            </span>
          </li>
        ))}
      </ul>
      {isWaiting && (
        <parts.Button
          data-slot="nc-retry"
          variant="plain"
          className="nc-info"
          onClick={() => offline.retry()}
          disabled={state.isSending}
        >
          {state.isSending ? texts.sending : buttons.retry}
        </parts.Button>
      )}
    </section>
  )
}

const toneOf = ({ trouble, waits }: UnsentEntry) =>
  waits === 'gone'
    ? 'nc-warning'
    : trouble === null
      ? 'nc-info'
      : trouble.kind === 'conflict'
        ? 'nc-warning'
        : 'nc-refusal'

const unsentTexts = (words: Words) => textsOf(words, 'unsent', englishUnsentMessages)

function whatOf({ id, edits }: UnsentEntry, words: Words): string {
  const { creation, removal } = unsentTexts(words)
  const isRemoval = edits.unanswered?.kind === 'remove' || edits.next?.kind === 'remove'
  const fields = listFields(Object.keys({ ...edits.kept?.fields, ...edits.draft }), words)
  const what = [isNewRecord(id) ? creation : '', fields, isRemoval ? removal : '']
  return what.filter((text) => text !== '').join(', ')
}

const WAITS = { parent: 'waitsForParent', refused: 'waitsForRefused', gone: 'waitsForGone' } as const

function reasonOf(entry: UnsentEntry, { isSending }: UnsentState, words: Words): string {
  const texts = unsentTexts(words)
  const { trouble, waits } = entry
  if (waits) return texts[WAITS[waits]]
  if (trouble?.kind === 'refused') return fill(texts.refused, { detail: problemText(trouble, words) })
  if (trouble) return texts[trouble.kind]
  if (!isAsked(entry)) return texts.typed
  return isSending ? texts.sending : texts.waiting
}

function stateOf({ refusal, bulk }: QueuedRequest, { isSending }: UnsentState, words: Words): string {
  const texts = unsentTexts(words)
  const rows = bulk?.rows ?? []
  const done = rows.filter(({ outcome }) => outcome !== undefined).length
  const left = rows.filter(isLeft).length
  if (left > 0 && refusal) return fillPlural(texts.bulkLeft, left, words.locale)
  if (done > 0 && !refusal)
    return fill(fillPlural(texts.bulk, rows.length, words.locale), {
      done: done.toLocaleString(words.locale),
    })
  if (refusal) return fill(texts.refused, { detail: refusal.detail })
  return isSending ? texts.sending : texts.waiting
}

function discardedOf(
  { discarded, discardedRequests }: UnsentState,
  nameOf: UnsentChangesProps['nameOf'],
  words: Words,
): { key: string; name: ReactNode; what: string }[] {
  const what = unsentTexts(words).discarded
  return [
    ...discarded.map((entry) => ({
      key: entry.key,
      name: nameOf(entry),
      what: [whatOf(entry, words), what].filter((text) => text !== '').join(' · '),
    })),
    ...discardedRequests.map(({ key, label }) => ({ key, name: label, what })),
  ]
}

/** "2 unsent changes", for a badge; `null` where everything is saved. Edits that nobody has tried to save don't count. */
export function useUnsentCount(offline: UnsentSource): string | null {
  const { words } = useLive()
  const { entries, requests } = useUnsent(offline)
  const count = entries.filter((entry) => isAsked(entry) || entry.trouble).length + requests.length
  return count === 0 ? null : fillPlural(unsentTexts(words).count, count, words.locale)
}
