// Does a permission look at the record at all? Where it doesn't, one answer holds for every record of the type, and
// nobody has to be asked again for each of many.
// Invariant: a verdict is given only if the permission came to it without a look at id, version or fields.
import type { Action, Actor, PermissionRecord, RecordType } from './record-type.ts'

/**
 * May this person do this with every record of the type? `null`: it depends on the record.
 *
 * @param isPart Writes of the type's records are authorized with the record that they are part of: it may depend on that too.
 */
export const staticPermission = (
  type: RecordType,
  actor: Actor,
  action: Action,
  isPart = false,
): boolean | null => {
  let looked = false
  const look = () => {
    looked = true
    return undefined
  }
  const traps = {
    get: look,
    has: () => look() ?? true,
    ownKeys: () => look() ?? [],
    getOwnPropertyDescriptor: look,
  }
  const unseen: PermissionRecord = new Proxy({} as PermissionRecord, {
    ...traps,
    get: (_, name) => {
      if (name === 'type') return type.name
      look()
      // A permission that looks at a field of nothing would throw, which costs more than authorizing many records.
      return name === 'fields' ? new Proxy({}, traps) : undefined
    },
  })
  try {
    const verdict = type.can(actor, action, unseen)
    // There is a parent, or there is none: without a look into it a permission can still distinguish the two.
    const isSame = !isPart || action === 'read' || type.can(actor, action, unseen, unseen) === verdict
    return looked || !isSame ? null : verdict
  } catch {
    return null
  }
}
