// Calls one function after changes of whole types: for what the app itself fetches, as totals and filters. Events of a
// storm are one call, and no call begins before the promise of the one before is settled. Missed changes count too: those
// from before the first join, of a lost connection, and of writes of this tab. Loaded with the first call.

import type {
  ImportEvent,
  RecordEvent,
  RecordEventName,
  Scope,
  WatchedList,
} from '../../../server/protocol/index.ts'
import { type Clock, elapsedOf, type Page, type Stop } from '../base/clock.ts'
import type { OwnWrite } from '../http/own-writes.ts'
import type { ListEvent } from '../transport/event-router.ts'
import type { TransportEvent } from '../transport/transport.ts'
import type { ListToWatch } from './list-watching.ts'

/** Where the transport can't join at once. */
const FIRST_MS = 2000
const JOIN_JITTER_MS = 1000
/** A list that isn't joined has no events. */
const UNJOINED_MS = 5_000
/** Of a storm while the page is hidden. */
const MOST_EVENTS = 1000

/** What happened since the last call. */
export interface RecordChanges {
  /** The types that changed, or may have. */
  types: string[]
  /** As they arrived. */
  events: (RecordEvent | ImportEvent)[]
  /** `false`: more may have changed than the events say. */
  isComplete: boolean
}

/** When `client.onEvents` calls. */
export interface RecordEventsOptions {
  /** From the first event to the call, in milliseconds. Default 500. */
  coalesceMs?: number
  /** One parent's records, as `{ project_id: '1' }`; default: all of the type. */
  scope?: Scope
  /** Whether it is called once when it has joined: what was loaded before may be older. Default `true`. */
  isCalledFirst?: boolean
}

/** Calls a function after changes of some types: `client.onEvents`. */
export type OnRecordEvents = (
  types: string | readonly string[],
  listener: (changes: RecordChanges) => unknown,
  options?: RecordEventsOptions,
) => Stop

export interface RecordEventsParts {
  clock: Clock
  page: Page
  random?: () => number
  watchList(list: ListToWatch, listener: (event: ListEvent) => void): Stop
  onOwnWrite(listener: (write: OwnWrite) => void): Stop
  onPersonChanged(listener: () => void): Stop
}

export const createRecordEvents =
  ({ clock, page, random = Math.random, ...client }: RecordEventsParts) =>
  (
    [types, listener, { coalesceMs = 500, scope, isCalledFirst = true } = {}]: Parameters<OnRecordEvents>,
    /** This tab's writes since it was asked for. */
    before: readonly OwnWrite[],
  ): Stop => {
    const names = [...new Set([types].flat())]
    const cursors = new Map<string, string | null>()
    const unjoined = new Set<string>()
    let changed = new Set<string>()
    let events: RecordChanges['events'] = []
    let isComplete = true
    let isCalling = false
    let isStopped = false
    let dueAt: number | null = null
    let stopTimer: Stop = () => {}

    function within(delayMs: number) {
      const at = elapsedOf(clock) + delayMs
      if (isCalling || isStopped || changed.size === 0 || (dueAt !== null && dueAt <= at)) return
      stopTimer()
      dueAt = at
      stopTimer = clock.after(delayMs, () => page.isVisible() && void call())
    }

    async function call() {
      dueAt = null
      isCalling = true
      const changes = { types: [...changed], events, isComplete }
      forget()
      try {
        await listener(changes)
      } finally {
        isCalling = false
        within(coalesceMs)
        poll()
      }
    }

    function forget() {
      changed = new Set()
      events = []
      isComplete = true
    }

    function missed(type: string, delayMs: number) {
      changed.add(type)
      isComplete = false
      within(delayMs)
    }

    function poll() {
      for (const type of unjoined) missed(type, UNJOINED_MS)
    }

    function own(write: OwnWrite) {
      const type = 'record' in write ? write.record.type : write.type
      if (names.includes(type)) missed(type, coalesceMs)
    }

    function happened(type: string, event: TransportEvent) {
      if (event.name === 'RecordsImported' || isOfRecord(event)) {
        changed.add(type)
        if (events.length < MOST_EVENTS) events.push(event.event)
        else isComplete = false
        within(coalesceMs)
      }
    }

    function joined(type: string, answer: WatchedList) {
      const before = cursors.get(type)
      cursors.set(type, (answer.ok && answer.cursor) || null)
      if (!answer.ok && answer.code === 'rate_limited') unjoined.add(type)
      else unjoined.delete(type)
      if (!before && (isCalledFirst || before === null)) missed(type, 0)
      else if (before && (!answer.ok || answer.behind)) missed(type, coalesceMs + random() * JOIN_JITTER_MS)
      poll()
    }

    const watch = (type: string) =>
      client.watchList(
        { type, ...(scope && { scope }), cursor: () => cursors.get(type) ?? null },
        (received) => {
          if (received.kind === 'event') happened(type, received.event)
          else joined(type, received.answer)
        },
      )

    if (isCalledFirst) for (const type of names) missed(type, FIRST_MS)
    const stops = [
      ...names.map(watch),
      client.onOwnWrite(own),
      client.onPersonChanged(() => {
        stopTimer()
        dueAt = null
        forget()
        cursors.clear()
        if (isCalledFirst) for (const type of names) missed(type, FIRST_MS)
      }),
      page.onChange(() => {
        if (page.isVisible() && dueAt !== null && dueAt <= elapsedOf(clock) && !isCalling) void call()
      }),
      () => stopTimer(),
    ]
    for (const write of before) own(write)
    return () => {
      isStopped = true
      for (const stop of stops) stop()
    }
  }

const isOfRecord = (event: TransportEvent): event is Extract<TransportEvent, { name: RecordEventName }> =>
  event.name === 'RecordCreated' || event.name === 'RecordUpdated' || event.name === 'RecordDeleted'
