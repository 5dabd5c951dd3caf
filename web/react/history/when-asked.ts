// When suggestions are to be asked for again. They come as events while the connection is live; between nodes one may be lost.

import type { Stop } from '../../client/base/clock.ts'
import type { RecordClient } from '../../client/record-client-options.ts'

/** How often they are asked for anyway while the page is visible, in milliseconds. */
const EVERY_MS = 60_000

/** Calls back after each connection, each minute, and where no events arrive as often as versions are asked for. */
export function whenAsked(
  { connection, seconds }: Pick<RecordClient, 'connection' | 'seconds'>,
  ask: () => void,
): Stop {
  let { status, lastCheckedAt } = connection.get()
  let askedAt = seconds.get()
  const asked = () => {
    askedAt = seconds.get()
    ask()
  }
  const stops = [
    connection.subscribe(() => {
      const before = { status, lastCheckedAt }
      ;({ status, lastCheckedAt } = connection.get())
      const isPolled = status === 'polling' && lastCheckedAt !== before.lastCheckedAt
      if (isPolled || (status !== before.status && ['live', 'polling'].includes(status))) asked()
    }),
    seconds.subscribe(() => {
      if (seconds.get() - askedAt >= EVERY_MS) asked()
    }),
  ]
  return () => {
    for (const stop of stops) stop()
  }
}
