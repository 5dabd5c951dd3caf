// Asks before unsaved edits are left behind. Staying is the answer to Escape, and the one that has the focus.
import { useCallback, useEffect, useRef, useState } from 'react'
import { useLeaveGuard } from './router.ts'
import { WORDS } from './words.ts'

export const LeaveDialog = ({ isDirty }: { isDirty: boolean }) => {
  const [answer, setAnswer] = useState<{ give: (mayLeave: boolean) => void } | null>(null)
  const dialog = useRef<HTMLDialogElement>(null)
  const ask = useCallback(() => new Promise<boolean>((give) => setAnswer({ give })), [])
  useLeaveGuard(isDirty, ask)

  useEffect(() => {
    if (answer && !dialog.current?.open) dialog.current?.showModal()
  }, [answer])

  if (!answer) return null
  const say = (mayLeave: boolean) => {
    answer.give(mayLeave)
    setAnswer((asked) => (asked === answer ? null : asked))
  }
  return (
    <dialog ref={dialog} className="dialog" aria-labelledby="leave-title" onClose={() => say(false)}>
      <h2 id="leave-title">{WORDS.leave.title}</h2>
      <p>{WORDS.leave.text}</p>
      <div className="dialog-actions">
        <button type="button" className="button button-primary" onClick={() => say(false)}>
          {WORDS.leave.stay}
        </button>
        <button type="button" className="button" onClick={() => say(true)}>
          {WORDS.leave.leave}
        </button>
      </div>
    </dialog>
  )
}
