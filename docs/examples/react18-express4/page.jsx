// A form that loses nothing.
import { createRecordClient } from 'noclobber/client'
import { ConflictDialog, LiveProvider, UpdateBanner, useRecordEditor } from 'noclobber/react'
import 'noclobber/styles.css'
import { createRoot } from 'react-dom/client'

const name = new URLSearchParams(location.search).get('name') ?? 'guest'
const client = createRecordClient({ token: () => name, userId: () => name })

function ProjectForm({ id }) {
  const editor = useRecordEditor('project', id)
  return (
    <form {...editor.form}>
      <UpdateBanner editor={editor} />
      <label>
        Name <input {...editor.field('name')} />
      </label>
      <label>
        Budget <input type="number" {...editor.field('budget', { as: 'number' })} />
      </label>
      <button {...editor.saveButton}>Save</button>
      <ConflictDialog editor={editor} />
    </form>
  )
}

createRoot(document.getElementById('app')).render(
  <LiveProvider client={client}>
    <ProjectForm id="1" />
  </LiveProvider>,
)
