// What trackTable takes.
import type { TrackColumns } from './owned-columns.ts'
import type { PartOf } from './parts.ts'

/** How a table is tracked. All names are columns of that table. */
export interface TrackOptions {
  /** The tenant's column. Omit for a table whose records belong to all tenants alike. */
  tenant?: string
  /** Parent columns by which lists of this table are watched: `{ lists: ['project_id'] }`. */
  lists?: string[]
  /** Housekeeping columns: a write of these alone makes no version. */
  ignore?: string[]
  /** Which columns the triggers own, where they aren't `version`, `updated_at` and `updated_by`. */
  columns?: TrackColumns
  /**
   * These rows are part of another record, as lines are of an order: whatever adds, changes, removes or moves them
   * raises the parent's version, once a statement, so that a save of a parent loaded before loses. The role that
   * runs the migration must be able to update the parent's table.
   */
  partOf?: PartOf
  /**
   * `values`: the log keeps each change's values before and after, for record types that show them. It makes the log
   * larger and each write dearer by one update of its log row. Default `fields`: their names alone.
   */
  history?: 'fields' | 'values'
}
