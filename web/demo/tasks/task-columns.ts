// The columns of the task table: what each shows, how it is edited, and from which width on it is there.
import { formatDay, formatHours } from '../base/format.ts'
import type { TaskFields } from '../base/records.ts'
import { WORDS } from '../base/words.ts'

export type TaskColumn = 'title' | 'status' | 'assignee' | 'priority' | 'due_on' | 'estimate_hours'

type CellInput =
  | { as: 'text' | 'date' | 'number' }
  | { as: 'select'; options: readonly (readonly [value: string, label: string])[] }

export interface TaskColumnSpec {
  column: TaskColumn
  className: string
  input: CellInput
  /** An empty input is an absent value. */
  isNullable: boolean
  text: (fields: TaskFields) => string
}

const choices = (labels: Record<string, string>): CellInput => ({
  as: 'select',
  options: Object.entries(labels),
})

export const TASK_COLUMNS: readonly TaskColumnSpec[] = [
  {
    column: 'title',
    className: 'task-title',
    input: { as: 'text' },
    isNullable: false,
    text: ({ title }) => title,
  },
  {
    column: 'status',
    className: 'task-status',
    input: choices(WORDS.taskStatuses),
    isNullable: false,
    text: ({ status }) => WORDS.taskStatuses[status],
  },
  {
    column: 'assignee',
    className: 'at-medium',
    input: { as: 'text' },
    isNullable: true,
    text: ({ assignee }) => assignee ?? WORDS.tasks.nobody,
  },
  {
    column: 'priority',
    className: 'at-medium',
    input: choices(WORDS.priorities),
    isNullable: false,
    text: ({ priority }) => WORDS.priorities[priority],
  },
  {
    column: 'due_on',
    className: 'at-medium figures',
    input: { as: 'date' },
    isNullable: true,
    text: ({ due_on }) => formatDay(due_on),
  },
  {
    column: 'estimate_hours',
    className: 'at-medium figures right',
    input: { as: 'number' },
    isNullable: true,
    text: ({ estimate_hours }) => formatHours(estimate_hours),
  },
]

/** Turns typed text into the record's value; numbers are read by the cell editor. */
export const typedValue = (text: string, { isNullable }: TaskColumnSpec): unknown => {
  return text === '' && isNullable ? null : text
}

export const labelOfColumn = (column: TaskColumn): string => WORDS.tasks.columns[column]
