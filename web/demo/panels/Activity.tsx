// The activity panel: who changed what, on which record, when and how. It follows the feed while it is open.
import { TimeAgo } from 'noclobber/react'
import { useEffect, useRef, useState } from 'react'
import { ACTIVITY } from '../base/activity-words.ts'
import { formatMoment } from '../base/format.ts'
import { Avatar, Link, Sentence, Skeleton, writerName } from '../base/Parts.tsx'
import '../styles/activity.css'
import { fieldLabel } from '../base/format.ts'
import { Values } from '../base/Values.tsx'
import { type ActivityChange, useActivity } from './useActivity.ts'

const RecordName = ({ change }: { change: ActivityChange }) => {
  const name = `${ACTIVITY.types[change.type] ?? change.type} ${change.id}`
  const isThere = change.type === 'project' && change.event !== 'deleted'
  return isThere ? <Link to={`/projects/${change.id}`}>{name}</Link> : name
}

const Line = ({ change }: { change: ActivityChange }) => {
  const { event, values, changed_fields, updated_at, updated_by, version } = change
  const kind = updated_by?.kind ?? 'service'
  const name = kind === 'database' ? (updated_by?.name ?? '') : writerName(updated_by)
  return (
    <li>
      <Avatar name={name} kind={kind} />
      <p className="activity-text">
        <bdi>
          <strong>{name}</strong>
        </bdi>{' '}
        {ACTIVITY.events[event]} <RecordName change={change} />
      </p>
      <span className="version-tag">v{version}</span>
      {event === 'updated' && values ? (
        <Values values={values} />
      ) : (
        event === 'updated' && <p className="activity-fields">{changed_fields.map(fieldLabel).join(', ')}</p>
      )}
      <span className="activity-when" title={formatMoment(updated_at)}>
        <TimeAgo at={updated_at} /> · {ACTIVITY.ways[kind]}
      </span>
    </li>
  )
}

const Changes = () => {
  const { status, changes, isInterrupted, again } = useActivity()
  if (status === 'failed') return <Sentence text={ACTIVITY.failed} action={ACTIVITY.retry} onAction={again} />
  return (
    <>
      {isInterrupted && (
        <p className="activity-interrupted" role="status">
          {ACTIVITY.interrupted}
        </p>
      )}
      {changes.length > 0 ? (
        <ol className="activity-list">
          {changes.map((change) => (
            <Line key={`${change.type} ${change.id} ${change.version}`} change={change} />
          ))}
        </ol>
      ) : status === 'loading' ? (
        <Skeleton lines={8} label={ACTIVITY.loading} />
      ) : (
        <Sentence text={ACTIVITY.empty} />
      )}
    </>
  )
}

/** The button in the header, and the panel that it opens; Escape closes it. */
export const Activity = () => {
  const [isOpen, setOpen] = useState(false)
  const button = useRef<HTMLButtonElement>(null)

  useEffect(() => {
    if (!isOpen) return
    const close = (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || event.defaultPrevented) return
      setOpen(false)
      button.current?.focus()
    }
    addEventListener('keydown', close)
    return () => removeEventListener('keydown', close)
  }, [isOpen])

  return (
    <>
      <button
        ref={button}
        type="button"
        className="button button-quiet"
        aria-expanded={isOpen}
        aria-controls="activity"
        onClick={() => setOpen(!isOpen)}
      >
        {ACTIVITY.open}
      </button>
      {isOpen && (
        <aside id="activity" className="card activity" aria-label={ACTIVITY.title}>
          <div className="card-head">
            <h2>{ACTIVITY.title}</h2>
            <button type="button" className="button button-quiet" onClick={() => setOpen(false)}>
              {ACTIVITY.close}
            </button>
          </div>
          <Changes />
        </aside>
      )}
    </>
  )
}
