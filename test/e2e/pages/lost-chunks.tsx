// A page of one record, of which a deployment may have taken all that it would load later; the test calls its functions.
import { bannerFor, createRecordClient, createWords } from 'noclobber/client'

declare global {
  interface Window {
    follow(id: string): void
    typed(name: string): void
    saved(): Promise<string | undefined>
    created(name: string): Promise<string>
    seen(): { name: unknown; status: string; record: string; banner: string }
  }
}

const client = createRecordClient({ transports: ['event_stream'] })
const words = createWords()
let editor = client.editor<{ name: string; status: string }>('project', '0')

window.follow = (id) => {
  editor = client.editor('project', id)
  editor.subscribe(() => {})
}
window.typed = (name) => editor.change('name', name)
window.saved = async () => (await editor.save())?.outcome
window.created = async (name) => (await client.create('project', { name })).outcome
window.seen = () => ({
  name: editor.values().name ?? null,
  status: client.connection.get().status,
  record: editor.get().status,
  banner:
    bannerFor(editor.get(), Date.now(), words)
      ?.parts.map(({ text }) => text)
      .join('') ?? '',
})
