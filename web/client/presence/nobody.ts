// What holds at a record of which nothing was received.

import type { PresentPerson } from '../../../server/protocol/index.ts'
import type { TakeOverState } from './take-over.ts'

export const NOBODY: readonly PresentPerson[] = []

export const NO_REQUESTS: TakeOverState = { asker: null, asked: null, hasHandedOver: false }
