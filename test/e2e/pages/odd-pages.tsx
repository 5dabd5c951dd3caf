// One record in a form as pages build them around it: in a dialog of their own, with options that come late, switched off while it
// is saved, by React's form actions, and with inputs that are called as what a form itself has.
import { createRecordClient } from 'noclobber/client'
import { bindForm, defineElements } from 'noclobber/dom'
import { ConflictDialog, LiveProvider, UpdateBanner, useRecordEditor } from 'noclobber/react'
import { useEffect, useState } from 'react'
import { createRoot } from 'react-dom/client'

const parameters = new URLSearchParams(location.search)
const id = parameters.get('id') ?? '1'
const client = createRecordClient({ token: () => 'alice', userId: () => 'alice' })
const autosaveAfterMs = Number(parameters.get('autosave')) || undefined

/** Names that a form, or any object, has something under. */
const NAMES = ['elements', 'matches', 'contains', 'dataset', 'constructor'] as const

type Thing = Record<'name' | 'body' | (typeof NAMES)[number], string> & {
  state: string
  price: number
  done: boolean
}

/** What the page's own tests ask for. */
const hooks: { showOptions(): void; go(id: string): void } = { showOptions() {}, go() {} }
Object.assign(window, { client, hooks })

/** Options that a part of its own fetches. */
function Options() {
  const [options, setOptions] = useState(parameters.has('late') ? [] : ['closed', 'open'])
  useEffect(() => {
    hooks.showOptions = () => setOptions(['closed', 'open'])
  }, [])
  return options.map((option) => <option key={option}>{option}</option>)
}

function Form({ id }: { id: string }) {
  const editor = useRecordEditor<Thing>('thing', id, autosaveAfterMs ? { autosaveAfterMs } : {})
  const { field } = editor
  const form = parameters.has('action') ? { action: async () => void (await editor.save()) } : editor.form
  return (
    <form {...form} data-status={editor.status}>
      <UpdateBanner editor={editor} />
      <fieldset disabled={parameters.has('switched') && editor.isSaving}>
        <input aria-label="Name" {...field('name')} />
        <textarea aria-label="Body" rows={3} {...field('body')} />
        <select aria-label="State" {...field('state', { as: 'select' })}>
          <Options />
        </select>
        <input aria-label="Price" inputMode="decimal" {...field('price', { as: 'number' })} />
        <input aria-label="Done" type="checkbox" {...field('done', { as: 'checkbox' })} />
        {parameters.has('names') &&
          NAMES.map((name) => <input key={name} aria-label={name} {...field(name)} />)}
      </fieldset>
      <button {...editor.saveButton}>Save</button>
      <ConflictDialog editor={editor} modal={parameters.has('modal')} />
    </form>
  )
}

function App() {
  const [shown, setShown] = useState(id)
  useEffect(() => {
    hooks.go = setShown
  }, [])
  return <Form id={shown} />
}

const HTML = `
<form>
  <noclobber-banner record-type="thing" record-id="${id}" review></noclobber-banner>
  <input name="name" aria-label="Name"><textarea name="body" rows="3" aria-label="Body"></textarea>
  <select name="state" aria-label="State"><option>closed</option><option>open</option></select>
  ${parameters.has('names') ? NAMES.map((name) => `<input name="${name}" aria-label="${name}">`).join('') : ''}
  <button>Save</button>
</form>
<noclobber-conflict record-type="thing" record-id="${id}"></noclobber-conflict>`

const root = document.getElementById('root') as HTMLElement
if (parameters.has('dom')) {
  defineElements(client)
  root.innerHTML = HTML
  const editor = client.editor('thing', id)
  const form = root.querySelector('form') as HTMLFormElement
  bindForm(form, editor)
  const show = () => form.setAttribute('data-status', editor.get().status)
  editor.subscribe(show)
  show()
} else
  createRoot(root).render(
    <LiveProvider client={client}>
      <App />
    </LiveProvider>,
  )
