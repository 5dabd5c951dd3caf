// A form of react-hook-form over an open record: one line ties them together.
import { createRecordClient } from 'noclobber/client'
import { ConflictDialog, LiveProvider, UpdateBanner, useRecordEditor } from 'noclobber/react'
import { useRecordForm } from 'noclobber/react-hook-form'
import 'noclobber/styles.css'
import { createRoot } from 'react-dom/client'
import { useForm } from 'react-hook-form'

const name = new URLSearchParams(location.search).get('name') ?? 'guest'
const client = createRecordClient({ token: () => name, userId: () => name })

function ProjectForm({ id }) {
  const editor = useRecordEditor('project', id)
  const form = useForm()
  useRecordForm(form, editor)
  const { errors } = form.formState
  return (
    <form onSubmit={form.handleSubmit(() => editor.save())}>
      <UpdateBanner editor={editor} />
      <label>
        Name <input {...form.register('name', { required: 'Give it a name.' })} />
      </label>
      <p role="alert">{errors.name?.message}</p>
      <label>
        Budget <input type="number" {...form.register('budget', { valueAsNumber: true })} />
      </label>
      <button type="submit" disabled={!editor.canSave}>
        Save
      </button>
      <ConflictDialog editor={editor} />
    </form>
  )
}

createRoot(document.getElementById('app')).render(
  <LiveProvider client={client}>
    <ProjectForm id="1" />
  </LiveProvider>,
)
