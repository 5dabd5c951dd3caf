// A record's history on the wire, and how one of its versions is brought back. Types only. Exported by index.ts.
import type { Writer } from './record.ts'

/** `event` says what a version did to its record. */
export type HistoryEvent = 'created' | 'updated' | 'deleted'

/** By field: its value before and after. A creation has those that are not null, a deletion those that were not. */
export type ChangedValues = Record<string, [before: unknown, after: unknown]>

/** One line of `GET /records/:type/:id/history`, newest first. */
export interface WireHistoryEntry {
  version: number
  event: HistoryEvent
  updated_at: string
  updated_by: Writer | null
  changed_fields: string[]
  /** The version whose values this one brought back. */
  restored_from?: number
  /** Only of types that keep them, as far as they were kept and could be read by the asker then. */
  values?: ChangedValues
}

/** Body of `POST /records/:type/:id/restore`. */
export interface RestoreBody {
  /** The version that the editor loaded. */
  client_version: number
  /** The version whose values come back. */
  to_version: number
  /** These fields alone. Default: all that may be written. */
  fields?: string[]
  mutation_id?: string
}
