// Leaving without anybody losing anything: new work is sent elsewhere, and clients move one by one.
// Invariant: nothing that has begun is cut; no two clients are asked to come back at the same moment.
import { setTimeout as pause } from 'node:timers/promises'

/** What {@link RecordServer.drain} takes. */
export interface DrainOptions {
  /** How long the node says that it isn't ready while it still serves all, so that proxies notice. Default 1,000. */
  noticeMs?: number
  /** Over how long sockets and event streams are closed, in milliseconds. Default 2,000, less where there are few. */
  spreadMs?: number
}

/** A connection that its client opens again, elsewhere. */
export interface Leaver {
  disconnect(close?: boolean): unknown
}

const PER_LEAVER_MS = 5
const SPREAD_MS = 2_000

/** Closes all of these, each at a moment of its own. */
const closeGently = async (
  leavers: Leaver[],
  spreadMs: number,
  random: () => number = Math.random,
): Promise<void> => {
  const windowMs = Math.min(spreadMs, leavers.length * PER_LEAVER_MS)
  await Promise.all(
    leavers.map(async (leaver) => {
      await pause(random() * windowMs)
      leaver.disconnect(true)
    }),
  )
}

/** `onDrained`: nobody listens any more; requests that wait for changes are answered without. */
export const createDrain = (leavers: () => Leaver[], onDrained: () => void) => {
  let draining: Promise<void> | null = null
  return {
    isDraining: () => draining !== null,
    /** Asks every connection to come back, elsewhere if there is another node. This one goes on serving. */
    sendAway: (): Promise<void> => closeGently(leavers(), SPREAD_MS),
    drain: ({ noticeMs = 1_000, spreadMs = SPREAD_MS }: DrainOptions = {}): Promise<void> => {
      draining ??= pause(noticeMs)
        .then(() => closeGently(leavers(), spreadMs))
        .then(onDrained)
      return draining
    },
  }
}
