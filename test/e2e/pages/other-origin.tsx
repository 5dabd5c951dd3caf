// A page whose API is on another origin; the test calls its functions.
import { createRecordClient } from 'noclobber/client'

declare global {
  interface Window {
    open_(id: string): void
    shown(): { name: unknown; status: string }
    save(name: string): Promise<string | undefined>
    write(id: string): Promise<string>
  }
}

const query = new URLSearchParams(location.search)
const api = query.get('api') ?? ''
const way = query.get('way')
const client = createRecordClient({
  url: `${api}/api/v1`,
  ...(way === 'token' && { token: () => 'alice' }),
  ...(way === 'stream' && { transports: ['event_stream' as const] }),
})
let editor = client.editor<{ name: string }>('project', '0')

window.open_ = (id) => {
  editor = client.editor('project', id)
  editor.subscribe(() => {})
}
window.shown = () => ({ name: editor.values().name ?? null, status: client.connection.get().status })
window.save = async (name) => {
  editor.change('name', name)
  return (await editor.save())?.outcome
}
window.write = async (id) => {
  const { outcome } = await client.save('project', id, { clientVersion: 1, changes: { name: 'Stolen' } })
  return outcome
}
