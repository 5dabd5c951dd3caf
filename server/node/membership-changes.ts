// Who joins or leaves an audience is let in or out at once: the members' tables are tracked, so each node learns of it as of any change.
// Invariant: nobody else is looked at, or learns that somebody came or went; and no delivery waits for it.
import { personIdOf } from '../base/normalized-actor.ts'
import type { Actor } from '../base/record-type.ts'
import type { Access } from '../live/recheck-access.ts'
import type { Watcher } from '../live/watchers.ts'
import type { ChangeSource } from '../log/change-waiters.ts'
import type { ChangeKey } from '../log/log-reader.ts'
import type { Database } from '../tables/database.ts'

/** What the feed has come to. */
export interface PassedChanges {
  changes: Pick<ChangeKey, 'source' | 'scopes' | 'tenantId'>[]
  largeTransactions: ChangeSource[]
}

/** By the members' table: its columns with the ids of users. */
const columnsOf = (database: Pick<Database, 'types'>): Map<string, Set<string>> => {
  const columns = new Map<string, Set<string>>()
  for (const { audience } of database.types())
    if (audience) columns.set(audience.source, (columns.get(audience.source) ?? new Set()).add(audience.user))
  return columns
}

/** Looks again at those whom a batch's changes of members concern; of very many at once, at everybody. */
export const recheckMembers = (
  database: Pick<Database, 'types'>,
  accesses: Iterable<Access>,
  { changes, largeTransactions }: PassedChanges,
): void => {
  const columns = columnsOf(database)
  if (columns.size === 0) return
  const byUser = new Map<unknown, PassedChanges['changes']>()
  for (const change of changes)
    for (const column of columns.get(change.source) ?? []) {
      const named: unknown = change.scopes?.[column]
      for (const user of Array.isArray(named) ? named : [])
        byUser.set(user, [...(byUser.get(user) ?? []), change])
    }
  /** Ids of people are unique within a tenant only. */
  const isOfTenant = (actor: Actor, change: PassedChanges['changes'][0]) =>
    database
      .types(actor.tenantId)
      .some(({ audience }) => audience?.source === change.source && audience.isOfTenant(change, actor))
  const isEverybody = largeTransactions.some(({ source }) => columns.has(source))
  if (!isEverybody && byUser.size === 0) return
  const isConcerned = ({ data: { actor } }: Watcher) =>
    isEverybody || (byUser.get(personIdOf(actor)) ?? []).some((change) => isOfTenant(actor, change))
  for (const access of accesses) access.refresh(isConcerned)
}
