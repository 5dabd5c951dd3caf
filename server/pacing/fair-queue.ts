// A fair queue: a few pieces of work run at a time; waiting tenants take turns, and within a tenant its users do.
// Invariant: the number of pieces that a user queues delays only that user. A piece starts at once while a place is free and
// the user's share isn't used up.
import { performance } from 'node:perf_hooks'
import { type Person, personKey } from './person.ts'
import { refuseSlowly } from './refuse-slowly.ts'
import type { Activity, WorkAllowance } from './work-allowance.ts'

/** How much is done at a time. */
export interface FairQueueOptions {
  /** Pieces of work under way, of all people together. */
  atOnce: number
  /**
   * Pieces of work under way for one user while others ask too. A user who has been alone for a second may use all
   * places but a fifth, which stays free for the next one.
   */
  perPerson: number
  /**
   * A user with more than four waiting pieces pauses after each, for this many times its duration, so that other users'
   * work runs in between. Default 0.
   */
  restShare?: number
  /**
   * A piece that costs so many milliseconds of work keeps the event loop busy for as long. After one, while others are at work, its
   * person's pieces are done one at a time: several that end together would delay everybody by all of them. Default: none does.
   */
  heavyMs?: number
  /** Pieces of one person's work that may wait; a further one is refused as `rate_limited`. Default: any number. */
  mostWaiting?: number
  /** Who is at work in any queue of the node. Default: this queue alone counts. */
  activity?: Activity
  /** A user beyond this allowance waits, even with a single piece. */
  allowance?: WorkAllowance
  /**
   * What a piece costs of the allowance, in milliseconds of work, by how long it took and how large its answer was.
   * Default: as long as it took.
   */
  costOf?(tookMs: number, size: number): number
  now?: () => number
}

/** Ends a piece of work, given how large it was, in what its queue counts. */
type EndTurn = (size?: number) => void

export interface FairQueue {
  /**
   * Resolves when it is this person's turn, with the function that ends it.
   *
   * @throws Refusal where too many of this person's wait already.
   * @param signal Gives the turn up; the promise is rejected with the signal's reason.
   */
  enter(person: Person, signal?: AbortSignal): Promise<EndTurn>
  /** Does the work when it is this person's turn. */
  run<T>(person: Person, work: () => Promise<T>, size?: number): Promise<T>
  /** Is this user within the allowance? */
  isRested(person: Person): boolean
  /** Counts what was done for a person without a turn. */
  count(person: Person, size: number): void
  /** Counts work that follows after a turn, in milliseconds: it delays this person's next turns. */
  spend(person: Person, workMs: number): void
  /** Pieces of work that wait. */
  waiting(): number
}

/** The longest pause after a piece, of a person who is alone and while others are at work. */
const MOST_REST_MS = { alone: 100, besideOthers: 500 }
/** A page that opens a few lists at once causes no pause. */
const FEW = 4

/** A user is alone after so long without requests of others. */
const ALONE_AFTER_MS = 1_000
const KEPT_FREE = 1 / 5

interface Line {
  person: Person
  /** `null` as long as nothing has waited: most lines last for one piece. */
  waiting: Set<() => void> | null
  running: number
  /** No sooner than this. */
  restsUntil: number
  /** The last piece was. */
  isHeavy: boolean
}

type Lines = Map<string, Line>

const waitingIn = ({ waiting }: Line): number => waiting?.size ?? 0

