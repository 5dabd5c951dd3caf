// The activity panel's texts, and a change described: how it was made, and on which record.
import type { Writer } from './records.ts'

export const ACTIVITY = {
  title: 'Activity',
  open: 'Activity',
  close: 'Close',
  empty: 'Nothing has happened yet. Change something, here or by SQL, and it appears.',
  failed: 'The activity could not be loaded.',
  retry: 'Try again',
  interrupted: 'Interrupted; what happens meanwhile will follow.',
  loading: 'Loading the activity',
  events: { created: 'created', updated: 'changed', deleted: 'deleted' },
  types: { project: 'Project', task: 'Task', comment: 'Comment' } as Record<string, string>,
  ways: {
    user: 'in the app',
    import: 'by an import',
    service: 'by a program',
    agent: 'by an agent',
    database: 'by SQL',
  } satisfies Record<Writer['kind'], string>,
  nothing: 'nothing',
}
