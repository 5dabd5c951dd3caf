// How much of what nobody signed is looked at. Invariant: a flood of a channel costs a node a bounded part of its
// time; beyond that everything of that second is dropped unread, and timers do what messages would have done.

export interface FloodGuard {
  /** May this second's messages still be looked at? */
  isOpen(): boolean
  /** One was none of ours. */
  spent(bytes: number): void
}

const SECOND_MS = 1_000

export const createFloodGuard = ({
  messages = 2_000,
  bytes = 16_000_000,
  now = () => performance.now(),
} = {}): FloodGuard => {
  let at = Number.NEGATIVE_INFINITY
  let left = { messages, bytes }
  const renew = () => {
    if (now() - at < SECOND_MS) return
    at = now()
    left = { messages, bytes }
  }
  return {
    isOpen: () => {
      renew()
      return left.messages > 0 && left.bytes > 0
    },
    spent: (size) => {
      left.messages -= 1
      left.bytes -= size
    },
  }
}
