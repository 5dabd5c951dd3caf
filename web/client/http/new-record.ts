// A record that does not exist yet, as an open one of version 0: its first save creates it. It has an id that no record
// can have, so that its draft is kept like any other.

import type { Fields, RecordAddress, WireRecord } from '../../../server/protocol/index.ts'
import { plainFields } from '../base/plain-value.ts'
import type { ClientSaveOutcome, Refusal } from './outcomes.ts'
import type { ClientSaveOptions, Requests } from './requests.ts'

/** PostgreSQL has no text with this character. */
const PREFIX = '\u0000'

/** What `editor(type, null)` takes. */
export interface NewRecordOptions<F extends object = Fields> {
  /** What the form shows at first, and what is created with what is typed. */
  initial?: Partial<F>
  /** Which of several new records the draft is of. Default: those with the same `initial`. */
  draftKey?: string
}

/** The id under which the form of a new record has its unsent edits, and by which others may name it where `draftKey` is a UUID. */
export const newRecordId = ({ initial = {}, draftKey = JSON.stringify(initial) }: NewRecordOptions): string =>
  PREFIX + draftKey

/** Of an entry of unsent changes: its record is not created yet. An app in JavaScript may have a number as its id. */
export const isNewRecord = (id: string): boolean => `${id}`.startsWith(PREFIX)

/** Creates it, and answers as a save does. With a `=` its id is followed by the key that the app has chosen. */
export async function createBySave(
  { create }: Pick<Requests, 'create'>,
  { type, id }: RecordAddress,
  { changes, mutationId }: ClientSaveOptions,
): Promise<ClientSaveOutcome<Fields>> {
  const outcome = await create<Fields>(type, changes, {
    ...(mutationId !== undefined && { mutationId }),
    ...(id[1] === '=' && { id: id.slice(2) }),
  })
  return outcome.outcome === 'created'
    ? { outcome: 'saved', record: outcome.record, mergedFields: [] }
    : outcome
}

/** The requests of a record that only this page has, unless `elsewhere` says why it doesn't. */
export function newRecordRequests<R extends Pick<Requests, 'read' | 'save' | 'remove' | 'create'>>(
  requests: R,
  initial: Fields,
  elsewhere: () => Promise<Refusal | null>,
): R {
  const fields = plainFields(initial)
  const blank = { version: 0, updated_at: '', updated_by: null, fields }
  const record = (type: string, id: string): WireRecord => ({ type, id, ...blank })
  return {
    ...requests,
    read: async <F extends object>(type: string, id: string) =>
      (await elsewhere()) ?? {
        outcome: 'found' as const,
        record: record(type, id) as WireRecord<F>,
      },
    save: <F extends object>(type: string, id: string, options: ClientSaveOptions) =>
      createBySave(requests, { type, id }, options) as Promise<ClientSaveOutcome<F>>,
    remove: async () => ({ outcome: 'removed' }),
  }
}
