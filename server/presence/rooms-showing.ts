// The rooms in which a record is seen: its own, and those of the lists that show it. Who watches one of them may be at it.
import type { PermissionRecord } from '../base/record-type.ts'
import { listRoom } from '../live/rooms.ts'
import type { KnownType } from '../tables/database.ts'

export interface ShownRecord {
  /** The record's own room. */
  room: string
  tenantId: string
  type: string
}

export const roomsShowing = (
  known: KnownType,
  { room, tenantId, type }: ShownRecord,
  row: PermissionRecord,
): string[] => [
  room,
  listRoom(tenantId, type),
  ...known.lists.flatMap((column) => {
    const value = row.fields[column]
    return value === null || value === undefined
      ? []
      : [listRoom(tenantId, type, { [column]: String(value) })]
  }),
]
