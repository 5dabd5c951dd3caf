// One record in two forms, with inputs of every kind, and another form in a portal; with React and without.
import { createRecordClient } from 'noclobber/client'
import { bindForm, defineElements } from 'noclobber/dom'
import { ConflictDialog, LiveProvider, UpdateBanner, useRecordEditor } from 'noclobber/react'
import { createRoot } from 'react-dom/client'

const parameters = new URLSearchParams(location.search)
const id = parameters.get('id') ?? '1'
const client = createRecordClient({ token: () => 'alice', userId: () => 'alice' })
Object.assign(window, { client })

interface Thing {
  name: string
  body: string
  state: string | null
  price: number | null
  done: boolean
  tags: string[]
  colour: string | null
  opens: string | null
  month: string | null
  week: string | null
  rating: number | null
}

function Form() {
  const editor = useRecordEditor<Thing>('thing', id)
  const { field, values } = editor
  const radio = (value: string) => ({
    ...field('state', { as: 'select' }),
    value,
    type: 'radio',
    checked: values.state === value,
  })
  return (
    <form id="first" aria-label="First" {...editor.form} data-status={editor.status}>
      <UpdateBanner editor={editor} />
      <input aria-label="Name" {...field('name')} />
      {parameters.has('folded') && (
        <>
          <fieldset disabled>
            <input aria-label="Switched off" {...field('body')} />
          </fieldset>
          <details>
            <summary>More</summary>
            <input aria-label="Folded" {...field('body')} />
          </details>
        </>
      )}
      <textarea aria-label="Body" {...field('body')} />
      <fieldset>
        <legend>State</legend>
        {['open', 'closed'].map((value) => (
          <label key={value}>
            {value} <input {...radio(value)} />
          </label>
        ))}
      </fieldset>
      <input aria-label="Price" type="number" step="any" {...field('price', { as: 'number' })} />
      <input aria-label="Amount" inputMode="decimal" {...field('price', { as: 'number' })} />
      <input aria-label="Done" type="checkbox" {...field('done', { as: 'checkbox' })} />
      <select
        aria-label="Tags"
        multiple
        value={values.tags ?? []}
        onChange={({ target }) =>
          editor.change(
            'tags',
            [...target.selectedOptions].map(({ value }) => value),
          )
        }
      >
        <option>a</option>
        <option>b</option>
        <option>c</option>
      </select>
      <input aria-label="Colour" type="color" {...field('colour')} />
      <input aria-label="Opens" type="time" {...field('opens')} />
      <input aria-label="Month" type="month" {...field('month')} />
      <input aria-label="Week" type="week" {...field('week')} />
      <input aria-label="Rating" type="range" min="0" max="10" {...field('rating')} />
      <input aria-label="File" type="file" name="file" />
      {/* biome-ignore lint/a11y/useSemanticElements: what rich text editors are made of */}
      <div aria-label="Own" contentEditable suppressContentEditableWarning role="textbox" tabIndex={0}>
        own
      </div>
      <button {...editor.saveButton}>Save</button>
      <button type="reset">Cancel</button>
      <ConflictDialog editor={editor} />
    </form>
  )
}

function Twin() {
  const editor = useRecordEditor<Thing>('thing', id)
  return (
    <form aria-label="Twin" {...editor.form}>
      <input aria-label="Twin’s name" {...editor.field('name')} />
      <input
        aria-label="Twin’s price"
        type="number"
        step="any"
        {...editor.field('price', { as: 'number' })}
      />
      <button {...editor.saveButton}>Save twin</button>
    </form>
  )
}

const formOf = (form: string, label: string) => `
<form ${form}>
  <noclobber-banner record-type="thing" record-id="${id}"></noclobber-banner>
  <input name="name" aria-label="${label}Name"><textarea name="body" aria-label="${label}Body"></textarea>
  <label>open <input type="radio" name="state" value="open"></label>
  <label>closed <input type="radio" name="state" value="closed"></label>
  <input name="price" type="number" step="any" aria-label="${label}Price">
  <input name="done" type="checkbox" aria-label="${label}Done">
  <select name="tags" multiple aria-label="${label}Tags"><option>a</option><option>b</option><option>c</option></select>
  <input name="colour" type="color" aria-label="${label}Colour"><input name="opens" type="time" aria-label="${label}Opens">
  <input name="month" type="month" aria-label="${label}Month"><input name="week" type="week" aria-label="${label}Week">
  <input name="rating" type="range" min="0" max="10" aria-label="${label}Rating"><input name="file" type="file" aria-label="${label}File">
  <div contenteditable role="textbox" aria-label="${label}Own">own</div>
  <button>Save</button><button type="reset">Cancel</button>
</form>`

const root = document.getElementById('root') as HTMLElement
if (parameters.has('dom')) {
  defineElements(client)
  root.innerHTML = `${formOf('id="first" aria-label="First"', '')}${formOf('aria-label="Twin"', 'Twin ')}`
  const editor = client.editor('thing', id)
  for (const form of document.forms) bindForm(form, editor)
  const show = () => {
    document.forms[0]?.setAttribute('data-status', editor.get().status)
  }
  editor.subscribe(show)
  show()
} else
  createRoot(root).render(
    <LiveProvider client={client}>
      <Form />
      <Twin />
    </LiveProvider>,
  )
