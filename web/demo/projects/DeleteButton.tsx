// Deletes the project, after asking. It is guarded as a save is: where somebody saved meanwhile, both sides are shown instead.
import type { RecordEditor } from 'noclobber/react'
import { useId, useRef } from 'react'
import type { ProjectFields } from '../base/records.ts'
import { navigate } from '../base/router.ts'
import { WORDS } from '../base/words.ts'

const words = WORDS.deletion

export const DeleteButton = ({ editor }: { editor: RecordEditor<ProjectFields> }) => {
  const id = useId()
  const dialog = useRef<HTMLDialogElement>(null)
  const remove = async () => {
    dialog.current?.close()
    const outcome = await editor.remove()
    if (outcome?.outcome === 'removed' && !editor.isDirty) await navigate('/projects')
  }
  return (
    <>
      <button
        type="button"
        className="button button-quiet"
        disabled={!editor.record || editor.isSaving || editor.status === 'gone'}
        onClick={() => dialog.current?.showModal()}
      >
        {words.delete}
      </button>
      <dialog ref={dialog} className="dialog" aria-labelledby={id}>
        <h2 id={id}>{words.title(editor.record?.fields.name ?? '')}</h2>
        <p>{words.text}</p>
        <div className="dialog-actions">
          <button type="button" className="button button-primary" onClick={() => dialog.current?.close()}>
            {words.keep}
          </button>
          <button type="button" className="button" onClick={remove}>
            {words.delete}
          </button>
        </div>
      </dialog>
    </>
  )
}
