// The import dialog's texts, as data.
import type { FileImported, ImportFileProgress, ImportingEvent } from 'noclobber/client'

export type ImportedType = 'project' | 'task'

const figure = (count: number) => count.toLocaleString('en-GB')
const rows = (count: number) => (count === 1 ? '1 row' : `${figure(count)} rows`)
const parts = ({ created, updated, unchanged }: FileImported, isDone: boolean) =>
  [
    `${figure(created)} ${isDone ? 'created' : 'new'}`,
    updated > 0 && `${figure(updated)} ${isDone ? 'changed' : 'to change'}`,
    unchanged > 0 && `${figure(unchanged)} as they were`,
  ]
    .filter((part) => part !== false)
    .join(', ')

export const IMPORT_WORDS = {
  open: 'Import…',
  title: { project: 'Import projects', task: 'Import tasks' },
  close: 'Close',
  choose: 'Choose a file',
  drop: 'or drop it here: CSV or NDJSON, in UTF‑8',
  checkFirst: 'It is only checked first. Nothing changes before you say so.',
  key: 'Rows',
  keys: {
    none: { project: 'Create new projects', task: 'Create new tasks' },
    number: { project: 'Update projects by number, create the others', task: '' },
    id: { project: 'Update projects by ID', task: 'Update tasks by ID' },
  },
  versions: 'A column “version” guards each row: one that somebody has changed since is refused.',
  example: 'An example to begin with',
  checking: (file: string) => `Checking ${file}`,
  importing: (file: string) => `Importing ${file}`,
  bar: 'How far the file is',
  progress: ({ phase, rows: read, written, bytes, totalBytes }: ImportFileProgress) => {
    if (phase === 'sending')
      return `${Math.round((100 * bytes) / Math.max(totalBytes ?? bytes, 1))} % of the file sent`
    return phase === 'reading' ? `${rows(read)} read` : `${figure(written)} of ${rows(read)} written`
  },
  /** Another user's import. */
  elsewhere: ({ updated_by: by, phase, rows: read, written, bytes, total_bytes: total }: ImportingEvent) => {
    if (phase === 'writing') return `${by.name} is importing: ${figure(written)} of ${rows(read)}`
    const share = total ? `, ${Math.min(100, Math.round((100 * bytes) / total))} % of the file` : ''
    return `${by.name} is importing: ${rows(read)} read${share}`
  },
  starting: 'Starting…',
  cancel: 'Cancel',
  checked: (answer: FileImported) => `${rows(answer.rows)}, all good: ${parts(answer, false)}.`,
  nothing: 'The file has no rows.',
  import: (count: number) => `Import ${rows(count)}`,
  other: 'Choose another file',
  more: 'Import another file',
  done: (answer: FileImported) => `Done: ${parts(answer, true)}.`,
  doneHint: 'Everyone who looks at them has been notified, once.',
  refused: (invalid: number, all: number) =>
    all === 0
      ? 'The file can’t be imported.'
      : `${figure(invalid)} of ${rows(all)} can’t be imported, so none was.`,
  incomplete: 'The search ended early: there may be more.',
  unlisted: (count: number) => `These are the first ${figure(count)} row errors.`,
  rowErrors: 'What is wrong, by line',
  columns: { line: 'Line', field: 'Field', message: 'What is wrong' },
  wholeFile: '–',
  cancelled: 'Cancelled. Nothing was changed.',
  cancelledLate: 'Cancelled while rows were being written. If it came too late, the lists show them by now.',
  unreachable: (detail: string) => `The server gave no answer. ${detail}`,
  retryHint: 'Try again with the same file: it is imported once, even if the first try got through.',
  retry: 'Try again',
  signedOut: 'Your session has ended. Sign in again, then choose the file once more.',
  notFound: 'There is nothing here that you may import into.',
} as const

/** The first lines of a file that works. */
export const EXAMPLES: Record<ImportedType, string> = {
  project: `name,number,client,status,starts_on,ends_on,budget
Harbour bridge,P-901,City of Bonn,planned,2027-01-11,2027-09-30,125000.00
"Station hall, roof",P-902,Rail & Co,active,2026-12-01,,48000
`,
  task: `project_id,title,status,assignee,priority,due_on,estimate_hours
1,Survey the piers,todo,Alice,high,2026-12-04,12
1,"Order steel, grade S355",in_progress,,normal,2026-12-18,3.5
`,
}
