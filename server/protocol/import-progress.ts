// The wire of imports under way, as those who watch the list hear of them.
import type { Writer } from './record.ts'

/**
 * `RecordsImporting`: somebody is importing records of this type, told about once a second to those who watch a list of
 * it and may read every record. Nothing of it is in the list yet; a hint like presence, and gone without another.
 */
export interface ImportingEvent {
  tenant_id: string | null
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
  tab_id: string | null
}
