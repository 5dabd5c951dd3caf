// Requests under way, and who is behind each: asked again right before a write, where that could have changed since.
// Invariant: what begins to be written was permitted at most `limits.signInAgeMs` before, and nothing is written for somebody
// whose access this node knows to have been revoked since.
import type { IncomingMessage } from 'node:http'
import type { Authenticate, Limits } from './options.ts'
import { problem, Refusal } from './problems.ts'
import type { Actor } from './record-type.ts'
import { isUser, type RevokeOptions } from './revoke-options.ts'
import { wereTablesLookedUp } from './table-changes.ts'

/** How often a write begins anew because its permission may have changed after the check. */
const MOST_ATTEMPTS = 3

/** Permission may have changed between the check and the write: nothing was written, and it is checked anew. */
export class PermissionOutdated extends Error {
  constructor() {
    super('The permission of this write has to be checked again.')
    this.name = 'PermissionOutdated'
  }
}

/** One request under way. */
export interface OpenRequest {
  /** Who is behind it, as was last looked up. */
  readonly actor: Actor
  /** Something that concerns this person was revoked since they were last looked up. */
  isRevoked(): boolean
  /** It was, or the sign-in was looked up too long ago. */
  isDue(): boolean
  /**
   * Looks the sign-in up again. `true`: what was allowed to this person before still holds.
   *
   * @throws Refusal where it has ended, or is somebody else's now.
   */
  renew(): Promise<boolean>
  /** Calls this when something that concerns the person is revoked. */
  onRevoked(wake: () => void): void
  /** It was answered. */
  end(): void
}

/** All requests of this node that are under way. */
export interface OpenRequests {
  /** Looks up who is behind a request; `null` where that is nobody. Each that is given must be ended. */
  open(request: IncomingMessage): Promise<OpenRequest | null>
  /** Permissions have changed: those concerned are looked up again before they write. */
  revoke(options: RevokeOptions): void
}

/** Where an HTTP request keeps its open request: a WeakMap of thousands of them costs each collection of garbage. */
const OPEN = Symbol('open request')

/** The open request behind an HTTP request of the router's. A request made of another, with other headers, has none of that one's. */
export const openOf = (request: object): OpenRequest | undefined =>
  Object.hasOwn(request, OPEN) ? (request as { [OPEN]?: OpenRequest })[OPEN] : undefined

const ended = () => new Refusal(problem('unauthenticated'))

const isMeant = ({ tenantId, userId }: RevokeOptions, actor: Actor) =>
  (tenantId === undefined || tenantId === actor.tenantId) && (userId === undefined || isUser(actor, userId))

const asleep = () => {}

export interface OpenRequestsOptions {
  authenticate: Authenticate
  limits: Pick<Limits, 'signInAgeMs'>
}

/**
 * A place in the ring of requests under way. A Set of them would hold on to each request past its answer, until the next
 * full collection of garbage: its table grows old, and what an old table has held counts as in use.
 */
class Place {
  before: Place = this
  after: Place = this

  insertBefore(other: Place): void {
    this.before = other.before
    this.after = other
    other.before.after = this
    other.before = this
  }

  remove(): void {
    this.before.after = this.after
    this.after.before = this.before
    this.before = this
    this.after = this
  }
}

/** One object for each request, and no closures: this stands before every save. */
class Entry extends Place implements OpenRequest {
  readonly #request: IncomingMessage
  readonly #options: OpenRequestsOptions
  /** `null` while the person is being looked up for the first time. */
  #actor: Actor | null = null
  #askedAt = performance.now()
  #isRevoked = false
  /** Whatever `authenticate` says of them. */
  #isEnded = false
  /** Came while the person was still being looked up. */
  #early: RevokeOptions[] | null = null
  #wake = asleep

  constructor(request: IncomingMessage, options: OpenRequestsOptions) {
    super()
    this.#request = request
    this.#options = options
  }

  get actor(): Actor {
    return this.#actor as Actor
  }

