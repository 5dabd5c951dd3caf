// A page with one very large record, for measuring: the library's parts, and nothing around them.
import { createRecordClient } from 'noclobber/client'
import { ConflictDialog, LiveProvider, UpdateBanner, useRecordEditor } from 'noclobber/react'
import { createRoot } from 'react-dom/client'

const client = createRecordClient({ token: () => 'alice', userId: () => 'alice' })

const id = new URLSearchParams(location.search).get('id') ?? '1'

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

Object.assign(window, { editor: client.editor('large', id), longest: 0 })
new PerformanceObserver((list) => {
  const page = window as unknown as { longest: number }
  for (const { duration } of list.getEntries()) page.longest = Math.max(page.longest, duration)
}).observe({ type: 'longtask', buffered: true })

createRoot(document.getElementById('root') as HTMLElement).render(
  <LiveProvider client={client}>
    <Page />
  </LiveProvider>,
)
