// How far the node that answers has read the log of changes.

/**
 * How far a node has read the log of changes: whatever was committed before `as_of`, by the database's clock, it has sent.
 * `behind_ms`: how long ago that was. Both `null` before it has read for the first time.
 */
export interface Age {
  /** The time up to which the server has read the log: ISO 8601, by the database's clock. */
  as_of: string | null
  /** How far it is behind, in milliseconds. */
  behind_ms: number | null
}

/** How often each socket and each stream gets the node's {@link Age}, in milliseconds. */
export const HEARTBEAT_MS = 10_000

/** A node that is behind by more says so at once, and so does its page. */
export const BEHIND_MS = 5_000
