// Who this is, and where the page begins. In a file of its own: a change of app.tsx then leaves what is typed where it is.
import { createRecordClient } from 'noclobber/client'
import { LiveProvider } from 'noclobber/react'
import 'noclobber/styles.css'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'

const name = new URLSearchParams(location.search).get('name') ?? 'guest'
const client = createRecordClient({ token: () => name, userId: () => name })

createRoot(document.getElementById('app') as HTMLElement).render(
  <LiveProvider client={client}>
    <App name={name} />
  </LiveProvider>,
)
