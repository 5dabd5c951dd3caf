// Queries that are kept current by events: the list, and the record of a form.
import { QueryClient, QueryClientProvider, useQuery } from '@tanstack/react-query'
import { createRecordClient } from 'noclobber/client'
import { ConflictDialog, LiveProvider, UpdateBanner, useRecordEditor } from 'noclobber/react'
import { bindQueries, listQuery } from 'noclobber/tanstack-query'
import 'noclobber/styles.css'
import { createRoot } from 'react-dom/client'

const name = new URLSearchParams(location.search).get('name') ?? 'guest'
const client = createRecordClient({ token: () => name, userId: () => name })
const queryClient = new QueryClient()
bindQueries(client, queryClient)

function Projects() {
  const { data = [], error } = useQuery(listQuery(client, 'project', { sort: 'name' }))
  if (error) return <p role="alert">{error.message}</p>
  return (
    <ul>
      {data.map(({ id, fields }) => (
        <li key={id}>{`${fields.name}: ${fields.budget}`}</li>
      ))}
    </ul>
  )
}

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
  <QueryClientProvider client={queryClient}>
    <LiveProvider client={client}>
      <Projects />
      <ProjectForm id="1" />
    </LiveProvider>
  </QueryClientProvider>,
)
