// The pill that says how changes arrive now: Live, Behind, Reconnecting, Polling, Offline, Signed out; and where they don't come
// by themselves, as of when what is shown holds.

import { englishConnectionMessages } from '../client/words/connection-messages.ts'
import { fill, textsOf } from '../client/words/messages.ts'
import { timeOfDay } from '../client/words/time-ago.ts'
import { useLive } from './base/LiveProvider.tsx'
import { classes } from './base/parts.tsx'
import { useConnection } from './useConnection.ts'

/** Small enough for a header; the longer sentence is its title. The time is shown, but not announced each time. */
export function ConnectionPill({ className }: { className?: string }) {
  const { words } = useLive()
  const { status, lastCheckedAt } = useConnection()
  const texts = textsOf(words, 'connection', englishConnectionMessages)
  const isLive = status === 'live'
  const time = lastCheckedAt === null ? null : timeOfDay(lastCheckedAt, words)
  const lastChecked = time === null ? texts.neverChecked : fill(texts.lastChecked, { time })
  const late = status === 'behind' && time !== null ? fill(texts.late, { time }) : null
  return (
    <span
      className={classes('nc-pill', className)}
      data-slot="nc-pill"
      data-status={status}
      role="status"
      title={isLive ? texts.upToDate : `${late ?? lastChecked} ${texts.checkedOnSave}`}
    >
      <span className="nc-pill-dot" aria-hidden="true" />
      <span data-status={status}>{texts[status]}</span>
      {!isLive && time !== null && (
        <span className="nc-pill-time" aria-hidden="true">
          {fill(texts.asOf, { time })}
        </span>
      )}
    </span>
  )
}
