// A finding of the doctor: a stable code, a sentence, and what to do.

/** Stable: programs may go by it. */
export type FindingCode =
  | 'database_too_old'
  | 'standby'
  | 'two_phase'
  | 'no_log'
  | 'log_outdated'
  | 'log_newer'
  | 'log_too_old'
  | 'log_altered'
  | 'log_open'
  | 'log_of_superuser'
  | 'schema_open'
  | 'secret_published'
  | 'restored_log'
  | 'nothing_tracked'
  | 'table_missing'
  | 'not_tracked'
  | 'not_trackable'
  | 'trigger_missing'
  | 'trigger_disabled'
  | 'trigger_altered'
  | 'trigger_late'
  | 'table_renamed'
  | 'partition_detached'
  | 'column_missing'
  | 'parent_not_tracked'
  | 'parts_missing'
  | 'triggers_bypassed'
  | 'version_invalid'
  | 'version_out_of_step'
  | 'deletion_not_logged'
  | 'write_not_logged'
  | 'rows_hidden'
  | 'log_too_long'
  | 'values_too_long'
  | 'changes_batched'
  | 'listen_impossible'
  | 'statements_impossible'

/** Something that is not as it should be. */
export interface Finding {
  /** Stable; each has a heading in docs/troubleshooting.md. */
  code: FindingCode
  /** `problem`: changes may be missed or saves refused. `note`: nothing has to be done. */
  level: 'problem' | 'note'
  /** `schema.table`; `null` where it is about the whole database. */
  table: string | null
  /** What is wrong, for people. */
  message: string
  /** What to do. */
  advice: string
}

/** Something that must be mended. */
export const problem = (
  code: FindingCode,
  table: string | null,
  message: string,
  advice: string,
): Finding => ({
  code,
  level: 'problem',
  table,
  message,
  advice,
})

const MOST_NAMED = 5

/** Names for one sentence: the first ones, and how many more there are. */
export const named = (names: string[]): string =>
  names.length <= MOST_NAMED + 1
    ? names.join(', ')
    : `${names.slice(0, MOST_NAMED).join(', ')} and ${names.length - MOST_NAMED} more`
