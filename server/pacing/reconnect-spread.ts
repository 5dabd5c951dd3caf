// The reconnect jitter window: over how many milliseconds a node's clients spread their return, should all connections be lost
// at once. Each client gets it when it watches, and all get it again when there are many more than it was computed for.
// Invariant: early clients learn of later ones, and a client that returns in a reconnect storm gets the window for the whole
// storm, however few are back so far. Otherwise most clients would return within the first seconds.

const PER_CONNECTION_MS = 7
/** Clients wait as long without being asked. */
const SMALL_SPREAD_MS = 1_000
const MOST_SPREAD_MS = 8_000
/** All are sent it again when it has grown by so much, and not before. */
const GROWTH = 1.25

export interface ReconnectSpreadOptions {
  /** How many are connected. */
  count(): number
  /** Sends it to all who are connected. */
  publish(spreadMs: number): void
  /** So long at least, and up to twice as long, it is known how many there were, in milliseconds. */
  rememberedMs?: number
}

export interface ReconnectSpread {
  /** What one who is connected now is asked for: nothing where they are few. */
  asked(): { spread_ms?: number }
  stop(): void
}

/** Remembers how many there were. */
export const createReconnectSpread = ({
  count,
  publish,
  rememberedMs = 60_000,
}: ReconnectSpreadOptions): ReconnectSpread => {
  let most = 0
  let mostBefore = 0
  let published = SMALL_SPREAD_MS
  let remembering: NodeJS.Timeout | undefined

  const forget = () => {
    mostBefore = most
    most = count()
  }

  return {
    asked: () => {
      remembering ??= setInterval(forget, rememberedMs).unref()
      most = Math.max(most, count())
      const spread_ms = Math.min(MOST_SPREAD_MS, Math.max(most, mostBefore) * PER_CONNECTION_MS)
      if (spread_ms >= published * GROWTH) {
        published = spread_ms
        publish(spread_ms)
      } else if (spread_ms < published) published = Math.max(SMALL_SPREAD_MS, spread_ms)
      return spread_ms > SMALL_SPREAD_MS ? { spread_ms } : {}
    },
    stop: () => clearInterval(remembering),
  }
}
