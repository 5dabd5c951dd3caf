// A list that is watched: its joins and its events reach one listener.

import type { Scope } from '../../../server/protocol/index.ts'
import type { Stop } from '../base/clock.ts'
import type { EventRouter, ListEvent } from '../transport/event-router.ts'
import type { Watching } from '../transport/subscriptions.ts'

/** A list whose changes are watched. */
export interface ListToWatch {
  type: string
  scope?: Scope
  /** Where the list's data stands in the change log, as its last answer said. */
  cursor?: () => string | null
}

export const createListWatching =
  (watching: Pick<Watching, 'addList'>, eventRouter: Pick<EventRouter, 'onList'>, start: () => void) =>
  ({ type, scope, cursor }: ListToWatch, listener: (event: ListEvent) => void): Stop => {
    start()
    const stopEvents = eventRouter.onList(type, listener)
    const stop = watching.addList({
      type,
      ...(scope ? { scope } : {}),
      cursor: cursor ?? (() => null),
      onAnswer: (answer) => listener({ kind: 'joined', answer }),
    })
    return () => {
      stopEvents()
      stop()
    }
  }
