// All tasks of the tenant in one live table. The library updates it while others work; this page decides what is shown, and
// when updates are held back.
import { ConflictDialog, ListBar, type ListCellEditor, useCellEditor, useLiveList } from 'noclobber/react'
import { useEffect, useMemo, useRef, useState } from 'react'
import { BusyColleague } from '../base/BusyColleague.tsx'
import { useSeen } from '../base/ChangedLink.tsx'
import { Sentence } from '../base/Parts.tsx'
import type { Task, TaskFields } from '../base/records.ts'
import type { Person } from '../base/session.ts'
import { Toolbar } from '../base/Toolbar.tsx'
import { useSettled } from '../base/useSettled.ts'
import { WORDS } from '../base/words.ts'
import { ImportButton } from '../import/ImportDialog.tsx'
import { ImportingLine } from '../import/ImportingLine.tsx'
import { colleagueName } from '../panels/colleagues.ts'
import { Header } from '../panels/Header.tsx'
import { Lost } from '../panels/Lost.tsx'
import { BulkBar } from './BulkBar.tsx'
import { SavedCell } from './SavedCell.tsx'
import { TaskTable } from './TaskTable.tsx'
import type { TaskColumn } from './task-columns.ts'
import { TASK_WORDS } from './task-words.ts'
import { useLostCell } from './useLostCell.ts'
import { useSelection } from './useSelection.ts'

/** Below this number of tasks the page offers to import more. */
const FEW = 5_000
const STATUSES = Object.keys(WORDS.taskStatuses) as TaskFields['status'][]
const CHOICES = [
  [null, WORDS.projects.allStatuses],
  ...STATUSES.map((status) => [status, WORDS.taskStatuses[status]] as const),
] as const

/** A reload removed the row of an open cell: what was typed can still be read and copied. */
const LeftBehind = ({ cells, rows }: { cells: ListCellEditor; rows: readonly Task[] }) => {
  const { edit, cancel } = cells
  if (!edit || rows.some(({ id }) => id === edit.id)) return null
  return (
    <p className="left-behind" role="alert">
      {TASK_WORDS.left(String(edit.value ?? ''))}
      <button type="button" className="button" onClick={cancel}>
        {TASK_WORDS.release}
      </button>
    </p>
  )
}

export const TasksPage = ({ person }: { person: Person }) => {
  useSeen('task')
  const [text, setText] = useState('')
  const [status, setStatus] = useState<TaskFields['status'] | null>(null)
  const [sort, setSort] = useState('due_on')
  const [isWorking, setWorking] = useState(false)
  const search = useSettled(text.trim(), 250)
  const list = useLiveList<TaskFields>(
    'task',
    { sort, locale: 'en', ...(status && { where: { status } }), ...(search && { search }) },
    { isBusy: isWorking },
  )
  const last = useRef(list)
  if (list.status !== 'loading') last.current = list
  const isLoading = list.status === 'loading'
  const { rows, highlighted } = isLoading ? last.current : list
  const selection = useSelection(rows)
  const cells = useCellEditor(list.store)
  const { begin, change, save, cancel } = cells
  const actions = useMemo(() => ({ begin, change, save, cancel }), [begin, change, save, cancel])
  const isSelecting = selection.ids.size > 0
  useEffect(() => setWorking(isSelecting), [isSelecting])
  useEffect(() => {
    document.title = WORDS.page.title(TASK_WORDS.title)
  }, [])
  const isFiltered = text !== '' || status !== null
  const clear = () => {
    setText('')
    setStatus(null)
  }
  const bringBack = useLostCell(cells, isLoading || search !== text.trim() ? null : rows, (title) => {
    setText(title)
    setStatus(null)
  })
  const sortBy = (column: TaskColumn) => setSort((now) => (now === column ? `-${column}` : column))
  return (
    <>
      <Header person={person} place={TASK_WORDS.title} />
      <main id="content" className="page page-tasks">
        <div className="project-title">
          <h1>{TASK_WORDS.title}</h1>
          {person.role === 'editor' && (
            <BusyColleague
              name={colleagueName(person)}
              hint={TASK_WORDS.busyHint}
              isFew={!isFiltered && rows.length < FEW}
            />
          )}
          {person.role === 'editor' && <ImportButton type="task" onImported={list.reload} />}
        </div>
        <Toolbar
          {...{ text, onText: setText, chosen: status, onChoose: setStatus }}
          label={TASK_WORDS.search}
          hint={TASK_WORDS.searchHint}
          choices={CHOICES}
        >
          {!isLoading && list.status === 'ready' && TASK_WORDS.count(rows.length)}
        </Toolbar>
        <ImportingLine type="task" />
        <Lost onTask={bringBack} />
        <ListBar list={list} />
        <LeftBehind cells={cells} rows={rows} />
        <div className="card task-card">
          {list.status === 'failed' ? (
            <Sentence text={TASK_WORDS.failed} action={WORDS.projects.retry} onAction={list.reload} />
          ) : list.isEmpty ? (
            isFiltered ? (
              <Sentence text={TASK_WORDS.none} action={TASK_WORDS.clear} onAction={clear} />
            ) : (
              <Sentence text={TASK_WORDS.empty} />
            )
          ) : (
            <TaskTable
              {...{ rows, highlighted, isLoading, sort, selection, actions }}
              listKey={`${search} ${status} ${sort}`}
              onSort={sortBy}
              edit={cells.edit}
              field={cells.field}
              sentence={cells.sentence}
              texts={cells.texts}
              isReader={person.role === 'reader'}
              userId={person.id}
            />
          )}
          <ConflictDialog editor={cells} />
          <SavedCell cells={cells} isBusy={isSelecting} />
          <BulkBar rows={rows} selection={selection} isEditing={cells.edit !== null} onSaved={list.reload} />
        </div>
      </main>
    </>
  )
}
