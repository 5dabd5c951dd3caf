// A field for a new task of a project. Without the server it waits, also where its project waits itself.
import { type FormEvent, useState } from 'react'
import type { TaskFields } from '../base/records.ts'
import { useSession } from '../base/session.ts'
import { WORDS } from '../base/words.ts'

const words = WORDS.tasks

export const NewTask = ({ projectId }: { projectId: string }) => {
  const session = useSession()
  const [title, setTitle] = useState('')
  const [problem, setProblem] = useState<string | null>(null)
  if (session.status !== 'signed_in' || session.person.role !== 'editor') return null

  const add = async (event: FormEvent) => {
    event.preventDefault()
    const asked = title.trim()
    setTitle('')
    setProblem(null)
    const fields = { project_id: projectId, title: asked, status: 'todo', priority: 'normal' } as const
    const outcome = await session.offline.create<TaskFields>('task', {
      ...fields,
      assignee: null,
      due_on: null,
      estimate_hours: null,
    })
    if (outcome.outcome === 'queued' && outcome.trouble) setProblem(words.refused(asked))
    if (outcome.outcome !== 'unauthenticated') return
    setTitle(asked)
    setProblem(words.signedOut)
  }
  return (
    <form className="new-task" onSubmit={add}>
      <input
        className="input"
        aria-label={words.new}
        placeholder={words.new}
        maxLength={200}
        value={title}
        onChange={({ target }) => setTitle(target.value)}
      />
      <button type="submit" className="button" disabled={title.trim() === ''}>
        {words.add}
      </button>
      {problem && (
        <p className="field-error" role="alert">
          {problem}
        </p>
      )}
    </form>
  )
}
