// "Ask to take over": what two people at one record say to each other. Advisory: whatever is said, saving stays guarded.

import {
  type RecordAddress,
  type RefusedMessage,
  TAKE_OVER_MS,
  type TakeOverAnswer,
  type TakeOverEvent,
  type TakeOverMessage,
} from '../../../server/protocol/index.ts'
import type { Clock, Stop } from '../base/clock.ts'
import { createWritable, type Readable } from '../base/store.ts'
import { recordKey } from '../transport/subscriptions.ts'

/** Somebody at the same record. */
export type OtherPerson = TakeOverEvent['from']

/** How things stand between this person and the others at one record. */
export interface TakeOverState {
  /** Who asks this person to hand over. */
  asker: OtherPerson | null
  /** Whom this person has asked, and what came of it; `unreachable`: it was not passed on. */
  asked: (OtherPerson & { outcome: 'waiting' | 'handed_over' | 'not_now' | 'unreachable' }) | null
  /** This person handed over, and has not gone on since. */
  hasHandedOver: boolean
}

/** What passes between people at a record. All of it is forgotten after a minute. */
export interface TakeOver {
  at(address: RecordAddress): Readable<TakeOverState>
  ask(address: RecordAddress, person: OtherPerson): Promise<void>
  /** Answers who asks. */
  answer(address: RecordAddress, say: 'handed_over' | 'not_now'): Promise<void>
  /** This person goes on editing after all. */
  goOn(address: RecordAddress): void
  /** Takes the outcome of one's own asking off the screen. */
  dismiss(address: RecordAddress): void
}

export interface OwnedTakeOver extends TakeOver {
  receive(event: TakeOverEvent): void
  /** Somebody else is here: nobody has asked them, and they have asked nobody. */
  leave(): void
  close(): void
}

export interface TakeOverOptions {
  send: (message: TakeOverMessage) => Promise<TakeOverAnswer | RefusedMessage | null>
  clock: Clock
}

const NOTHING: TakeOverState = { asker: null, asked: null, hasHandedOver: false }

const createPlace = (clock: Clock) => {
  const state = createWritable(NOTHING)
  const forgetting = new Map<'asker' | 'asked', Stop>()
  return {
    state,
    set(patch: Partial<TakeOverState>) {
      state.set({ ...state.get(), ...patch })
      for (const part of ['asker', 'asked'] as const) {
        if (!(part in patch)) continue
        forgetting.get(part)?.()
        const forget = () => state.set({ ...state.get(), [part]: null })
        if (patch[part]) forgetting.set(part, clock.after(TAKE_OVER_MS, forget))
      }
    },
    stop() {
      for (const stop of forgetting.values()) stop()
    },
  }
}

export function createTakeOver({ send, clock }: TakeOverOptions): OwnedTakeOver {
  const places = new Map<string, ReturnType<typeof createPlace>>()

  function placeOf(address: RecordAddress) {
    const key = recordKey(address)
    const place = places.get(key) ?? createPlace(clock)
    places.set(key, place)
    return place
  }

  return {
    at: (address) => placeOf(address).state,
    async ask({ type, id }, { id: to, name }) {
      const place = placeOf({ type, id })
      const asked = { id: to, name, outcome: 'waiting' as const }
      place.set({ asked })
      const answer = await send({ type, id, to, say: 'ask' })
      if (!answer?.ok && place.state.get().asked === asked)
        place.set({ asked: { ...asked, outcome: 'unreachable' } })
    },
    async answer({ type, id }, say) {
      const place = placeOf({ type, id })
      const { asker } = place.state.get()
      if (!asker) return
      place.set({ asker: null, ...(say === 'handed_over' && { hasHandedOver: true }) })
      await send({ type, id, to: asker.id, say })
    },
    goOn: (address) => placeOf(address).set({ hasHandedOver: false }),
    dismiss: (address) => placeOf(address).set({ asked: null }),
    receive({ type, id, from, say }) {
      const place = placeOf({ type, id })
      if (say === 'ask') place.set({ asker: from })
      else place.set({ asked: { ...from, outcome: say } })
    },
    leave() {
      for (const { state, stop } of places.values()) {
        stop()
        state.replace(NOTHING)
      }
    },
    close() {
      for (const { stop } of places.values()) stop()
    },
  }
}
