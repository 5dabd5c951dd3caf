// "5 s ago" that keeps counting. All times of a page follow one timer, and screen readers don't announce each second.

import { timeAgo } from '../../client/words/time-ago.ts'
import { useLive, useNow } from './LiveProvider.tsx'
import { classes } from './parts.tsx'

/** What {@link TimeAgo} takes. */
export interface TimeAgoProps {
  /** This machine's milliseconds, or a time of the server's as the wire has it. */
  at: number | string
  /** Added to `nc-time`. */
  className?: string
}

/** A time as people say it. */
export function TimeAgo({ at, className }: TimeAgoProps) {
  const { client, words } = useLive()
  const now = useNow(client.seconds)
  const localAt = typeof at === 'number' ? at : client.localTime(at)
  return (
    <time
      className={classes('nc-time', className)}
      data-slot="nc-time"
      suppressHydrationWarning
      dateTime={new Date(localAt).toISOString()}
      aria-live="off"
    >
      {timeAgo(localAt, now, words)}
    </time>
  )
}
