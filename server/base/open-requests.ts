// Requests under way, and who is behind each: asked again right before a write, where that could have changed since.
// Invariant: what begins to be written was permitted at most `limits.signInAgeMs` before, and nothing is written for somebody
// whose access this node knows to have been revoked since.
import type { IncomingMessage } from 'node:http'
import type { Authenticate, Limits } from './options.ts'
import { problem, Refusal } from './problems.ts'
import type { Actor } from './record-type.ts'
import type { RevokeOptions } from './revoke-options.ts'

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

/** The open request behind an HTTP request of the router's. */
export const openOf = (request: object): OpenRequest | undefined =>
  (request as { [OPEN]?: OpenRequest })[OPEN]

const ended = () => new Refusal(problem('unauthenticated'))

interface Entry {
  actor: Actor | null
  isRevoked: boolean
  /** Whatever `authenticate` says of them. */
  isEnded: boolean
  /** Came while the person was still being looked up. */
  early: RevokeOptions[]
  wake: () => void
}

const isMeant = ({ tenantId, userId }: RevokeOptions, actor: Actor) =>
  (tenantId === undefined || tenantId === actor.tenantId) && (userId === undefined || userId === actor.id)

const mark = (entry: Entry, options: RevokeOptions) => {
  if (!entry.actor) entry.early.push(options)
  if (entry.actor && !isMeant(options, entry.actor)) return
  entry.isRevoked = true
  if (entry.actor && options.disconnect && options.userId !== undefined) entry.isEnded = true
  entry.wake()
}

export interface OpenRequestsOptions {
  authenticate: Authenticate
  limits: Pick<Limits, 'signInAgeMs'>
}

export const createOpenRequests = ({ authenticate, limits }: OpenRequestsOptions): OpenRequests => {
  const entries = new Set<Entry>()

  const lookUp = async (entry: Entry, request: IncomingMessage) => {
    entry.isRevoked = false
    const actor = await authenticate(request)
    const early = entry.early.splice(0)
    if (!actor || entry.isEnded) return null
    entry.actor ??= actor
    for (const options of early) mark(entry, options)
    return entry.isEnded ? null : actor
  }

  return {
    revoke: (options) => {
      for (const entry of entries) mark(entry, options)
    },
    open: async (request) => {
      const entry: Entry = { actor: null, isRevoked: false, isEnded: false, early: [], wake: () => {} }
      entries.add(entry)
      const end = () => {
        entries.delete(entry)
      }
      let askedAt = performance.now()
      let actor: Actor | null
      try {
        actor = await lookUp(entry, request)
      } catch (error) {
        end()
        throw error
      }
      if (!actor) {
        end()
        return null
      }
      let current = actor
      const isDue = () => entry.isRevoked || performance.now() - askedAt > limits.signInAgeMs
      const open: OpenRequest = {
        get actor() {
          return current
        },
        isRevoked: () => entry.isRevoked,
        isDue,
        renew: async () => {
          const wasRevoked = entry.isRevoked
          if (entry.isEnded) throw ended()
          const at = performance.now()
          const now = await lookUp(entry, request)
          if (!now || now.id !== current.id || now.tenantId !== current.tenantId) throw ended()
          const isSame = now === current || JSON.stringify(now) === JSON.stringify(current)
          current = now
          askedAt = at
          return isSame && !wasRevoked && !entry.isRevoked
        },
        onRevoked: (wake) => {
          entry.wake = wake
        },
        end,
      }
      Object.assign(request, { [OPEN]: open })
      return open
    },
  }
}

/**
 * Does a request's work as the person who is behind it now; anew where that may have changed before anything was written.
 *
 * @throws Refusal where the sign-in has ended meanwhile.
 */
export const asPersonNow = async <T>(open: OpenRequest, work: (actor: Actor) => Promise<T>): Promise<T> => {
  for (let attempt = 1; ; attempt += 1) {
    if (open.isDue()) await open.renew()
    try {
      return await work(open.actor)
    } catch (error) {
      if (!(error instanceof PermissionOutdated)) throw error
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
