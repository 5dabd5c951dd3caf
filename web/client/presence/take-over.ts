// "Ask to take over": requests and answers between two people at one record. Advisory: saving stays guarded in any case.

import {
  type RecordAddress,
  type RefusedMessage,
  TAKE_OVER_MS,
  type TakeOverAnswer,
  type TakeOverEvent,
  type TakeOverMessage,
} from '../../../server/protocol/index.ts'
import type { Clock } from '../base/clock.ts'
import { createKeyedStores } from '../base/keyed-stores.ts'
import type { createWritable, Readable } from '../base/store.ts'
import { createTimers } from '../base/timers.ts'
import { recordKey } from '../transport/subscriptions.ts'
import { NO_REQUESTS, type OtherPerson, type TakeOverState } from './nobody.ts'

export type { OtherPerson, TakeOverState } from './nobody.ts'

/** Requests between people at a record. Each is forgotten after a minute. */
export interface TakeOver {
  /** Requests at a record: by another person, and one's own. */
  at(address: RecordAddress): Readable<TakeOverState>
  /** Asks this person to hand the record over. */
  ask(address: RecordAddress, person: OtherPerson): Promise<void>
  /** Answers the request of another person. */
  answer(address: RecordAddress, answer: 'handed_over' | 'not_now'): Promise<void>
  /** This person edits again. */
  goOn(address: RecordAddress): void
  /** Removes the outcome of one's own request. */
  dismiss(address: RecordAddress): void
}

export interface OwnedTakeOver extends TakeOver {
  receive(event: TakeOverEvent): void
  /** The person changes: there are no requests to or from the next one. */
  leave(): void
  close(): void
}

export interface TakeOverOptions {
  send: (message: TakeOverMessage) => Promise<TakeOverAnswer | RefusedMessage | null>
  clock: Clock
  createWritable: typeof createWritable
}

const isNothing = ({ asker, asked, hasHandedOver }: TakeOverState) => !asker && !asked && !hasHandedOver

export function createTakeOver({ send, clock, createWritable }: TakeOverOptions): OwnedTakeOver {
  const states = createKeyedStores(createWritable, NO_REQUESTS, isNothing)
  const timers = createTimers(clock)

  function set(address: RecordAddress, patch: Partial<TakeOverState>) {
    const key = recordKey(address)
    states.set(key, { ...states.get(key), ...patch })
    for (const part of ['asker', 'asked'] as const) {
      if (!(part in patch)) continue
      const name = `${part} ${key}`
      timers.cancel(name)
      if (patch[part]) timers.start(name, TAKE_OVER_MS, () => set(address, { [part]: null }))
    }
  }

  return {
    at: (address) => states.of(recordKey(address)),
    async ask({ type, id }, { id: to, name }) {
      const asked = { id: to, name, outcome: 'waiting' as const }
      set({ type, id }, { asked })
      const answer = await send({ type, id, to, say: 'ask' })
      if (!answer?.ok && states.get(recordKey({ type, id })).asked === asked)
        set({ type, id }, { asked: { ...asked, outcome: 'unreachable' } })
    },
    async answer({ type, id }, answer) {
      const { asker } = states.get(recordKey({ type, id }))
      if (!asker) return
      set({ type, id }, { asker: null, ...(answer === 'handed_over' && { hasHandedOver: true }) })
      await send({ type, id, to: asker.id, say: answer })
    },
    goOn: (address) => set(address, { hasHandedOver: false }),
    dismiss: (address) => set(address, { asked: null }),
    receive({ type, id, from, say }) {
      if (say === 'ask') set({ type, id }, { asker: from })
      else set({ type, id }, { asked: { ...from, outcome: say } })
    },
    leave() {
      timers.cancelAll()
      states.reset()
    },
    close: timers.cancelAll,
  }
}
