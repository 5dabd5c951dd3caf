// One small field beside large ones, in a form with React and in one without, over one record.
import { createRecordClient } from 'noclobber/client'
import { bindForm } from 'noclobber/dom'
import { ConflictDialog, LiveProvider, UpdateBanner, useRecordEditor } from 'noclobber/react'
import { createRoot } from 'react-dom/client'

const parameters = new URLSearchParams(location.search)
const id = parameters.get('id') ?? '1'
const client = createRecordClient({ token: () => 'alice', userId: () => 'alice' })
const DOCUMENTS = ['one', 'two', 'three'] as const

type Large = Record<'name' | 'body' | 'notes' | (typeof DOCUMENTS)[number], string>

function Form() {
  const editor = useRecordEditor<Large>('large', id)
  return (
    <form {...editor.form} data-status={editor.status}>
      <UpdateBanner editor={editor} />
      <input aria-label="Name" {...editor.field('name')} />
      <textarea aria-label="Body" {...editor.field('body')} />
      <textarea aria-label="Notes" {...editor.field('notes')} />
      {DOCUMENTS.map((name) => (
        <textarea key={name} aria-label={name} {...editor.field(name)} />
      ))}
      <button {...editor.saveButton}>Save</button>
      <ConflictDialog editor={editor} />
    </form>
  )
}

const root = document.getElementById('root') as HTMLElement
if (parameters.has('dom')) {
  root.innerHTML = `<form><input name="name" aria-label="Name"><textarea name="body" aria-label="Body"></textarea>
    <textarea name="notes" aria-label="Notes"></textarea>
    ${DOCUMENTS.map((name) => `<textarea name="${name}" aria-label="${name}"></textarea>`).join('')}
    <button>Save</button></form>`
  const form = root.querySelector('form') as HTMLFormElement
  const editor = client.editor('large', id)
  bindForm(form, editor)
  const show = () => form.setAttribute('data-status', editor.get().status)
  editor.subscribe(show)
  show()
} else
  createRoot(root).render(
    <LiveProvider client={client}>
      <Form />
    </LiveProvider>,
  )
