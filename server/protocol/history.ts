// A record's history on the wire, and how one of its versions is brought back. Types only. Exported by index.ts.
import type { WireRecord, Writer } from './record.ts'

/** `event` says what a version did to its record. */
export type HistoryEvent = 'created' | 'updated' | 'deleted'

/** By field: its value before and after. A creation has those that are not null, a deletion those that were not. */
export type ChangedValues = Record<string, [before: unknown, after: unknown]>

/** One line of `GET /records/:type/:id/history`, newest first. */
export interface WireHistoryEntry {
  /** The version that was made. */
  version: number
  /** Whether it was created, updated or deleted by it. */
  event: HistoryEvent
  /** ISO 8601 UTC with microseconds. */
  updated_at: string
  /** Who wrote it; `null` only where nothing is known. */
  updated_by: Writer | null
  /** Declared fields that differ from the version before, of those that the reader may see. */
  changed_fields: string[]
  /** The version whose values this one brought back. */
  restored_from?: number
  /** Whose proposal it accepted. */
  proposed_by?: Writer
  /** Only of types that keep them, as far as they were kept and could be read by the asker then. */
  values?: ChangedValues
}

/** A deleted record as it last was: `version`, `updated_at` and `updated_by` are those of the deletion. */
export interface WireDeleted extends WireRecord {
  /** This person may bring it back, as far as that is known without the record that it is part of. */
  may_restore: boolean
}

/** Body of `POST /records/:type/:id/restore`. */
export interface RestoreBody {
  /** The version that the editor loaded; of a deleted record that of its deletion. */
  client_version: number
  /** The version whose values come back. Left out of a record that is deleted: it comes back as it last was, with its parts. */
  to_version?: number
  /** These fields alone. Default: all that may be written. */
  fields?: string[]
  /** At most 200 characters. A replay of the same write gets its first answer back. */
  mutation_id?: string
}
