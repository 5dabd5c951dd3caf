// Who else is at a record, and what this tab does there. This tab announces itself every 15 s and after each (re)join; a
// hidden tab is idle. Advisory: nothing here stops anybody from saving. Invariant: no id of a record that the server doesn't have is sent.

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
import { createKeyedStores } from '../base/keyed-stores.ts'
import { peopleOf } from '../base/received-people.ts'
import type { createWritable, Readable } from '../base/store.ts'
import { isNewRecord } from '../http/new-record.ts'
import { recordKey } from '../transport/subscriptions.ts'
import { NOBODY } from './nobody.ts'
import { createTakeOver, type TakeOver, type TakeOverOptions } from './take-over.ts'

const BEAT_MS = 15_000
/** Moving through a form is announced once the cursor rests. */
const SETTLE_MS = 150

/** What a person does at a record. */
export interface Doing {
  /** `editing` where a cursor is in a field of it. */
  state: PresenceState
  /** The field that the cursor is in. */
  field?: string | null
  /** Something is typed and not saved; the others are shown that also while the tab is hidden. */
  unsaved?: boolean
}

/** Who else is at a record, and what this person does there. */
export interface Presence {
  /** Everybody at a record that is open here, or in a list that is watched here; this person too. */
  people(address: RecordAddress): Readable<readonly PresentPerson[]>
  /** Announces what this tab does at a record that it has open, until stopped or announced anew. */
  announce(address: RecordAddress, doing: Doing): Stop
  /** Requests between people at one record. */
  takeOver: TakeOver
}

export interface OwnedPresence extends Presence {
  receive(event: PresenceEvent | TakeOverEvent): void
  /** The rooms are joined: earlier announcements don't count on this connection. */
  joined(): void
  forget(address: RecordAddress): void
  /** The person changes: nothing that was announced or received stands. */
  leave(): void
  close(): void
}

export interface PresenceOptions {
  send: (message: PresenceMessage) => Promise<PresenceAnswer | RefusedMessage | null>
  sendTakeOver: TakeOverOptions['send']
  clock: Clock
  page: Page
  createWritable: typeof createWritable
}

/** Nobody is at a record that the server doesn't have yet, and its id means nothing there. */
const ofServer =
  <M extends RecordAddress, A>(send: (message: M) => Promise<A | null>) =>
  async (message: M): Promise<A | null> =>
    isNewRecord(message.id) ? null : send(message)

export function createPresence({ clock, page, createWritable, ...sending }: PresenceOptions): OwnedPresence {
  const send = ofServer(sending.send)
  const takeOver = createTakeOver({ send: ofServer(sending.sendTakeOver), clock, createWritable })
  const people = createKeyedStores(createWritable, NOBODY, (present) => present.length === 0)
  const announced = new Map<string, RecordAddress & Doing>()
  /** Records that this tab is at no more, which nobody was sent yet. */
  const left = new Map<string, RecordAddress>()
  let persons = 0
  let stopBeat: Stop = () => {}
  let stopPage: Stop | null = null

  async function sendOne({ type, id, state, field = null, unsaved }: RecordAddress & Doing) {
    const person = persons
    const shown = page.isVisible() ? { state, field } : { state: 'idle' as const, field: null }
    const answer = await send({ type, id, ...shown, ...(unsaved && { unsaved }) })
    if (answer?.ok && person === persons) people.set(recordKey({ type, id }), peopleOf(answer.people))
  }

  const sendAll = () => {
    stopBeat()
    for (const address of left.values()) void send({ ...address, state: null })
    left.clear()
    if (announced.size === 0) return
    for (const doing of announced.values()) void sendOne(doing)
    stopBeat = clock.after(BEAT_MS, sendAll)
  }

  const sendSoon = () => {
    stopBeat()
    stopBeat = clock.after(SETTLE_MS, sendAll)
  }

  return {
    people: (address) => people.of(recordKey(address)),
    announce(address, doing) {
      const key = recordKey(address)
      const entry = { type: address.type, id: address.id, ...doing }
      left.delete(key)
      announced.set(key, entry)
      stopPage ??= page.onChange(sendSoon)
      sendSoon()
      return () => {
        if (announced.get(key) !== entry) return
        announced.delete(key)
        left.set(key, { type: entry.type, id: entry.id })
        sendSoon()
      }
    },
    takeOver,
    receive(event) {
      if ('say' in event) {
        // A stream carries the events of several tabs: who has no edits here is not asked here.
        const doing = announced.get(recordKey(event))
        if (event.say !== 'ask' || doing?.state === 'editing' || doing?.unsaved) takeOver.receive(event)
      } else people.set(recordKey(event), event.people)
    },
    joined: sendSoon,
    forget: (address) => people.set(recordKey(address), NOBODY),
    leave() {
      persons += 1
      people.reset()
      left.clear()
      for (const doing of announced.values())
        Object.assign(doing, { state: 'viewing', field: null, unsaved: false })
      takeOver.leave()
    },
    close() {
      stopBeat()
      stopPage?.()
      stopPage = null
      announced.clear()
      left.clear()
      takeOver.close()
    },
  }
}
