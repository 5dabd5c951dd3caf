// With the option `relay` one node reads the log and sends the keys that it read to the others, which then don't read it.
// Invariant: a page is a hint. It says from which position to which it reaches, and is taken only where the receiver is at or
// behind the one and not yet at the other; so a lost, late, doubled or reordered page is one that isn't taken, and who gets none
// in time reads by itself and leads from then on. Why no election: docs/decisions/063.
import type { ChangeKey } from './log-reader.ts'

/** What a node read of the log. */
export interface RelayedPage {
  epoch: string
  /** What was visible in this snapshot is not in it. */
  from: string
  /** What is visible in this one is. */
  to: string
  /** When it was read, by the database's clock. */
  asOf: string
  /** The tables whose changes it has; `null`: of all. */
  sources: string[] | null
  /** In the order of the log; `null`: too many, or they belong to a large transaction: each reads them by itself. */
  keys: ChangeKey[] | null
}

/** Who reads: this node, or another one from whom pages come. */
export interface Relay {
  /** This node reads for all. */
  leads(): boolean
  /** No page came in time. */
  lead(): void
  /** Sends what was read, where this node leads. */
  send(page: RelayedPage): void
  /** Takes what another node sent. `isFresh`: it was read just now. */
  receive(page: RelayedPage, sender: string, isFresh: boolean): void
  /** There are pages to be taken. */
  hasPages(): boolean
  take(): RelayedPage | undefined
  /** How long a page may take, in milliseconds: of several who wait one is the first to read. */
  waitMs(): number
}

export interface RelayOptions {
  /** This node, and no other. */
  id: string
  send(page: RelayedPage): void
  now?: () => number
  random?: () => number
}

/** Who reads for the others does so at least for this long: of two, one of whom is slow, not the slow one alone. */
const LEAD_MS = 5_000
const WAIT_MS = 100
/** After so many late pages nobody waits for that node. */
const MOST_LATE = 3
/** More keys than this in a page are read by each node itself. */
const MOST_KEYS = 1_000
const MOST_BYTES = 400_000
const MOST_SOURCES = 200
/** Pages that wait for a delivery; of more the first are dropped, and what was in them is read. */
const MOST_PAGES = 100

const fits = ({ keys, sources }: RelayedPage): boolean =>
  keys !== null &&
  keys.length <= MOST_KEYS &&
  (sources?.length ?? 0) <= MOST_SOURCES &&
  JSON.stringify(keys).length <= MOST_BYTES

export const createRelay = (options: RelayOptions): Relay => {
  const { id, send, now = () => performance.now(), random = Math.random } = options
  /** Who has just started gives way at once. */
  let leadsSince: number | null = Number.NEGATIVE_INFINITY
  /** Pages one after the other that came late. */
  let late = 0
  const pages: RelayedPage[] = []
  return {
    leads: () => leadsSince !== null,
    lead: () => {
      leadsSince ??= now()
    },
    send: (page) => {
      if (leadsSince !== null) send(fits(page) ? page : { ...page, sources: null, keys: null })
    },
    receive: (page, sender, isFresh) => {
      late = isFresh ? 0 : late + 1
      if (leadsSince !== null && isFresh && sender < id && now() - leadsSince >= LEAD_MS) leadsSince = null
      if (late >= MOST_LATE) leadsSince ??= now()
      if (leadsSince !== null) return
      pages.push(page)
      if (pages.length > MOST_PAGES) pages.shift()
    },
    hasPages: () => pages.length > 0,
    take: () => pages.shift(),
    waitMs: () => WAIT_MS * (1 + random()),
  }
}
