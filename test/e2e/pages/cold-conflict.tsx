// A form of one record with its banner, its dialog and who else is there, of which all that is loaded later may be missing.
import { createRecordClient } from 'noclobber/client'
import { createOffline } from 'noclobber/offline'
import {
  ConflictDialog,
  LiveProvider,
  PresenceBar,
  UpdateBanner,
  useConnection,
  useRecordEditor,
} from 'noclobber/react'
import { createRoot } from 'react-dom/client'

const [, id = '', user = '', isKept] = location.pathname.split('/')

const client = createRecordClient({
  transports: ['event_stream'],
  token: () => user,
  userId: () => user,
  ...(isKept && { offline: createOffline() }),
})

function Page() {
  const editor = useRecordEditor<{ name: string }>('project', id)
  const { status } = useConnection()
  return (
    <form {...editor.form}>
      <PresenceBar editor={editor} userId={user} />
      <UpdateBanner editor={editor} />
      <input {...editor.field('name')} />
      <button {...editor.saveButton}>Save</button>
      <ConflictDialog editor={editor} />
      <output>{`${editor.status}, ${status}`}</output>
    </form>
  )
}

createRoot(document.body.appendChild(document.createElement('div'))).render(
  <LiveProvider client={client}>
    <Page />
  </LiveProvider>,
)
