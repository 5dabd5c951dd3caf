// The last events as they arrived: content, size, and delay from the commit to here.
import type { ReceivedEvent } from 'noclobber/client'
import { useRecordClient } from 'noclobber/react'
import { useEffect, useState } from 'react'
import { formatClock } from '../base/format.ts'
import { writerName } from '../base/Parts.tsx'
import { WORDS } from '../base/words.ts'

const MOST = 30
const words = WORDS.underneath

type Line = ReceivedEvent & { key: number }

const about = ({ event: received }: ReceivedEvent): string => {
  if (!('event' in received) || !('updated_by' in received.event)) return ''
  const { event } = received
  const what =
    'id' in event
      ? `${event.type} ${event.id} v${event.version}`
      : `${event.type} × ${'count' in event ? event.count : event.rows}`
  return `${what} · ${writerName(event.updated_by)}`
}

const EventLine = ({ line }: { line: Line }) => (
  <li>
    <code>{line.event.name}</code>
    <span className="figures">{formatClock(line.receivedAt)}</span>
    <span className="events-who">
      {about(line)}
      {line.isOwnTab && ` (${words.ownTab})`}
    </span>
    <span className="figures">
      {words.bytes(line.sizeBytes)}
      {line.delayMs !== null && `, ${words.delay(Math.max(0, Math.round(line.delayMs)))}`}
    </span>
  </li>
)

export const EventList = () => {
  const client = useRecordClient()
  const [lines, setLines] = useState<Line[]>([])

  useEffect(() => {
    let count = 0
    return client.onEvent((received) => {
      count += 1
      const line = { ...received, key: count }
      setLines((last) => [line, ...last].slice(0, MOST))
    })
  }, [client])

  if (lines.length === 0) return <p className="events-none">{words.noEvents}</p>
  return (
    <ol className="events">
      {lines.map((line) => (
        <EventLine key={line.key} line={line} />
      ))}
    </ol>
  )
}
