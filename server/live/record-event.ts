// The event of one change, as its receivers see it.
// Invariant: it has no values, stays under 1 KB, and names no field that they may not see. Where they see none of the fields that were
// changed it names none: the version alone says that there is a newer one, which the next save has to be built on.
import type { Change } from '../log/log-reader.ts'
import type { RecordEvent, Writer } from '../protocol/index.ts'
import type { KnownType } from '../tables/database.ts'

/** An event stays under 1 KB: a change of very many fields names as many as fit, a writer of a long name has it cut. */
const MAX_EVENT_BYTES = 950
const MAX_NAME = 40

const bytesOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value))

const short = (text: string) => (text.length > MAX_NAME ? `${text.slice(0, MAX_NAME).toWellFormed()}…` : text)

const cut = (writer: Writer, part: 'id' | 'name'): Writer => ({
  ...writer,
  [part]: short(writer[part]),
  ...(writer.on_behalf_of && {
    on_behalf_of: { ...writer.on_behalf_of, [part]: short(writer.on_behalf_of[part]) },
  }),
})

/** @param known The type as those see it who are sent the event: no other field is named. */
export const eventOf = (change: Change, known: KnownType): RecordEvent => {
  const event: RecordEvent = {
    tenant_id: change.tenantId,
    type: known.type.name,
    id: change.id,
    version: change.version,
    ...(change.previousVersion !== undefined && { previous_version: change.previousVersion }),
    changed_fields: [],
    updated_at: change.updatedAt,
    updated_by: change.updatedBy,
    tab_id: change.tabId,
    ...(change.restoredFrom !== null && { restored_from: change.restoredFrom }),
  }
  for (const part of ['name', 'id'] as const)
    if (event.updated_by && bytesOf(event) > MAX_EVENT_BYTES) event.updated_by = cut(event.updated_by, part)
  let room = MAX_EVENT_BYTES - bytesOf(event)
  event.changed_fields = change.changedFields.map(known.names.fieldOf).filter((name) => {
    if (!known.changeNames.includes(name)) return false
    room -= bytesOf(name) + 1
    return room >= 0
  })
  return event
}