  mark(options: RevokeOptions): void {
    if (!this.#actor) {
      this.#early ??= []
      this.#early.push(options)
    } else if (!isMeant(options, this.#actor)) return
    this.#isRevoked = true
    if (this.#actor && options.disconnect && options.userId !== undefined) this.#isEnded = true
    this.#wake()
  }

  /** `null`: nobody, or somebody whose sign-in has ended. */
  async lookUp(): Promise<Actor | null> {
    this.#isRevoked = false
    const actor = await this.#options.authenticate(this.#request)
    return this.#isEnded ? null : actor
  }

  /** The first look-up's answer: `false` where that is nobody, or somebody whose sign-in has ended meanwhile. */
  isOf(actor: Actor | null): boolean {
    if (actor) this.#begin(actor)
    return Boolean(actor) && !this.#isEnded
  }

  #begin(actor: Actor): void {
    this.#actor = actor
    const early = this.#early
    if (!early) return
    this.#early = null
    for (const options of early) this.mark(options)
  }

  isRevoked(): boolean {
    return this.#isRevoked
  }

  isDue(): boolean {
    return this.#isRevoked || performance.now() - this.#askedAt > this.#options.limits.signInAgeMs
  }

  async renew(): Promise<boolean> {
    const [was, wasRevoked] = [this.actor, this.#isRevoked]
    if (this.#isEnded) throw ended()
    const at = performance.now()
    const now = await this.lookUp()
    if (!now || now.id !== was.id || now.tenantId !== was.tenantId) throw ended()
    const isSame = now === was || JSON.stringify(now) === JSON.stringify(was)
    this.#actor = now
    this.#askedAt = at
    return isSame && !wasRevoked && !this.#isRevoked
  }

  onRevoked(wake: () => void): void {
    this.#wake = wake
  }

  /** A listener that can be taken off again. */
  readonly end = (): void => {
    this.remove()
  }
}

export const createOpenRequests = (options: OpenRequestsOptions): OpenRequests => {
  const end = new Place()
  return {
    revoke: (revoked) => {
      let place = end.after
      while (place instanceof Entry) {
        const next = place.after
        place.mark(revoked)
        place = next
      }
    },
    open: async (request) => {
      const entry = new Entry(request, options)
      entry.insertBefore(end)
      let isOpen = false
      try {
        isOpen = entry.isOf(await options.authenticate(request))
      } finally {
        if (!isOpen) entry.end()
      }
      if (!isOpen) return null
      const kept: IncomingMessage & { [OPEN]?: OpenRequest } = request
      kept[OPEN] = entry
      return entry
    },
  }
}

const TABLE_CHANGED = 'A table was changed while this was under way. Nothing of it was saved: send it again.'

/**
 * Does a request's work as the person who is behind it now; anew where that may have changed before anything was written, or
 * where a table had changed.
 *
 * @param mayRepeat Asked after a failure: its body is still there, and nothing of an answer has been sent.
 * @throws Refusal where the sign-in has ended meanwhile.
 */
export const asPersonNow = async <T>(
  open: OpenRequest,
  work: (actor: Actor) => Promise<T>,
  mayRepeat: () => boolean,
): Promise<T> => {
  for (let attempt = 1; ; attempt += 1) {
    if (open.isDue()) await open.renew()
    try {
      return await work(open.actor)
    } catch (error) {
      if (!(error instanceof PermissionOutdated)) {
        if (attempt === MOST_ATTEMPTS || !(await wereTablesLookedUp(error))) throw error
        if (!mayRepeat()) throw new Refusal(problem('unavailable', TABLE_CHANGED), { cause: error })
        continue
      }
      if (attempt === MOST_ATTEMPTS)
        throw new Refusal(problem('unavailable', 'Permissions change too fast to save. Try again.'))
    }
  }
}

/**
 * To be asked right before a write is sent.
 *
 * @throws PermissionOutdated where what was allowed may not hold any more.
 */
export const checkBeforeWrite = async (open: OpenRequest | undefined): Promise<void> => {
  if (open?.isDue() && !(await open.renew())) throw new PermissionOutdated()
}
