// What one transaction did to one record, as one change: nobody ever saw the versions in between.
// Invariant: no field, no list and no version is left out: the last version stands for all of them.
import type { Change } from './log-reader.ts'

const union = <T>(one: readonly T[], other: readonly T[]): T[] => [...new Set([...one, ...other])]

const scopesOfBoth = (one: Change['scopes'], other: Change['scopes']): Change['scopes'] => {
  if (!one || !other) return one ?? other
  const columns = union(Object.keys(one), Object.keys(other))
  return Object.fromEntries(columns.map((column) => [column, union(one[column] ?? [], other[column] ?? [])]))
}

/** The later of two changes, with what the earlier one did. What was made and changed was made. */
export const mergedChange = (earlier: Change, later: Change): Change => ({
  ...later,
  event: earlier.event === 'created' && later.event === 'updated' ? 'created' : later.event,
  changedFields:
    later.event === 'updated' ? union(earlier.changedFields, later.changedFields) : later.changedFields,
  scopes: scopesOfBoth(earlier.scopes, later.scopes),
  restoredFrom: later.restoredFrom ?? earlier.restoredFrom,
  previousVersion: earlier.previousVersion ?? earlier.version - 1,
})

/** The lengths stand first, so that no two records of a transaction have one key. */
const keyOf = ({ xid, source, tenantId, id }: Change) =>
  `${xid} ${id.length} ${tenantId?.length ?? '-'} ${id}${tenantId ?? ''}${source}`

/** The changes, each record's of one transaction as one, in the place of the last. */
export const mergedByTransaction = (changes: Change[]): Change[] => {
  if (changes.length < 2) return changes
  const whole = new Map<string, Change>()
  for (const change of changes) {
    const key = keyOf(change)
    const earlier = whole.get(key)
    whole.delete(key)
    whole.set(key, earlier ? mergedChange(earlier, change) : change)
  }
  return whole.size === changes.length ? changes : [...whole.values()]
}
