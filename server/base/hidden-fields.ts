// Fields that a permission sees and nobody is shown.
// Invariant: a hidden field is a property that is not enumerated, so whatever serializes or copies fields leaves it behind. Only
// what is made for a permission to look at is copied with it.
import type { PermissionRecord } from './record-type.ts'

/** Hides fields of a record that was just read. */
export const hide = (fields: Record<string, unknown>, hidden: string[]): void => {
  for (const name of hidden)
    Object.defineProperty(fields, name, {
      value: fields[name],
      enumerable: false,
      writable: true,
      configurable: true,
    })
}

/** A record as a permission sees it with these values, and with what is hidden. */
export const withValues = <R extends PermissionRecord>(record: R, values: Record<string, unknown>): R => {
  const fields = Object.defineProperties({}, Object.getOwnPropertyDescriptors(record.fields))
  for (const [name, value] of Object.entries(values))
    Object.defineProperty(fields, name, {
      value,
      enumerable: Object.getOwnPropertyDescriptor(fields, name)?.enumerable ?? true,
      writable: true,
      configurable: true,
    })
  return { ...record, fields }
}

/** Records of deletions whose values the log doesn't keep. */
const withoutValues = new WeakSet<object>()

/** Marks a record of whose fields nothing is known. */
export const bare = <T extends object>(record: T): T => {
  withoutValues.add(record)
  return record
}

/** Nobody can say who might read such a record, but those who may read all. */
export const isBare = (record: object): boolean => withoutValues.has(record)
