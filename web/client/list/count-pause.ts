// How long a page waits between two requests that count: so that many pages cost the server a bounded part of its time.

/** Least time between two requests, and how much of the time the server may spend on them: a twentieth. */
const PACE_MS = 2500
const SHARE = 20
const MOST_MS = 60_000

/** The pause after a request that took so long, in milliseconds. */
export const countPauseMs = (tookMs: number): number =>
  Math.min(MOST_MS, Math.max(PACE_MS, tookMs * (SHARE - 1)))
