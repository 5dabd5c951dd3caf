// One form in the places and under the readers that pages meet: in a shadow tree, with React and without.
import { createRecordClient, type RecordClient } from 'noclobber/client'
import { bindForm, defineElements } from 'noclobber/dom'
import { ConflictDialog, LiveProvider, PresenceBar, UpdateBanner, useRecordEditor } from 'noclobber/react'
import { createRoot } from 'react-dom/client'

const parameters = new URLSearchParams(location.search)
const id = parameters.get('id') ?? '1'
const autosaveAfterMs = Number(parameters.get('autosave')) || undefined
const plain = createRecordClient({ token: () => 'alice', userId: () => 'alice' })
const announced: unknown[] = []
const client: RecordClient = {
  ...plain,
  presence: {
    ...plain.presence,
    announce(address, doing) {
      announced.push(doing.field)
      return plain.presence.announce(address, doing)
    },
  },
}
Object.assign(window, { client, announced })
const root = document.getElementById('root') as HTMLElement
const place = parameters.has('shadow') ? root.attachShadow({ mode: 'open' }) : root

interface Thing {
  name: string
  body: string
  state: string | null
  price: number | null
  done: boolean
}

function Form() {
  const editor = useRecordEditor<Thing>('thing', id, autosaveAfterMs ? { autosaveAfterMs } : {})
  Object.assign(window, { editor })
  return (
    <form {...editor.form} data-status={editor.status}>
      <UpdateBanner editor={editor} />
      <PresenceBar editor={editor} userId="alice" />
      <input aria-label="Name" {...editor.field('name')} />
      <textarea aria-label="Body" {...editor.field('body')} />
      <select aria-label="State" {...editor.field('state', { as: 'select' })}>
        <option>open</option>
        <option>closed</option>
      </select>
      <input aria-label="Price" type="number" step="any" {...editor.field('price', { as: 'number' })} />
      <input aria-label="Done" type="checkbox" {...editor.field('done', { as: 'checkbox' })} />
      <button {...editor.saveButton}>Save</button>
      <ConflictDialog editor={editor} />
    </form>
  )
}

const HTML = `
<form>
  <noclobber-banner record-type="thing" record-id="${id}" review></noclobber-banner><noclobber-pill></noclobber-pill>
  <input name="name" aria-label="Name" value="as it came"><textarea name="body" aria-label="Body"></textarea>
  <select name="state" aria-label="State"><option>open</option><option>closed</option></select>
  <select name="tags" multiple aria-label="Tags"><option>a</option><option>b</option><option>c</option></select>
  <input name="price" type="number" step="any" aria-label="Price"><button>Save</button>
</form>
<noclobber-conflict record-type="thing" record-id="${id}"></noclobber-conflict>`

if (parameters.has('dom')) {
  defineElements(client)
  place.innerHTML = HTML
  const editor = client.editor('thing', id)
  Object.assign(window, { editor })
  const form = place.querySelector('form') as HTMLFormElement
  bindForm(form, editor)
  const show = () => {
    form.dataset.status = editor.get().status
  }
  editor.subscribe(show)
  show()
} else
  createRoot(place).render(
    <LiveProvider client={client}>
      <Form />
    </LiveProvider>,
  )
