// The project's tasks, in the order in which they are due.
import type { UnsentRow } from 'noclobber/client'
import { UnsentMark, useLiveList } from 'noclobber/react'
import { memo } from 'react'
import { formatDay, formatHours } from '../base/format.ts'
import { Badge, Sentence, Skeleton } from '../base/Parts.tsx'
import type { Task, TaskFields } from '../base/records.ts'
import { WORDS } from '../base/words.ts'
import { NewTask } from './NewTask.tsx'

const words = WORDS.tasks

interface RowProps {
  task: Task
  isHighlighted: boolean
  /** Not on the server as it is shown. */
  unsent: UnsentRow | undefined
}

const Row = memo(({ task: { id, fields }, isHighlighted, unsent }: RowProps) => (
  <tr className={isHighlighted ? 'nc-highlight' : undefined} data-unsent={unsent?.what}>
    <td className="wide">
      {fields.title} {unsent && <UnsentMark list={{ unsent: new Map([[id, unsent]]) }} id={id} />}
      <span className="second">{`${fields.assignee ?? words.nobody} · ${formatDay(fields.due_on)}`}</span>
    </td>
    <td>
      <Badge tone={fields.status}>{WORDS.taskStatuses[fields.status]}</Badge>
    </td>
    <td className={fields.assignee ? 'at-medium' : 'soft at-medium'}>{fields.assignee ?? words.nobody}</td>
    <td className="at-medium at-large">
      <Badge tone={fields.priority}>{WORDS.priorities[fields.priority]}</Badge>
    </td>
    <td className="figures at-medium">{formatDay(fields.due_on)}</td>
    <td className="figures right at-medium at-large">{formatHours(fields.estimate_hours)}</td>
  </tr>
))

const Table = ({
  tasks,
  highlighted,
  unsent,
}: {
  tasks: readonly Task[]
  highlighted: ReadonlyMap<string, unknown>
  unsent: ReadonlyMap<string, UnsentRow>
}) => (
  <table className="table table-still">
    <caption className="visually-hidden">{words.caption}</caption>
    <thead>
      <tr>
        <th scope="col" className="wide">
          {words.columns.title}
        </th>
        <th scope="col">{words.columns.status}</th>
        <th scope="col" className="at-medium">
          {words.columns.assignee}
        </th>
        <th scope="col" className="at-medium at-large">
          {words.columns.priority}
        </th>
        <th scope="col" className="at-medium">
          {words.columns.due_on}
        </th>
        <th scope="col" className="right at-medium at-large">
          {words.columns.estimate_hours}
        </th>
      </tr>
    </thead>
    <tbody>
      {tasks.map((task) => (
        <Row
          key={task.id}
          task={task}
          isHighlighted={highlighted.has(task.id)}
          unsent={unsent.get(task.id)}
        />
      ))}
    </tbody>
  </table>
)

export const Tasks = ({ projectId }: { projectId: string }) => {
  const tasks = useLiveList<TaskFields>('task', { scope: { project_id: projectId }, sort: 'due_on' })
  const found = tasks.status === 'ready' ? tasks.rows : null
  const done = found?.filter(({ fields }) => fields.status === 'done').length ?? 0
  return (
    <section className="card card-table" aria-labelledby="tasks-title">
      <div className="card-head">
        <h2 id="tasks-title">{words.title}</h2>
        {found && <span className="soft figures">{words.done(done, found.length)}</span>}
      </div>
      {found === null && tasks.status !== 'failed' && <Skeleton lines={8} label={words.title} />}
      {tasks.status === 'failed' && (
        <Sentence text={words.failed} action={WORDS.projects.retry} onAction={tasks.reload} />
      )}
      {found?.length === 0 && <Sentence text={words.empty} />}
      {found && found.length > 0 && (
        <Table tasks={found} highlighted={tasks.highlighted} unsent={tasks.unsent} />
      )}
      <NewTask projectId={projectId} />
    </section>
  )
}