export const createFairQueue = (options: FairQueueOptions): FairQueue => {
  const {
    atOnce,
    perPerson,
    restShare = 0,
    heavyMs = Number.POSITIVE_INFINITY,
    now = () => performance.now(),
  } = options
  const { mostWaiting = Number.POSITIVE_INFINITY, activity, allowance, costOf = (tookMs) => tookMs } = options
  /** By tenant, then by user; the first has waited longest for a turn. */
  const tenants = new Map<string, Lines>()
  let running = 0
  let waiting = 0
  let waking: NodeJS.Timeout | undefined
  const perPersonAlone = Number.isFinite(atOnce)
    ? Math.max(perPerson, atOnce - Math.ceil(atOnce * KEPT_FREE))
    : perPerson
  /** Who asked last, and when that was last another person than before. */
  let lastAsker = ''
  let changedAt = Number.NEGATIVE_INFINITY

  const noteAsker = (person: Person) => {
    const key = personKey(person)
    if (key === lastAsker) return
    lastAsker = key
    changedAt = now()
  }

  /** Another's save would meet two of its pieces at any time, and the database has no processor left for that save. */
  const isCrowding = (line: Line): boolean =>
    (line.isHeavy || (Number.isFinite(atOnce) && restShare > 0 && waitingIn(line) > FEW)) &&
    activity?.hasOthers(line.person) === true

  const hasShareLeft = (line: Line): boolean =>
    line.running < (isCrowding(line) ? 1 : perPerson) ||
    (line.running < perPersonAlone &&
      now() - changedAt > ALONE_AFTER_MS &&
      activity?.hasOthers(line.person) !== true)

  const lineOf = (person: Person): Line => {
    const { tenantId, id } = person
    const lines = tenants.get(tenantId) ?? new Map<string, Line>()
    tenants.set(tenantId, lines)
    const line = lines.get(id) ?? { person, waiting: null, running: 0, restsUntil: 0, isHeavy: false }
    lines.set(id, line)
    return line
  }

  const forget = ({ tenantId, id }: Person, line: Line) => {
    if (line.running > 0 || waitingIn(line) > 0) return
    const lines = tenants.get(tenantId)
    lines?.delete(id)
    if (lines?.size === 0) tenants.delete(tenantId)
  }

  /** After a turn its user goes to the end of the queue. */
  const rotate = ({ tenantId, id }: Person, line: Line) => {
    const lines = tenants.get(tenantId)
    if (!lines || (tenants.size === 1 && lines.size === 1)) return
    lines.delete(id)
    lines.set(id, line)
    tenants.delete(tenantId)
    tenants.set(tenantId, lines)
  }

  const readyAt = ({ person, restsUntil }: Line) =>
    allowance ? Math.max(restsUntil, allowance.readyAt(person)) : restsUntil

  const wakeAt = (at: number) => {
    clearTimeout(waking)
    waking = setTimeout(pump, Math.max(1, at - now()))
  }

  /** Begins the next piece, if one may begin. */
  const beginNext = (): boolean => {
    const at = now()
    let soonest = Number.POSITIVE_INFINITY
    for (const lines of tenants.values()) {
      for (const line of lines.values()) {
        if (!line.waiting?.size || !hasShareLeft(line)) continue
        const ready = readyAt(line)
        if (ready > at) {
          soonest = Math.min(soonest, ready)
          continue
        }
        const [begin] = line.waiting
        begin?.()
        return true
      }
    }
    if (soonest < Number.POSITIVE_INFINITY) wakeAt(soonest)
    return false
  }

  const pump = () => {
    while (running < atOnce && waiting > 0 && beginNext());
  }

  /** Counts a piece as begun; gives the function that ends it. */
  const begin = (person: Person, line: Line): EndTurn => {
    const begunAt = now()
    activity?.note(person)
    line.running += 1
    running += 1
    rotate(person, line)
    let isOver = false
    return (size = 0) => {
      if (isOver) return
      isOver = true
      const tookMs = now() - begunAt
      const costMs = costOf(tookMs, size)
      allowance?.spend(person, costMs)
      line.isHeavy = costMs >= heavyMs
      line.running -= 1
      running -= 1
      if (waitingIn(line) > FEW && restShare > 0) {
        const most = activity?.hasOthers(person) ? MOST_REST_MS.besideOthers : MOST_REST_MS.alone
        line.restsUntil = now() + Math.min(most, tookMs * restShare)
      }
      rotate(person, line)
      forget(person, line)
      if (waiting > 0) pump()
    }
  }

  const enter = (person: Person, signal?: AbortSignal): Promise<EndTurn> => {
    const line = lineOf(person)
    noteAsker(person)
    const isFree = running < atOnce && hasShareLeft(line) && waitingIn(line) === 0
    const ready = isFree && allowance ? allowance.readyAt(person) : 0
    if (isFree && (ready === 0 || ready <= now())) return Promise.resolve(begin(person, line))
    line.waiting ??= new Set()
    const own = line.waiting
    if (own.size >= mostWaiting) return refuseSlowly(person, 'Too many of your requests wait already.')
    return new Promise((resolve, reject) => {
      const leave = () => {
        own.delete(pass)
        waiting -= 1
        signal?.removeEventListener('abort', giveUp)
      }
      const pass = () => {
        leave()
        resolve(begin(person, line))
      }
      const giveUp = () => {
        leave()
        forget(person, line)
        reject(signal?.reason)
      }
      own.add(pass)
      waiting += 1
      if (isFree) pump()
      if (signal?.aborted) giveUp()
      else signal?.addEventListener('abort', giveUp, { once: true })
    })
  }

  return {
    enter,
    run: async (person, work, size) => {
      const end = await enter(person)
      try {
        return await work()
      } finally {
        end(size)
      }
    },
    isRested: (person) => !allowance || allowance.readyAt(person) <= now(),
    count: (person, size) => allowance?.spend(person, costOf(0, size)),
    spend: (person, workMs) => allowance?.spend(person, workMs),
    waiting: () => waiting,
  }
}
