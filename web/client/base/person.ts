// Which person this client acts for. Invariant: the state of one person is neither visible nor reachable once anything
// is drawn or sent for the next. The app names the person (`userId`); otherwise the server does, by X-Person-ID in its
// answers, and after a sign-in the person counts as unknown until it has.

import type { Stop } from './clock.ts'
import { createListeners } from './store.ts'

export interface PersonOptions {
  userId: (() => string | null) | undefined
  token: () => string | null
}

/** Whether an answer may be used. `late`: requested by an earlier person; `foreign`: the session is another person's. */
type AnswerFor = 'ours' | 'late' | 'foreign'

export interface Person {
  /** `null` while the person is unknown. */
  id(): string | null
  /** The app has named the person. */
  isNamed(): boolean
  /** The app says that nobody is signed in, after it had named a person. */
  isNobody(): boolean
  /** Rises with each change of person. */
  epoch(): number
  /** Detects a change of person now; returns `false` when there was one. */
  check(): boolean
  /** A sign-in took place, perhaps of another person. */
  signedIn(): void
  /** A request is sent: its number, which rises. */
  asks(): number
  /**
   * The request of that epoch and number was answered. `says`: the person the server acted for, `null` where it did not say.
   * Of two that say different people the one that was sent later counts.
   */
  answered(epoch: number, status: number, says: string | null, request: number): AnswerFor
  /** Before the person changes: put away the state of `before`; `null` where that person is unknown. */
  onLeft(listener: (before: string | null) => void): Stop
  /** The person is known now. */
  onKnown(listener: (id: string | null) => void): Stop
}

const isGood = (status: number) => status >= 200 && status < 300

export function createPerson({ userId, token }: PersonOptions): Person {
  const left = createListeners<[string | null]>()
  const known = createListeners<[string | null]>()
  let id: string | null = null
  let epoch = 0
  let wasNamed = false
  let isNobody = false
  /** After a sign-in, until an answer names the person. */
  let isAsked = false
  /** Without a token the session has ended: the page keeps its person until the next sign-in. */
  let lastToken: string | null = null
  let requests = 0
  /** The latest request whose answer named the person. */
  let namedBy = 0

  function leave(next: string | null) {
    const before = id
    id = next
    epoch += 1
    left.notify(before)
  }

  function become(next: string) {
    const isFirst = id === null && !isNobody && !isAsked
    isNobody = false
    isAsked = false
    if (isFirst) id = next
    else leave(next)
    known.notify(next)
  }

  /** Hides everything until the person is known. */
  function ask() {
    isAsked = true
    leave(null)
  }

  function check(): boolean {
    const before = epoch
    const stated = userId?.() ?? null
    if (stated !== null) {
      const named = String(stated)
      wasNamed = true
      if (named !== id) become(named)
    } else if (wasNamed) {
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
    check()
    return id
  }

  return {
    id: current,
    isNamed: () => wasNamed,
    isNobody: () => isNobody,
    epoch: () => epoch,
    check,
    signedIn() {
      if (check() && !wasNamed) ask()
    },
    asks: () => ++requests,
    answered(asked, status, says, request) {
      check()
      if (asked !== epoch || isNobody) return 'late'
      if (says === null) {
        if (isAsked && isGood(status)) {
          isAsked = false
          known.notify(null)
        }
        return 'ours'
      }
      if (says !== id && !wasNamed && request < namedBy) return 'late'
      namedBy = Math.max(namedBy, request)
      if (says === id) return 'ours'
      if (wasNamed) return 'foreign'
      if (id === null) {
        id = says
        isAsked = false
        known.notify(says)
        return 'ours'
      }
      leave(says)
      known.notify(says)
      return 'late'
    },
    onLeft: left.add,
    onKnown: known.add,
  }
}
