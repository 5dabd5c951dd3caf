// One record after the other in a form whose inputs the browser itself changes: with React in `#root`, without it in the form that the
// document came with.
import { createRecordClient } from 'noclobber/client'
import { createOffline } from 'noclobber/offline'
import { LiveProvider, useRecordEditor } from 'noclobber/react'
import { useEffect, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { bindShown } from './bind-shown.ts'

const asked = new URLSearchParams(location.search)
const first = asked.get('id') ?? '1'
const client = createRecordClient({
  token: () => 'alice',
  userId: () => 'alice',
  ...(asked.has('offline') && { offline: createOffline() }),
})

/** What the page's own tests ask for. */
const hooks = {
  go(_id: string) {},
  draftOf: (id: string) => client.editor('thing', id).get().draft,
}
Object.assign(window, { client, hooks })

interface Thing {
  name: string
  body: string
  mail: string | null
  mails: string | null
  price: number | null
  due_on: string | null
  opens: string | null
  state: string | null
  done: boolean | null
}

function Form() {
  const [id, setId] = useState(first)
  const { form, field, status, saveButton } = useRecordEditor<Thing>('thing', id)
  useEffect(() => {
    hooks.go = setId
  }, [])
  return (
    <form {...form} data-status={status}>
      <input aria-label="Name" {...field('name')} />
      <textarea aria-label="Body" {...field('body')} />
      <input aria-label="Mail" type="email" {...field('mail')} />
      <input aria-label="Mails" type="email" multiple {...field('mails')} />
      <input aria-label="Price" type="number" step="any" {...field('price', { as: 'number' })} />
      <input aria-label="Due" type="date" {...field('due_on', { as: 'date' })} />
      <input aria-label="Opens" type="time" step="1" {...field('opens')} />
      <select aria-label="State" {...field('state', { as: 'select' })}>
        <option>open</option>
        <option>closed</option>
        <option>third</option>
      </select>
      <input aria-label="Done" type="checkbox" {...field('done', { as: 'checkbox' })} />
      <button {...saveButton}>Save</button>
      <button type="reset">Cancel</button>
    </form>
  )
}

const root = document.getElementById('root')
if (root)
  createRoot(root).render(
    <LiveProvider client={client}>
      <Form />
    </LiveProvider>,
  )
else {
  const form = document.querySelector('form') as HTMLFormElement
  let stop = () => {}
  hooks.go = (id) => {
    stop()
    stop = bindShown(form, client.editor('thing', id))
  }
  hooks.go(first)
}
