// One cell of the task table: text that becomes an input when it is pressed. Enter or leaving it saves, Escape discards;
// an error or a conflict is shown below it, with both values.
import type { CellEdit } from 'noclobber/client'
import { isComposing, type ListCellEditor, usePresence } from 'noclobber/react'
import { type KeyboardEvent, useEffect, useRef } from 'react'
import { Badge, Link } from '../base/Parts.tsx'
import type { Task } from '../base/records.ts'
import { labelOfColumn, type TaskColumnSpec, typedValue } from './task-columns.ts'
import { TASK_WORDS } from './task-words.ts'

/** What a cell can do; none of them changes between renders. */
export type CellActions = Pick<ListCellEditor, 'begin' | 'change' | 'save' | 'cancel'>

/** Props for the input of the cell that is edited. */
export type CellField = ListCellEditor['field']

export type CellTexts = Pick<ListCellEditor['texts'], 'open'>

/** Shows other users which cell is being edited, for as long as it is open. */
const Announce = ({ edit }: { edit: CellEdit }) => {
  const { id, field, value, base } = edit
  usePresence({ type: 'task', id }, { state: 'editing', field, unsaved: value !== base.fields[field] })
  return null
}

const CellInputOf = ({
  edit,
  field,
  spec,
  actions,
  onDone,
}: {
  edit: CellEdit
  field: CellField
  spec: TaskColumnSpec
  actions: CellActions
  onDone: () => void
}) => {
  const place = useRef<HTMLInputElement & HTMLSelectElement>(null)
  useEffect(() => {
    place.current?.focus()
    if (place.current?.tagName === 'INPUT') place.current.select()
  }, [])
  const save = async () => {
    if (await actions.save()) onDone()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (isComposing(event)) return
    if (event.key === 'Enter') void save()
    if (event.key !== 'Escape') return
    event.stopPropagation()
    actions.cancel()
    onDone()
  }
  const common = {
    ref: place,
    className: 'input cell-input',
    'aria-label': labelOfColumn(spec.column),
    'aria-invalid': edit.status === 'refused' || undefined,
    value: edit.value === null ? '' : String(edit.value),
    onKeyDown,
    onBlur: () => void actions.save(),
  }
  const { input } = spec
  if (input.as === 'select') {
    return (
      <select {...common} {...field({ as: 'select' })}>
        {input.options.map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
    )
  }
  if (input.as === 'date') return <input {...common} {...field(input)} type="date" />
  if (input.as === 'number') return <input {...common} {...field(input)} inputMode="decimal" />
  return <input {...common} onChange={({ target }) => actions.change(typedValue(target.value, spec))} />
}

/** What keeps a cell from being saved; where it is a newer version, both sides are in the dialog. */
const InTheWay = ({
  task,
  edit,
  sentence,
  texts,
}: {
  task: Task
  edit: CellEdit
  sentence: string
  texts: CellTexts
}) => (
  <div className="cell-note" role="alert">
    <p>{sentence}</p>
    {edit.status === 'conflicted' && (
      <Link to={`/projects/${task.fields.project_id}`} className="button">
        {texts.open}
      </Link>
    )}
  </div>
)

const Shown = ({ task, spec }: { task: Task; spec: TaskColumnSpec }) => {
  const { fields } = task
  if (spec.column === 'status' || spec.column === 'priority')
    return <Badge tone={fields[spec.column]}>{spec.text(fields)}</Badge>
  return <span className={fields[spec.column] === null ? 'soft' : undefined}>{spec.text(fields)}</span>
}

export const TaskCell = ({
  task,
  spec,
  edit,
  field,
  sentence,
  texts,
  isHighlighted,
  isReader,
  actions,
}: {
  task: Task
  spec: TaskColumnSpec
  /** The edit, if it is this cell's. */
  edit: CellEdit | null
  field: CellField | null
  sentence: string | null
  texts: CellTexts
  isHighlighted: boolean
  isReader: boolean
  actions: CellActions
}) => {
  const button = useRef<HTMLButtonElement>(null)
  /** The input disappears when the edit ends: then the focus goes back to the cell for keyboard users. */
  const onDone = () =>
    requestAnimationFrame(() => document.activeElement === document.body && button.current?.focus())
  const className = `${spec.className}${isHighlighted ? ' nc-highlight' : ''}`
  if (isReader) {
    return (
      <td className={className}>
        <Shown task={task} spec={spec} />
      </td>
    )
  }
  return (
    <td className={`${className} cell`}>
      {edit && field ? (
        <>
          <CellInputOf edit={edit} field={field} spec={spec} actions={actions} onDone={onDone} />
          {sentence && <InTheWay {...{ task, edit, sentence, texts }} />}
          <Announce edit={edit} />
        </>
      ) : (
        <button
          ref={button}
          type="button"
          className="cell-button"
          aria-label={TASK_WORDS.edit(labelOfColumn(spec.column), spec.text(task.fields))}
          onClick={() => actions.begin(task, spec.column)}
        >
          <Shown task={task} spec={spec} />
        </button>
      )}
    </td>
  )
}
