// The project's comments, oldest first, and a field for a new one. Invariant: a comment that could not be sent stays in its
// field.
import { TimeAgo, useRecordClient } from 'noclobber/react'
import { type FormEvent, useCallback, useState } from 'react'
import { Avatar, Sentence, Skeleton, writerName } from '../base/Parts.tsx'
import type { Comment, CommentFields } from '../base/records.ts'
import { useFetched } from '../base/useFetched.ts'
import { WORDS } from '../base/words.ts'

const words = WORDS.comments

const Said = ({ comment: { fields, updated_at, updated_by } }: { comment: Comment }) => (
  <li>
    <Avatar name={writerName(updated_by)} kind={updated_by?.kind ?? 'service'} />
    <div>
      <strong>{writerName(updated_by)}</strong>{' '}
      <span className="soft">
        <TimeAgo at={updated_at} />
      </span>
      <p>{fields.body}</p>
    </div>
  </li>
)

const CommentForm = ({ projectId, onSent }: { projectId: string; onSent: () => void }) => {
  const client = useRecordClient()
  const [body, setBody] = useState('')
  const [state, setState] = useState<'ready' | 'sending' | 'refused'>('ready')

  const send = async (event: FormEvent) => {
    event.preventDefault()
    setState('sending')
    const answer = await client.create<CommentFields>('comment', { project_id: projectId, body: body.trim() })
    setState(answer.outcome === 'created' ? 'ready' : 'refused')
    if (answer.outcome !== 'created') return
    setBody('')
    onSent()
  }
  return (
    <form className="comment-form" onSubmit={send}>
      <div className="field">
        <label htmlFor="comment-body">{words.label}</label>
        <textarea
          id="comment-body"
          className="input"
          rows={2}
          value={body}
          onChange={(event) => setBody(event.target.value)}
        />
        {state === 'refused' && (
          <p className="field-error" role="alert">
            {words.notSent}
          </p>
        )}
      </div>
      <button type="submit" className="button" disabled={body.trim() === '' || state === 'sending'}>
        {words.send}
      </button>
    </form>
  )
}

export const Comments = ({ projectId, isReader }: { projectId: string; isReader: boolean }) => {
  const client = useRecordClient()
  const comments = useFetched(
    useCallback(async () => {
      const answer = await client.list<CommentFields>('comment', {
        where: { project_id: projectId },
        limit: 1000,
      })
      return answer.outcome === 'found' ? answer.data.toSorted((a, b) => Number(a.id) - Number(b.id)) : null
    }, [client, projectId]),
  )
  const { found } = comments
  return (
    <section className="card" aria-labelledby="comments-title">
      <div className="card-head">
        <h2 id="comments-title">{words.title}</h2>
        {found && <span className="soft figures">{found.length}</span>}
      </div>
      {found === null && comments.status !== 'failed' && <Skeleton lines={4} label={words.title} />}
      {comments.status === 'failed' && (
        <Sentence text={words.failed} action={WORDS.projects.retry} onAction={comments.again} />
      )}
      {found?.length === 0 && <Sentence text={words.empty} />}
      <ul className="comment-list">
        {found?.map((comment) => (
          <Said key={comment.id} comment={comment} />
        ))}
      </ul>
      {!isReader && <CommentForm projectId={projectId} onSent={comments.again} />}
    </section>
  )
}
