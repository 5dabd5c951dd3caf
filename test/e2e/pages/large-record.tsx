// A page with one very large record, for measuring: the library's parts, and nothing around them.
import { createRecordClient } from 'noclobber/client'
import { ConflictDialog, LiveProvider, UpdateBanner, useRecordEditor } from 'noclobber/react'
import { createRoot } from 'react-dom/client'

const client = createRecordClient({ token: () => 'alice', userId: () => 'alice' })

const id = '1'

function Page() {
  const editor = useRecordEditor('large', id)
  return (
    <>
      <UpdateBanner editor={editor} />
      <ConflictDialog editor={editor} />
      <p>{`${editor.status} at version ${editor.record?.version}`}</p>
    </>
  )
}

Object.assign(window, { editor: client.editor('large', id) })

createRoot(document.getElementById('root') as HTMLElement).render(
  <LiveProvider client={client}>
    <Page />
  </LiveProvider>,
)
