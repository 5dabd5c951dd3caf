// Admits connections of a reconnect storm a few per turn of the event loop, fewer while the node is busy. Requests are served
// between two turns, so saves go before handshakes. Connections that end at one moment are handled the same way.
// Invariant: on an idle node a single caller is admitted at once. Admission is in order of arrival, unless `isFromBothEnds` is
// set. A caller that has left takes no turn.
import { performance } from 'node:perf_hooks'
import type { Duplex } from 'node:stream'

const TURN_MS = 5
/** A node is busy from this utilization of its event loop on. */
const BUSY = 0.5

/** How many are admitted in a turn, while the node is idle and while it is busy. Never none: all get through in the end. */
export interface Width {
  idle: number
  busy: number
}

/** Handshakes and the opening of streams: these cost the most, with the sign-in and the join that follow them. */
export const ENTERING: Width = { idle: 2, busy: 1 }
/** Handshakes before authentication. As many are admitted after it, so a wider queue here would only move the waiting. */
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
  /** How many may still be admitted in this turn, and how many were. */
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
