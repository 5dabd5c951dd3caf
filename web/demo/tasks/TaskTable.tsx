// The task table: of ten thousand rows only the visible ones are rendered. A real table with rows of one height, so that screen
// readers get the row count and position.
import { useVirtualizer } from '@tanstack/react-virtual'
import type { CellEdit, RowHighlight } from 'noclobber/client'
import { useRef } from 'react'
import type { Task } from '../base/records.ts'
import { Gap, SkeletonCell, SortHead } from '../base/TableParts.tsx'
import { useAnchoredScroll } from '../base/useAnchoredScroll.ts'
import { useRowHeight } from '../base/useRowHeight.ts'
import type { CellActions, CellField, CellTexts } from './TaskCell.tsx'
import { TaskRow } from './TaskRow.tsx'
import { labelOfColumn, TASK_COLUMNS, type TaskColumn } from './task-columns.ts'
import { TASK_WORDS } from './task-words.ts'
import type { Selection } from './useSelection.ts'

export interface TaskTableProps {
  rows: readonly Task[]
  highlighted: ReadonlyMap<string, RowHighlight>
  /** Another list is shown from its top. */
  listKey: string
  isLoading: boolean
  sort: string
  onSort: (column: TaskColumn) => void
  selection: Selection
  edit: CellEdit | null
  field: CellField
  sentence: string | null
  texts: CellTexts
  actions: CellActions
  isReader: boolean
  userId: string
}

const Head = ({ rows, sort, onSort, selection, isReader }: TaskTableProps) => {
  const isAll = rows.length > 0 && selection.ids.size === rows.length
  return (
    <thead>
      <tr>
        <th scope="col" className="task-check">
          <label>
            <input
              type="checkbox"
              aria-label={TASK_WORDS.selectAll}
              checked={isAll}
              disabled={isReader || rows.length === 0}
              ref={(box) => {
                if (box) box.indeterminate = selection.ids.size > 0 && !isAll
              }}
              onChange={({ target }) => selection.selectAll(target.checked)}
            />
          </label>
        </th>
        {TASK_COLUMNS.map(({ column, className }) => (
          <SortHead key={column} label={labelOfColumn(column)} {...{ column, className, sort, onSort }} />
        ))}
        <th scope="col" className="task-present">
          <span className="visually-hidden">{TASK_WORDS.present}</span>
        </th>
      </tr>
    </thead>
  )
}

const SkeletonRows = () =>
  Array.from({ length: 12 }, (_, row) => (
    <tr key={row}>
      <td className="task-check" />
      {TASK_COLUMNS.map(({ column, className }) => (
        <SkeletonCell key={column} className={className} row={row} />
      ))}
      <td className="task-present" />
    </tr>
  ))

export const TaskTable = (props: TaskTableProps) => {
  const {
    rows,
    highlighted,
    listKey,
    isLoading,
    selection,
    edit,
    field,
    sentence,
    texts,
    actions,
    isReader,
    userId,
  } = props
  const place = useRef<HTMLDivElement>(null)
  const rowHeight = useRowHeight()
  useAnchoredScroll(place, { rows, rowHeight, listKey })
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => place.current,
    estimateSize: () => rowHeight,
    overscan: 12,
  })
  const items = virtualizer.getVirtualItems()
  const above = items[0]?.start ?? 0
  const below = virtualizer.getTotalSize() - (items.at(-1)?.end ?? 0)
  return (
    <div className="task-scroll" ref={place}>
      <table className="table task-table" aria-rowcount={rows.length + 1} aria-busy={isLoading}>
        <caption className="visually-hidden">{TASK_WORDS.caption}</caption>
        <Head {...props} />
        <tbody>
          {isLoading && rows.length === 0 && <SkeletonRows />}
          <Gap height={above} />
          {items.map(({ index }) => {
            const task = rows[index]
            if (!task) return null
            const isEdited = edit?.id === task.id
            return (
              <tr
                key={task.id}
                data-id={task.id}
                aria-rowindex={index + 2}
                aria-selected={selection.ids.has(task.id)}
              >
                <TaskRow
                  task={task}
                  highlight={highlighted.get(task.id)}
                  isSelected={selection.ids.has(task.id)}
                  edit={isEdited ? edit : null}
                  field={isEdited ? field : null}
                  sentence={isEdited ? sentence : null}
                  texts={texts}
                  isReader={isReader}
                  userId={userId}
                  actions={actions}
                  onSelect={selection.select}
                />
              </tr>
            )
          })}
          <Gap height={below} />
        </tbody>
      </table>
    </div>
  )
}
