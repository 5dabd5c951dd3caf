// `client.onEvents`, whose code is loaded with the first call. What this tab writes until then is not missed.

import type { Clock } from '../base/clock.ts'
import { createLazyPart, lazyModule } from '../base/lazy-module.ts'
import type { OwnWrite } from '../http/own-writes.ts'
import type { OnRecordEvents, RecordEventsParts } from './record-events.ts'

export const recordEventsCode = lazyModule(() => import('./record-events.ts'))

export function createLateEvents(parts: RecordEventsParts & { clock: Clock }) {
  const part = createLazyPart(
    recordEventsCode,
    ({ createRecordEvents }) => createRecordEvents(parts),
    parts.clock,
  )
  const onEvents: OnRecordEvents = (...asked) => {
    const written: OwnWrite[] = []
    const stopNoting = parts.onOwnWrite((write) => void written.push(write))
    const stop = part.use((start) => {
      stopNoting()
      return start(asked, written)
    })
    return () => {
      stopNoting()
      stop()
    }
  }
  return { onEvents, close: part.close }
}
