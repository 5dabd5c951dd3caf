// Whose everything is that this client holds. Invariant: what one person left is out of sight and out of reach before
// anything is drawn or sent for the next. Who it is, the app says (`userId`); where it doesn't, the server does, in
// X-Person-ID of its answers, and after a sign-in nobody is believed to be the same person until it has.

import type { Stop } from './clock.ts'
import { createListeners } from './store.ts'

export interface PersonOptions {
  userId: (() => string | null) | undefined
  token: () => string | null
}

/** Whether an answer may be used. `late`: it was asked for by somebody before; `foreign`: the session is somebody else's. */
export type AnswerFor = 'ours' | 'late' | 'foreign'

export interface Person {
  /** `null` while nobody is known. */
  id(): string | null
  /** The app says who it is. */
  isTold(): boolean
  /** The app says that nobody is signed in, after somebody was. */
  isNobody(): boolean
  /** Another number for each person after the other. */
  epoch(): number
  /** Notices at once where somebody else is here by now; `false` then. */
  look(): boolean
  /** Somebody has signed in: perhaps somebody else. */
  signedIn(): void
  /** The server has answered what was asked in that epoch. `says`: for whom it acted, `null` where it did not say. */
  answered(epoch: number, status: number, says: string | null): AnswerFor
  /** Before somebody else is here: what was of `before` is to be put away; `null` where it was never known who it was. */
  onLeft(listener: (before: string | null) => void): Stop
  /** It is known now who it is. */
  onKnown(listener: (id: string | null) => void): Stop
}

const isGood = (status: number) => status >= 200 && status < 300

export function createPerson({ userId, token }: PersonOptions): Person {
  const left = createListeners<[string | null]>()
  const known = createListeners<[string | null]>()
  let id: string | null = null
  let epoch = 0
  let wasTold = false
  let isNobody = false
  /** Somebody signed in, and no answer has said yet who. */
  let isAsked = false
  /** A token that is gone is a session that ended: its person's page stays until somebody signs in. */
  let lastToken: string | null = null

  function leave(next: string | null) {
    const before = id
    id = next
    epoch += 1
    left.tell(before)
  }

  function become(next: string) {
    const isFirst = id === null && !isNobody && !isAsked
    isNobody = false
    isAsked = false
    if (isFirst) id = next
    else leave(next)
    known.tell(next)
  }

  /** Nothing of before is shown until it is known who it is. */
  function ask() {
    isAsked = true
    leave(null)
  }

  function look(): boolean {
    const before = epoch
    const said = userId?.() ?? null
    if (said !== null) {
      const told = String(said)
      wasTold = true
      if (told !== id) become(told)
    } else if (wasTold) {
      if (!isNobody) {
        isNobody = true
        leave(null)
      }
    } else {
      const now = token()
      const isOther = now !== null && lastToken !== null && now !== lastToken
      lastToken = now ?? lastToken
      if (isOther) ask()
    }
    return epoch === before
  }

  function current() {
    look()
    return id
  }

  return {
    id: current,
    isTold: () => wasTold,
    isNobody: () => isNobody,
    epoch: () => epoch,
    look,
    signedIn() {
      if (look() && !wasTold) ask()
    },
    answered(asked, status, says) {
      look()
      if (asked !== epoch || isNobody) return 'late'
      if (says === null) {
        if (isAsked && isGood(status)) {
          isAsked = false
          known.tell(null)
        }
        return 'ours'
      }
      if (says === id) return 'ours'
      if (wasTold) return 'foreign'
      if (id === null) {
        id = says
        isAsked = false
        known.tell(says)
        return 'ours'
      }
      leave(says)
      known.tell(says)
      return 'late'
    },
    onLeft: left.add,
    onKnown: known.add,
  }
}
