// Permissions that go, told by the app instead of waited for.
// Invariant: it only makes everybody look again sooner, on every node; what it can't reach is found by the timer.
import type { Access } from '../live/recheck-access.ts'
import type { Watcher } from '../live/watchers.ts'
import type { Backplane } from './backplane.ts'

/** Whose permission, or permission to what, may have changed. What is left out stands for all. */
export interface RevokeOptions {
  tenantId?: string
  userId?: string
  type?: string
  id?: string
  /** Closes these people's connections, whatever `authenticate` says of them. Needs a `userId`. Default `false`. */
  disconnect?: boolean
}

const isOptions = (value: unknown): value is RevokeOptions => typeof value === 'object' && value !== null

const concerns = ({ tenantId, userId, type, id }: RevokeOptions, { data }: Watcher): boolean => {
  const { actor, watching } = data
  if (tenantId !== undefined && actor.tenantId !== tenantId) return false
  if (userId !== undefined && actor.id !== userId) return false
  if (type === undefined) return true
  return [...watching.values()].some((watched) =>
    'record' in watched
      ? watched.record.type === type && (id === undefined || watched.record.id === id)
      : watched.list.type === type,
  )
}

export const createRevocations = (backplane: Backplane, accesses: () => Iterable<Access>) => {
  const apply = async (options: RevokeOptions) => {
    const isConcerned = (watcher: Watcher) => concerns(options, watcher)
    for (const access of accesses()) {
      if (options.disconnect && options.userId !== undefined) access.end(isConcerned)
      else await access.look(isConcerned)
    }
  }
  backplane.on('revoke', (payload) => {
    if (isOptions(payload)) void apply(payload)
  })
  return async (options: RevokeOptions): Promise<void> => {
    backplane.send('revoke', options)
    await apply(options)
  }
}
