// The admission queue: those who come at once are let in a few at a time, fewer where the node has much to do, and between
// two turns everybody else is served: saves go before handshakes. Those who are lost at once are let go the same way.
// Invariant: nobody waits while nobody else does and the node is idle; all pass in the order in which they came,
// where that is asked for, and anyone who has gone takes nobody's turn.
import { performance } from 'node:perf_hooks'
import type { Duplex } from 'node:stream'

const TURN_MS = 5
/** The share of the event loop's time from which a node is busy. */
const BUSY = 0.5

/** How many pass in a turn: while the node is idle, and while it is busy, so that all get through at last. */
export interface Width {
  idle: number
  busy: number
}

/** Handshakes and the opening of streams: these cost the most, with the sign-in and the join that follow them. */
export const ENTERING: Width = { idle: 2, busy: 1 }
/** Handshakes of those whom nobody has looked up yet. When they sign in they enter, no faster than this: more would only stand there. */
export const UNKNOWN_CALLERS: Width = { idle: 2, busy: 1 }
export const LEAVING: Width = { idle: 8, busy: 4 }

/** The load since the last call. Time for which the process waits for a processor counts as busy. */
const ownLoop = (): (() => boolean) => {
  let last = performance.eventLoopUtilization()
  return () => {
    const { utilization } = performance.eventLoopUtilization(last)
    last = performance.eventLoopUtilization()
    return utilization > BUSY
  }
}

interface Waiting {
  pass(): void
  hasLeft(): boolean
}

const stays = () => false

/** Calls each `pass` soon: at once where there is no crowd, and never where `hasLeft` is true by then. */
export type AdmissionQueue = (pass: () => void, hasLeft?: () => boolean) => void

export interface AdmissionOptions {
  isBusy?: () => boolean
  /**
   * The last and the first to come pass by turns, instead of all in order: a crowd that came before nobody else
   * does delays none who come after it. Default `false`.
   */
  isFromBothEnds?: boolean
}

/** Lets so many pass in a turn. */
export const createAdmissionQueue = (
  { idle, busy }: Width,
  { isBusy = ownLoop(), isFromBothEnds = false }: AdmissionOptions = {},
): AdmissionQueue => {
  const waiting: Waiting[] = []
  /** How many may still pass in this turn, and how many have. */
  let left = 0
  let passed = 0
  let isTurning = false
  let isLastNext = false

  const letPass = (pass: () => void) => {
    left -= 1
    passed += 1
    pass()
  }

  const turn = () => {
    isTurning = passed > 0 || waiting.length > 0
    if (!isTurning) return
    left = isBusy() ? busy : idle
    passed = 0
    setTimeout(turn, TURN_MS)
    while (left > 0) {
      isLastNext = isFromBothEnds && !isLastNext
      const next = isLastNext ? waiting.pop() : waiting.shift()
      if (!next) return
      if (!next.hasLeft()) letPass(next.pass)
    }
  }

  return (pass, hasLeft = stays) => {
    if (!isTurning) {
      isTurning = true
      isBusy()
      left = idle
      setTimeout(turn, TURN_MS)
    }
    if (left > 0 && waiting.length === 0) letPass(pass)
    else waiting.push({ pass, hasLeft })
  }
}

/**
 * A network that fails, or a proxy, ends thousands of connections at one moment. Listeners to a connection's end run
 * when it is admitted; where the connection is closed meanwhile, never.
 */
export const leaveInTurn = (connection: Duplex, leave: AdmissionQueue): void => {
  for (const listener of connection.listeners('end') as (() => void)[]) {
    connection.off('end', listener)
    connection.on('end', () =>
      leave(
        () => listener.call(connection),
        () => connection.destroyed,
      ),
    )
  }
}
