// One form that shows one record after the other, in the page, in a frame or in a window of its own; with React and without.
import { createRecordClient } from 'noclobber/client'
import { LiveProvider, PresenceBar, UpdateBanner, useRecordEditor } from 'noclobber/react'
import { useEffect, useState } from 'react'
import { createPortal } from 'react-dom'
import { createRoot } from 'react-dom/client'
import { bindShown } from './bind-shown.ts'

const parameters = new URLSearchParams(location.search)
const first = parameters.get('id') ?? '1'
const autosaveAfterMs = Number(parameters.get('autosave')) || undefined
let person = 'alice'
const client = createRecordClient({ token: () => person, userId: () => person })

/** What the page's own tests ask for. */
const hooks = {
  go(_id: string | null) {},
  signIn(next: string) {
    person = next
    client.reconnect()
  },
  statusOf: (id: string) => client.editor('thing', id).get().status,
  draftOf: (id: string) => client.editor('thing', id).get().draft,
}
Object.assign(window, { client, hooks })

interface Thing {
  name: string
  body: string
  state: string | null
  price: number | null
  done: boolean
}

function Form({ id }: { id: string }) {
  const editor = useRecordEditor<Thing>('thing', id, autosaveAfterMs ? { autosaveAfterMs } : {})
  const { field } = editor
  return (
    <form {...editor.form} data-status={editor.status}>
      <UpdateBanner editor={editor} />
      <PresenceBar editor={editor} userId="alice" />
      <input aria-label="Name" {...field('name')} />
      <textarea aria-label="Body" {...field('body')} />
      <select aria-label="State" {...field('state', { as: 'select' })}>
        <option>open</option>
        <option>closed</option>
      </select>
      <input aria-label="Price" inputMode="decimal" {...field('price', { as: 'number' })} />
      <input aria-label="Done" type="checkbox" {...field('done', { as: 'checkbox' })} />
      <button {...editor.saveButton}>Save</button>
    </form>
  )
}

function App({ place }: { place: Element | null }) {
  const [shown, setShown] = useState<string | null>(first)
  useEffect(() => {
    hooks.go = setShown
  }, [])
  const form = shown !== null && <Form id={shown} />
  return place ? createPortal(form, place) : form
}

const HTML = `<form>
  <input name="name" aria-label="Name"><textarea name="body" aria-label="Body"></textarea>
  <select name="state" aria-label="State"><option>open</option><option>closed</option></select>
  <input name="price" aria-label="Price" inputmode="decimal"><span data-nc-error="price"></span>
  <input name="done" type="checkbox" aria-label="Done">
  <button>Save</button>
</form>`

/** Another form bound to one record after the other. */
function bindOneByOne(place: Element) {
  place.innerHTML = HTML
  const form = place.querySelector('form') as HTMLFormElement
  let stop = () => {}
  hooks.go = (id) => {
    stop()
    stop = () => {}
    if (id === null) return
    stop = bindShown(form, client.editor('thing', id))
  }
  hooks.go(first)
}

const root = document.getElementById('root') as HTMLElement

function placeOf(): Element | null {
  if (parameters.has('frame')) {
    const frame = document.createElement('iframe')
    root.after(frame)
    return frame.contentDocument?.body ?? null
  }
  return parameters.has('window') ? (window.open('', 'form', 'popup')?.document.body ?? null) : null
}

const begin = () => {
  const place = placeOf()
  if (parameters.has('dom')) bindOneByOne(place ?? root)
  else
    createRoot(root).render(
      <LiveProvider client={client}>
        <App place={place} />
      </LiveProvider>,
    )
}
// A browser opens a window for a click alone.
if (parameters.has('window')) addEventListener('click', begin, { once: true })
else begin()
