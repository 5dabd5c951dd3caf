// Who else is at a record, and what this tab does there. What this tab says is said again every 15 s and after each
// (re)join; a hidden tab is idle. Advisory: nothing here stops anybody from saving.

import type {
  PresenceAnswer,
  PresenceEvent,
  PresenceMessage,
  PresenceState,
  PresentPerson,
  RecordAddress,
  RefusedMessage,
  TakeOverEvent,
} from '../../../server/protocol/index.ts'
import type { Clock, Page, Stop } from '../base/clock.ts'
import { peopleOf } from '../base/received.ts'
import { createWritable, type Readable, type Writable } from '../base/store.ts'
import { recordKey } from '../transport/subscriptions.ts'
import { createTakeOver, type TakeOver, type TakeOverOptions } from './take-over.ts'

const BEAT_MS = 15_000
/** Moving through a form is told once the cursor rests. */
const SETTLE_MS = 150

/** What somebody does at a record. */
export interface Doing {
  state: PresenceState
  /** The field that the cursor is in. */
  field?: string | null
}

export interface Presence {
  /** Everybody who is at a record that is open here, or in a list that is watched here; this person too. */
  people(address: RecordAddress): Readable<readonly PresentPerson[]>
  /** Says what this tab does at a record that it has open, until stopped or said anew. */
  announce(address: RecordAddress, doing: Doing): Stop
  /** What people at one record ask of each other. */
  takeOver: TakeOver
}

export interface OwnedPresence extends Presence {
  receive(event: PresenceEvent | TakeOverEvent): void
  /** The rooms are joined: what was said before counts for nothing on this connection. */
  joined(): void
  forget(address: RecordAddress): void
  /** Somebody else is here: nothing that was said or heard stands. */
  leave(): void
  close(): void
}

export interface PresenceOptions {
  send: (message: PresenceMessage) => Promise<PresenceAnswer | RefusedMessage | null>
  sendTakeOver: TakeOverOptions['send']
  clock: Clock
  page: Page
}

const NOBODY: readonly PresentPerson[] = []

export function createPresence({ send, sendTakeOver, clock, page }: PresenceOptions): OwnedPresence {
  const takeOver = createTakeOver({ send: sendTakeOver, clock })
  const rooms = new Map<string, Writable<readonly PresentPerson[]>>()
  const announced = new Map<string, RecordAddress & Doing>()
  let persons = 0
  let stopBeat: Stop = () => {}
  let stopPage: Stop | null = null

  function roomOf(address: RecordAddress) {
    const key = recordKey(address)
    const room = rooms.get(key) ?? createWritable(NOBODY)
    rooms.set(key, room)
    return room
  }

  async function sendOne({ type, id, state, field = null }: RecordAddress & Doing) {
    const person = persons
    const answer = await send({ type, id, state: page.isVisible() ? state : 'idle', field })
    if (answer?.ok && person === persons) roomOf({ type, id }).set(peopleOf(answer.people))
  }

  const sendAll = () => {
    stopBeat()
    if (announced.size === 0) return
    for (const doing of announced.values()) void sendOne(doing)
    stopBeat = clock.after(BEAT_MS, sendAll)
  }

  const sendSoon = () => {
    stopBeat()
    stopBeat = clock.after(SETTLE_MS, sendAll)
  }

  return {
    people: roomOf,
    announce(address, doing) {
      const key = recordKey(address)
      const entry = { ...address, ...doing }
      announced.set(key, entry)
      stopPage ??= page.onChange(sendSoon)
      sendSoon()
      return () => {
        if (announced.get(key) === entry) announced.delete(key)
      }
    },
    takeOver,
    receive(event) {
      if ('say' in event) takeOver.receive(event)
      else roomOf(event).set(event.people)
    },
    joined: sendSoon,
    forget: (address) => rooms.get(recordKey(address))?.set(NOBODY),
    leave() {
      persons += 1
      for (const room of rooms.values()) room.replace(NOBODY)
      for (const doing of announced.values()) Object.assign(doing, { state: 'viewing', field: null })
      takeOver.leave()
    },
    close() {
      stopBeat()
      stopPage?.()
      announced.clear()
      takeOver.close()
    },
  }
}
