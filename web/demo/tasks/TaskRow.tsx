// One task's cells. Memoized: it renders only when its record, highlight, mark or edit changes. The table positions the row, so a
// row that only moves is not rendered again.
import type { CellEdit, RowHighlight } from 'noclobber/client'
import { PresenceRow } from 'noclobber/react'
import { memo } from 'react'
import type { Task } from '../base/records.ts'
import { type CellActions, type CellField, type CellTexts, TaskCell } from './TaskCell.tsx'
import { TASK_COLUMNS } from './task-columns.ts'
import { TASK_WORDS } from './task-words.ts'

export interface TaskRowProps {
  task: Task
  highlight: RowHighlight | undefined
  isSelected: boolean
  edit: CellEdit | null
  field: CellField | null
  sentence: string | null
  texts: CellTexts
  isReader: boolean
  userId: string
  actions: CellActions
  onSelect: (id: string, isSelected: boolean, isRange: boolean) => void
}

export const TaskRow = memo((props: TaskRowProps) => {
  const { task, highlight, isSelected, edit, field, sentence, texts, isReader, userId, actions, onSelect } =
    props
  return (
    <>
      <td className="task-check">
        <label>
          <input
            type="checkbox"
            aria-label={TASK_WORDS.select(task.fields.title)}
            checked={isSelected}
            disabled={isReader}
            onChange={({ target, nativeEvent }) =>
              onSelect(task.id, target.checked, (nativeEvent as MouseEvent).shiftKey === true)
            }
          />
        </label>
      </td>
      {TASK_COLUMNS.map((spec) => (
        <TaskCell
          key={spec.column}
          task={task}
          spec={spec}
          edit={edit?.field === spec.column ? edit : null}
          field={field}
          sentence={edit?.field === spec.column ? sentence : null}
          texts={texts}
          isHighlighted={highlight === 'arrived' || highlight?.includes(spec.column) === true}
          isReader={isReader}
          actions={actions}
        />
      ))}
      <td className="task-present">
        <PresenceRow type="task" id={task.id} userId={userId} />
      </td>
    </>
  )
})
