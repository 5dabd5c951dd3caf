// The requests at one record, and what holds at a record of which nothing was received.

import type { PresentPerson, TakeOverEvent } from '../../../server/protocol/index.ts'

/** Another person at the same record. */
export type OtherPerson = TakeOverEvent['from']

/** Requests between this person and the others at one record. */
export interface TakeOverState {
  /** The person who asks this one to hand over. */
  asker: OtherPerson | null
  /** The person that this one has asked, and the outcome; `unreachable`: the request was not passed on. */
  asked: (OtherPerson & { outcome: 'waiting' | 'handed_over' | 'not_now' | 'unreachable' }) | null
  /** This person handed over, and has not edited since. */
  hasHandedOver: boolean
}

export const NOBODY: readonly PresentPerson[] = []

export const NO_REQUESTS: TakeOverState = { asker: null, asked: null, hasHandedOver: false }
