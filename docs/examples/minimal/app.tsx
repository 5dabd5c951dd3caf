// A live table, and a form that loses nothing.
import { ConflictDialog, ListBar, UpdateBanner, useLiveList, useRecordEditor } from 'noclobber/react'
import { useState } from 'react'

interface Project {
  name: string
  status: 'planned' | 'active' | 'done'
}

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

export function App({ name }: { name: string }) {
  const [open, setOpen] = useState('1')
  return (
    <>
      <h1>Projects, as {name}</h1>
      <Projects onOpen={setOpen} />
      <ProjectForm key={open} id={open} />
    </>
  )
}
