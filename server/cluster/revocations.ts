// Revoked permissions: the app announces them, and connections and requests under way are authorized again at once.
// Invariant: it only makes everybody look again sooner, on every node; what it can't reach is found by the timer.
import type { OpenRequests } from '../base/open-requests.ts'
import type { Logger } from '../base/options.ts'
import { isUser, type RevokeOptions } from '../base/revoke-options.ts'
import type { Access } from '../live/recheck-access.ts'
import type { Watcher } from '../live/watchers.ts'
import type { Backplane } from './backplane.ts'
import { isObject, isText } from './node-messages.ts'

const REVOKED = ['tenantId', 'userId', 'type', 'id'] as const

/** Whom a message of another node concerns. */
const readRevoke = (value: unknown): RevokeOptions | null => {
  if (!isObject(value)) return null
  const options: RevokeOptions = {}
  for (const name of REVOKED) {
    const text = value[name]
    if (text === undefined) continue
    if (!isText(text)) return null
    options[name] = text
  }
  if (value.disconnect === undefined) return options
  return typeof value.disconnect === 'boolean' ? { ...options, disconnect: value.disconnect } : null
}

const concerns = ({ tenantId, userId, type, id }: RevokeOptions, { data }: Watcher): boolean => {
  const { actor, watching } = data
  if (tenantId !== undefined && actor.tenantId !== tenantId) return false
  if (userId !== undefined && !isUser(actor, userId)) return false
  if (type === undefined) return true
  return [...watching.values()].some((watched) =>
    'record' in watched
      ? watched.record.type === type && (id === undefined || watched.record.id === id)
      : watched.list.type === type,
  )
}

export interface RevocationOptions {
  backplane: Backplane
  accesses(): Iterable<Access>
  /** Requests that are under way on this node. */
  requests: Pick<OpenRequests, 'revoke'>
  log: Logger
}

export const createRevocations = ({ backplane, accesses, requests, log }: RevocationOptions) => {
  const apply = async (options: RevokeOptions) => {
    requests.revoke(options)
    const isConcerned = (watcher: Watcher) => concerns(options, watcher)
    for (const access of accesses()) {
      if (options.disconnect && options.userId !== undefined) access.end(isConcerned)
      else await access.look(isConcerned)
    }
  }
  backplane.on('revoke', readRevoke, (options) => {
    apply(options).catch((error) =>
      log.error({ err: error }, 'A revocation of another node could not be applied.'),
    )
  })
  return async (options: RevokeOptions): Promise<void> => {
    backplane.send('revoke', options)
    await apply(options)
  }
}
