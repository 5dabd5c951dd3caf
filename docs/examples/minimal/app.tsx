// A live table, and a form that loses nothing.
import { createRecordClient } from 'noclobber/client'
import {
  ConflictDialog,
  ListBar,
  LiveProvider,
  UpdateBanner,
  useLiveList,
  useRecordEditor,
} from 'noclobber/react'
import 'noclobber/styles.css'
import { useState } from 'react'
import { createRoot } from 'react-dom/client'

interface Project {
  name: string
  status: 'planned' | 'active' | 'done'
}

const name = new URLSearchParams(location.search).get('name') ?? 'guest'
const client = createRecordClient({ token: () => name, userId: () => name })

function Projects({ onOpen }: { onOpen: (id: string) => void }) {
  const projects = useLiveList<Project>('project', { sort: 'name' })
  return (
    <>
      <ListBar list={projects} />
      <ul>
        {projects.rows.map(({ id, fields }) => (
          <li key={id}>
            <button type="button" onClick={() => onOpen(id)}>
              {fields.name}
            </button>{' '}
            {fields.status}
          </li>
        ))}
      </ul>
    </>
  )
}

function ProjectForm({ id }: { id: string }) {
  const editor = useRecordEditor<Project>('project', id)
  return (
    <form {...editor.form}>
      <UpdateBanner editor={editor} />
      <label>
        Name <input {...editor.field('name')} />
      </label>
      <label>
        Status{' '}
        <select {...editor.field('status')}>
          <option>planned</option>
          <option>active</option>
          <option>done</option>
        </select>
      </label>
      <button {...editor.saveButton}>Save</button>
      <ConflictDialog editor={editor} />
    </form>
  )
}

function App() {
  const [open, setOpen] = useState('1')
  return (
    <LiveProvider client={client}>
      <h1>Projects, as {name}</h1>
      <Projects onOpen={setOpen} />
      <ProjectForm key={open} id={open} />
    </LiveProvider>
  )
}

createRoot(document.getElementById('app') as HTMLElement).render(<App />)
