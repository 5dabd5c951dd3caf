// Which fields of a type a person may see, and which of those they may write, as the type's fields say.
// Invariant: it is decided by the person alone, so one answer holds for every record, list, filter and event; who may not see a
// field may not write it, and what a permission throws is a no.
import type { Logger } from './options.ts'
import type { Actor, RecordType } from './record-type.ts'

/** What is withheld from somebody, in the order of the declaration. */
export interface FieldRights {
  unseen: string[]
  unwritable: string[]
}

/** Does any field of the type ask who it is? */
export const hasGuards = ({ guards }: Pick<RecordType, 'guards'>): boolean => Object.keys(guards).length > 0

/** What nobody in particular may see and write: what every field gives to everybody. */
export const nobodysRights = ({ guards }: Pick<RecordType, 'guards'>): FieldRights => ({
  unseen: Object.keys(guards).filter((name) => guards[name]?.read),
  unwritable: Object.keys(guards),
})

export const fieldRights = (
  { name: type, guards }: Pick<RecordType, 'name' | 'guards'>,
  actor: Actor,
  log: Logger,
): FieldRights => {
  const rights: FieldRights = { unseen: [], unwritable: [] }
  for (const [field, guard] of Object.entries(guards)) {
    const may = (action: 'read' | 'write') => {
      try {
        return guard[action]?.(actor) ?? true
      } catch (error) {
        log.error({ err: error, type, field }, 'The permission of a field failed, and was taken as a no.')
        return false
      }
    }
    // Only `true` is a yes: a promise is none.
    const isSeen = may('read') === true
    if (!isSeen) rights.unseen.push(field)
    if (!isSeen || may('write') !== true) rights.unwritable.push(field)
  }
  return rights
}
