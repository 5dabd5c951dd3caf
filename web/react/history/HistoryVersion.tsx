// One version: what changed, who, when and by which way, with what can be brought back of it.

import type { WireHistoryEntry } from '../../../server/protocol/index.ts'
import { isSame } from '../../client/base/values.ts'
import type { HistoryMessages } from '../../client/words/history-messages.ts'
import {
  fill,
  fillPlural,
  labelOf,
  listFields,
  personName,
  type Words,
  whoWrote,
} from '../../client/words/messages.ts'
import { useLive } from '../base/LiveProvider.tsx'
import { TimeAgo } from '../base/TimeAgo.tsx'
import { Difference } from './Difference.tsx'

/** Shorter lists of fields are open. */
const MOST_OPEN = 4

interface HistoryVersionProps {
  entry: WireHistoryEntry
  /** The record's fields as they are; `null`: nothing can be brought back now. */
  now: Record<string, unknown> | null
  writable: readonly string[]
  words: Words
  texts: HistoryMessages
  /** The record is that by now, whatever the form still shows: there is nothing to bring back. */
  isNewest: boolean
  onRestore: (version: number, fields?: string[]) => void
}

export function HistoryVersion(props: HistoryVersionProps) {
  const { entry, now, writable, words, texts, isNewest, onRestore } = props
  const { parts } = useLive()
  const {
    version,
    event,
    updated_by,
    updated_at,
    values = {},
    changed_fields,
    restored_from,
    proposed_by,
  } = entry
  const mayRestore = now !== null && writable.length > 0 && event !== 'deleted' && !isNewest
  const canBring = (field: string, value: unknown) =>
    mayRestore && writable.includes(field) && !isSame(now?.[field], value)
  const fields = Object.entries(values)
  const list = (
    <dl className="nc-history-fields">
      {fields.map(([field, [before, after]]) => (
        <div key={field}>
          <dt>{labelOf(field, words)}</dt>
          <dd>
            <Difference {...{ field, before, after, words }} />
            {canBring(field, after) && (
              <parts.Button
                data-slot="nc-history-restore-value"
                variant="plain"
                className="nc-history-small"
                onClick={() => onRestore(version, [field])}
              >
                <span aria-hidden="true">{texts.restoreValue}</span>
                <span className="nc-history-hidden">
                  {fill(texts.restoreValueOf, { field: labelOf(field, words), version })}
                </span>
              </parts.Button>
            )}
          </dd>
        </div>
      ))}
    </dl>
  )
  return (
    <li data-slot="nc-history-version">
      <p className="nc-history-head">
        <strong>{fill(texts.version, { version })}</strong>{' '}
        <bdi>{fill(texts.events[event], { who: whoWrote(updated_by, words) })}</bdi>{' '}
        <TimeAgo at={updated_at} className="nc-history-soft" />{' '}
        <span className="nc-history-way">{texts.ways[updated_by?.kind ?? 'unknown']}</span>
      </p>
      {restored_from !== undefined && (
        <p className="nc-history-soft">{fill(texts.broughtBack, { version: restored_from })}</p>
      )}
      {proposed_by && (
        <p className="nc-history-soft">
          <bdi>{fill(texts.suggestedBy, { who: personName(proposed_by, words) })}</bdi>
        </p>
      )}
      {fields.length === 0 && event === 'updated' && (
        <p className="nc-history-soft">{listFields(changed_fields, words)}</p>
      )}
      {fields.length > 0 &&
        (event === 'updated' && fields.length <= MOST_OPEN ? (
          list
        ) : (
          <details>
            <summary>{fillPlural(texts.fields, fields.length, words.locale)}</summary>
            {list}
          </details>
        ))}
      {mayRestore && (
        <parts.Button
          data-slot="nc-history-restore"
          variant="plain"
          className="nc-history-small"
          onClick={() => onRestore(version)}
        >
          <span aria-hidden="true">{texts.restoreVersion}</span>
          <span className="nc-history-hidden">{fill(texts.restoreVersionOf, { version })}</span>
        </parts.Button>
      )}
    </li>
  )
}
