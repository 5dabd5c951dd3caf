// Routes incoming events: each goes to the observers of the wire, then to the open record and the lists that it
// concerns. Events of this tab's own writes stop after the observers: the answers to those writes hold more. Loaded with the
// transports, without which there are no events.

import type {
  Age,
  PresenceEvent,
  RecordAddress,
  TakeOverEvent,
  WatchedList,
  Writer,
} from '../../../server/protocol/index.ts'
import type { Clock } from '../base/clock.ts'
import { normalizeEvent } from '../base/received-people.ts'
import type { createListeners } from '../base/store.ts'
import type { RemoteVersion, TransportEvent } from './transport.ts'

/** An event as it arrived, for observers of the wire. */
export interface ReceivedEvent {
  /** The message, as the wire has it. */
  event: TransportEvent
  /** This tab wrote it; its editors ignore it. */
  isOwnTab: boolean
  /** Of its JSON. */
  sizeBytes: number
  /** From commit to arrival, as far as the clocks agree; `null` for events without a time. */
  delayMs: number | null
  /** In this machine's milliseconds. */
  receivedAt: number
}

/** What a list watcher receives: its position after each join, and each event of its type. */
export type ListEvent = { kind: 'joined'; answer: WatchedList } | { kind: 'event'; event: TransportEvent }

export interface EventRouterOptions {
  /** Every event as it arrives, including own ones. */
  observers: Pick<ReturnType<typeof createListeners<[ReceivedEvent]>>, 'size' | 'notify'>
  /** By type: every event of it that this tab did not cause. */
  lists: ReadonlyMap<string, Iterable<(event: ListEvent) => void>>
  tabId: string
  clock: Clock
  localTime: (iso: string | null) => number
  isOwn: (by: Writer | null) => boolean
  /** Certainly another person: whatever tab the event names, it is not this one. */
  isColleague: (by: Writer | null) => boolean
  onRemoteVersion: (address: RecordAddress, remote: RemoteVersion) => void
  onRevoked: (address: RecordAddress) => void
  onPresence: (event: PresenceEvent | TakeOverEvent) => void
  onResync: () => void
  onAge: (age: Age) => void
}

export interface EventRouter {
  receive(received: TransportEvent): void
}

type Quiet = 'RecordsImporting' | 'ProposalCreated' | 'ProposalDecided' | 'SpreadChanged'

/** Of no concern to records and lists as they are shown: for the observers alone. */
const isQuiet = (received: TransportEvent): received is Extract<TransportEvent, { name: Quiet }> =>
  /^(RecordsImporting|Prop|Spread)/.test(received.name)

export function createEventRouter(options: EventRouterOptions): EventRouter {
  const { clock, localTime, isOwn, isColleague, observers, lists } = options

  function show(received: TransportEvent, isOwnTab: boolean) {
    if (observers.size === 0) return
    const isAddressed = 'event' in received && 'type' in received.event
    const payload = (isAddressed ? received.event : {}) as { updated_at?: string }
    const receivedAt = clock.now()
    const delayMs = payload.updated_at ? receivedAt - localTime(payload.updated_at) : null
    const sizeBytes = new TextEncoder().encode(JSON.stringify(payload)).length
    observers.notify({ event: received, isOwnTab, sizeBytes, delayMs, receivedAt })
  }

  return {
    receive(received) {
      if ('event' in received) {
        if (typeof received.event !== 'object' || received.event === null) return
        normalizeEvent(received.event)
      }
      const writing = 'event' in received && 'tab_id' in received.event ? received.event : null
      const isOwnTab = writing?.tab_id === options.tabId && !isColleague(writing.updated_by)
      if (received.name === 'Heartbeat') return options.onAge(received.event)
      show(received, isOwnTab)
      if (received.name === 'Resync') return options.onResync()
      if (received.name === 'PresenceChanged' || received.name === 'TakeOver')
        return options.onPresence(received.event)
      if (isQuiet(received)) return
      if (received.name === 'AccessRevoked') {
        if (!received.event.signed_out) received.event.records.forEach(options.onRevoked)
        return
      }
      if (isOwnTab) return
      for (const listener of lists.get(received.event.type) ?? [])
        listener({ kind: 'event', event: received })
      if (received.name === 'RecordsImported') return
      const { version, changed_fields: changedFields, updated_by: by, updated_at } = received.event
      const { previous_version: previousVersion } = received.event
      const deleted = received.name === 'RecordDeleted'
      const remote: RemoteVersion = {
        version,
        ...(previousVersion !== undefined && { previousVersion }),
        changedFields,
        by,
        at: localTime(updated_at),
        isOwn: isOwn(by),
        deleted,
      }
      options.onRemoteVersion(received.event, remote)
    },
  }
}
