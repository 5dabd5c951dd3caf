// Who listens to events: to all of them, or to those of a type; and a list that is watched: its joins and its events reach one
// listener.

import type { Scope } from '../../../server/protocol/index.ts'
import type { Stop } from '../base/clock.ts'
import { createListeners } from '../base/store.ts'
import { isNewRecord } from '../http/new-record.ts'
import type { ListEvent, ReceivedEvent } from '../transport/event-router.ts'
import type { Watching } from '../transport/subscriptions.ts'

/** A list whose changes are watched. */
export interface ListToWatch {
  /** The record type's name. */
  type: string
  /** Which part of it. Default `{}`: all records of the type. */
  scope?: Scope
  /** Where the list's data stands in the change log, as its last answer said. */
  cursor?: () => string | null
}

/** The listeners of one client. */
export function createEventListeners() {
  const lists = new Map<string, Set<(event: ListEvent) => void>>()
  return {
    observers: createListeners<[ReceivedEvent]>(),
    lists,
    /** Every event of one type that this tab did not cause. */
    onList(type: string, listener: (event: ListEvent) => void): Stop {
      const listeners = lists.get(type) ?? new Set()
      lists.set(type, listeners.add(listener))
      return () => {
        listeners.delete(listener)
        if (listeners.size === 0 && lists.get(type) === listeners) lists.delete(type)
      }
    },
  }
}

type EventListeners = ReturnType<typeof createEventListeners>

export const createListWatching =
  (watching: Pick<Watching, 'addList'>, { onList }: Pick<EventListeners, 'onList'>, start: () => void) =>
  ({ type, scope, cursor }: ListToWatch, listener: (event: ListEvent) => void): Stop => {
    start()
    const stopEvents = onList(type, listener)
    if (scope && Object.values(scope).some((value) => isNewRecord(String(value)))) {
      // The server has no such list yet: it is polled.
      const answer = { type, scope, ok: false, code: 'not_found' } as const
      queueMicrotask(() => listener({ kind: 'joined', answer }))
      return stopEvents
    }
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
