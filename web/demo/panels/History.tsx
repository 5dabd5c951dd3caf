// The record's history: who changed it, when, and which fields. Refetched when a version arrives.

import type { RecordClient } from 'noclobber/client'
import { TimeAgo, useRecordClient } from 'noclobber/react'
import { useCallback } from 'react'
import { fieldLabel, formatMoment } from '../base/format.ts'
import { Avatar, Sentence, Skeleton, writerName } from '../base/Parts.tsx'
import { useFetched } from '../base/useFetched.ts'
import { Values } from '../base/Values.tsx'
import { WORDS } from '../base/words.ts'

type Entry = Extract<Awaited<ReturnType<RecordClient['history']>>, { outcome: 'found' }>['entries'][number]

const MOST_FIELDS = 3

const fieldNames = (names: string[]): string => {
  const shown = names.slice(0, MOST_FIELDS).map(fieldLabel).join(', ')
  return names.length > MOST_FIELDS ? `${shown} ${WORDS.history.more(names.length - MOST_FIELDS)}` : shown
}

const Line = ({ entry }: { entry: Entry }) => {
  const { event, version, updated_at, updated_by, changed_fields } = entry
  const name = writerName(updated_by)
  return (
    <li>
      <Avatar name={name} kind={updated_by?.kind ?? 'service'} />
      <p className="history-text">
        <bdi>
          <strong>{name}</strong>
        </bdi>{' '}
        {WORDS.history.events[event]}
        {event === 'updated' && ` ${fieldNames(changed_fields)}`}
      </p>
      <span className="version-tag">{WORDS.history.version(version)}</span>
      {event === 'updated' && entry.values && <Values values={entry.values} />}
      <span className="history-time" title={formatMoment(updated_at)}>
        <TimeAgo at={updated_at} />
      </span>
    </li>
  )
}

/** `newest` names the newest version that is known, shown or not: another one is the reason to ask again. */
export const History = ({ id, newest }: { id: string; newest: string }) => {
  const client = useRecordClient()
  const history = useFetched(
    useCallback(async () => {
      const answer = await client.history('project', id)
      return answer.outcome === 'found' ? answer.entries : null
    }, [client, id, newest]),
  )
  const { again, found, status } = history

  return (
    <aside className="card history" aria-label={WORDS.history.title}>
      <div className="card-head">
        <h2>{WORDS.history.title}</h2>
      </div>
      {found ? (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and without a stop no keyboard can scroll it
        <ol className="history-list" tabIndex={0} aria-label={WORDS.history.title}>
          {found.map((entry) => (
            <Line key={entry.version} entry={entry} />
          ))}
        </ol>
      ) : status === 'failed' ? (
        <Sentence text={WORDS.history.failed} action={WORDS.projects.retry} onAction={again} />
      ) : (
        <Skeleton lines={4} label={WORDS.history.title} />
      )}
      {found?.length === 0 && <Sentence text={WORDS.history.empty} />}
    </aside>
  )
}
