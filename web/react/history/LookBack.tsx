// "What did it look like on 3 May": a date and a time, and the record as it was then, with what is different now.

import { type FormEvent, useId, useState } from 'react'
import type { WireRecord } from '../../../server/protocol/index.ts'
import { isSame } from '../../client/base/values.ts'
import { valueText } from '../../client/conflict/conflict-view.ts'
import type { HistoryMessages } from '../../client/words/history-messages.ts'
import { fill, labelOf, type Words } from '../../client/words/messages.ts'
import { useLive, useRecordClient } from '../base/LiveProvider.tsx'

interface LookBackProps {
  address: { type: string; id: string }
  now: Record<string, unknown> | null
  /** The version that is shown beside it. */
  version: number
  words: Words
  texts: HistoryMessages
  onRestore: (version: number) => void
}

type Found =
  | { kind: 'said'; text: string }
  | { kind: 'record'; record: WireRecord; at: Date; mayRestore: boolean }

const momentText = (at: Date, locale: string) =>
  new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeStyle: 'short' }).format(at)

export function LookBack({ address, now, version, words, texts, onRestore }: LookBackProps) {
  const client = useRecordClient()
  const { parts } = useLive()
  const input = useId()
  const [time, setTime] = useState('')
  const [found, setFound] = useState<Found | null>(null)

  const look = async (event: FormEvent) => {
    event.preventDefault()
    event.stopPropagation()
    const at = new Date(time)
    if (Number.isNaN(at.getTime())) return
    setFound({ kind: 'said', text: texts.looking })
    const past = await client.readPast(address.type, address.id, { asOf: at })
    if (past.outcome === 'found') {
      const { record, writable } = past
      return setFound({ kind: 'record', record, at, mayRestore: writable.length > 0 })
    }
    const said = {
      not_found: texts.notThere,
      gone: texts.notThere,
      no_longer_known: texts.notKnown,
    }[past.outcome as string]
    setFound({ kind: 'said', text: said ?? texts.notLooked })
  }
  return (
    <>
      <form className="nc-history-look" data-slot="nc-history-look" onSubmit={look}>
        <label htmlFor={input}>{texts.lookAt}</label>
        <input
          id={input}
          type="datetime-local"
          value={time}
          required
          onChange={({ target }) => setTime(target.value)}
        />
        <button type="submit" className="nc-button">
          {texts.look}
        </button>
      </form>
      {found?.kind === 'said' && <p role="status">{found.text}</p>}
      {found?.kind === 'record' && (
        <div className="nc-history-past" data-slot="nc-history-past">
          <p role="status">
            {fill(texts.lookedLike, {
              time: momentText(found.at, words.locale),
              version: found.record.version,
            })}
          </p>
          <dl className="nc-history-fields">
            {Object.entries(found.record.fields).map(([field, value]) => (
              <div key={field}>
                <dt>{labelOf(field, words)}</dt>
                <dd>
                  <bdi className="nc-history-text">{valueText(value, words, field)}</bdi>
                  {now && !isSame(now[field], value) && (
                    <span className="nc-history-way">{texts.isDifferent}</span>
                  )}
                </dd>
              </div>
            ))}
          </dl>
          <span className="nc-buttons">
            {found.mayRestore && now && found.record.version !== version && (
              <parts.Button
                data-slot="nc-history-restore"
                variant="plain"
                onClick={() => onRestore(found.record.version)}
              >
                {fill(texts.restoreVersionOf, { version: found.record.version })}
              </parts.Button>
            )}
            <parts.Button data-slot="nc-history-close" variant="plain" onClick={() => setFound(null)}>
              {texts.close}
            </parts.Button>
          </span>
        </div>
      )}
    </>
  )
}
