// What bringing back takes and answers: a version of a record, or a deleted one. Types only.
import type { Gone, Missing, NoLongerKnown, SaveOutcome } from '../base/outcomes.ts'
import type { Actor } from '../base/record-type.ts'
import type { WriteOptions } from '../records/idempotency.ts'

/** What {@link RecordServer.restore} takes. */
export interface RestoreOptions<A extends Actor = Actor> extends WriteOptions<A> {
  /** The version that the editor loaded. */
  clientVersion: number
  /** The version whose values come back. Left out: the record is deleted, and comes back as it last was; then `clientVersion` is that of the deletion. */
  toVersion?: number | undefined
  /** These fields alone. Default: all that may be written. */
  fields?: string[] | undefined
  /** The version came as `If-Match`: a stale restore is 412 instead of 409. */
  byHeader?: boolean | undefined
}

/** What `restore` answers. `unknown`: the log doesn't have what the record was at that version, or the caller might not have read it. */
export type RestoreOutcome = SaveOutcome | NoLongerKnown | Gone | Missing
