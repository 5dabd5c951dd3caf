// The wire of imports in progress, as watchers of the list receive it.
import type { Writer } from './record.ts'

/**
 * `RecordsImporting`: records of this type are being imported. Sent about once a second to watchers of a list of it who may
 * read every record. Nothing of it is in the list yet; it is advisory like presence, and lapses without another one.
 */
export interface ImportingEvent {
  /** Whose it is; `null` where the table has no tenants. */
  tenant_id: string | null
  /** The record type's name. */
  type: string
  /** The one that `RecordsImported` will have. */
  import_id: string
  /** `ended`: written, refused or given up. If it was written, `RecordsImported` says so. */
  phase: 'reading' | 'writing' | 'ended'
  /** Rows read. */
  rows: number
  /** Of these, written. */
  written: number
  /** Bytes read. */
  bytes: number
  /** Of the whole file; `null` where it came without its length. */
  total_bytes: number | null
  /** Who imports; the import itself is written under the file's name. */
  updated_by: Writer
  /** The tab that imports; `null` for a program without one. */
  tab_id: string | null
}
