// A form for a new record: its first save creates it, and the same form, with what is typed and the cursor, goes on editing it.

import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react'
import { LiveProvider, UpdateBanner, useRecordEditor } from 'noclobber/react'
import { StrictMode, useState } from 'react'
import { afterEach, expect, test } from 'vitest'
import { createSmallServer } from '../small-server.ts'

interface Project {
  name: string
  status: string
  budget: number | null
}

afterEach(cleanup)

function Form({ id, onCreated }: { id: string | null; onCreated: (id: string) => void }) {
  const editor = useRecordEditor<Project>('project', id, {
    initial: { status: 'planned' },
    onCreated: (record) => onCreated(record.id),
  })
  return (
    <form aria-label={`${editor.id || 'new'} ${editor.status}`} {...editor.form}>
      <UpdateBanner editor={editor} />
      <input aria-label="Name" {...editor.field('name')} />
      <input aria-label="Status" {...editor.field('status')} />
      <input aria-label="Budget" {...editor.field('budget', { as: 'number' })} />
      <p data-error>{editor.errors.name}</p>
      <button {...editor.saveButton}>{editor.isNew ? 'Create' : 'Save'}</button>
    </form>
  )
}

const input = (label: string) => screen.getByLabelText<HTMLInputElement>(label)
const type = (label: string, value: string) => fireEvent.change(input(label), { target: { value } })
const submit = () => fireEvent.submit(screen.getByRole('form'))

async function open() {
  const server = createSmallServer()
  const created: string[] = []
  const at = (id: string | null) => (
    <StrictMode>
      <LiveProvider client={server.client}>
        <Form id={id} onCreated={(one) => created.push(one)} />
      </LiveProvider>
    </StrictMode>
  )
  const view = render(at(null))
  await screen.findByRole('form', { name: 'new clean' })
  const writes = () => server.sent.filter(({ method }) => method === 'POST' || method === 'PATCH')
  return { server, created, view, at, writes }
}

test('the first save creates it; the same inputs and the cursor stay, and the next save edits it', async () => {
  const { server, created, writes } = await open()
  expect(input('Status').value).toBe('planned')
  const name = input('Name')
  name.focus()
  type('Name', 'Ferry dock')
  submit()
  await screen.findByRole('form', { name: '3 clean' })
  expect(screen.getByRole('status').textContent).toBe('Saved, version 1.')
  expect(document.activeElement).toBe(name)
  expect([created, name.value]).toEqual([['3'], 'Ferry dock'])
  type('Name', 'Ferry dock II')
  fireEvent.click(screen.getByRole('button', { name: 'Save' }))
  await waitFor(() => expect(screen.getByRole('status').textContent).toBe('Saved, version 2.'))
  expect(writes().map(({ method, path, body }) => [method, path, body?.fields ?? body?.changes])).toEqual([
    ['POST', '/records/project', { name: 'Ferry dock', status: 'planned' }],
    ['PATCH', '/records/project/3', { name: 'Ferry dock II' }],
  ])
  expect(server.client.editor('project', null, { initial: { status: 'planned' } }).get().draft).toEqual({})
})

test('what is typed while it is being created stays typed, a half typed number too', async () => {
  const { server, writes } = await open()
  type('Name', 'Ferry dock')
  server.hold()
  submit()
  await screen.findByRole('form', { name: 'new saving' })
  type('Name', 'Ferry docks')
  type('Budget', '12.')
  server.release()
  await screen.findByRole('form', { name: '3 dirty' })
  expect([input('Name').value, input('Budget').value]).toEqual(['Ferry docks', '12.'])
  submit()
  await screen.findByRole('form', { name: '3 clean' })
  expect(writes().at(-1)?.body?.changes).toEqual({ name: 'Ferry docks', budget: 12 })
})

test('a second save during the creation is sent after it, to the created record', async () => {
  const { server, writes } = await open()
  type('Name', 'Ferry dock')
  server.hold()
  submit()
  type('Name', 'Ferry docks')
  submit()
  server.release()
  await waitFor(() => expect(screen.getByRole('status').textContent).toBe('Saved, version 2.'))
  expect(writes().map(({ path }) => path)).toEqual(['/records/project', '/records/project/3'])
  expect(input('Name').value).toBe('Ferry docks')
})

test('the server’s refusal stands at its field, and nothing was created', async () => {
  const { server, created, writes } = await open()
  server.refuseNext([{ field: 'name', message: 'Give it a name.' }])
  submit()
  await waitFor(() => expect(document.querySelector('[data-error]')?.textContent).toBe('Give it a name.'))
  await waitFor(() => expect(document.activeElement).toBe(input('Name')))
  type('Name', 'Ferry dock')
  submit()
  await screen.findByRole('form', { name: '3 clean' })
  expect([created, writes().length]).toEqual([['3'], 2])
})

test('the page may open the created record by its id; the next new one is blank', async () => {
  const { view, at } = await open()
  const name = input('Name')
  type('Name', 'Ferry dock')
  submit()
  await screen.findByRole('form', { name: '3 clean' })
  view.rerender(at('3'))
  await screen.findByRole('form', { name: '3 clean' })
  expect(input('Name')).toBe(name)
  view.rerender(at(null))
  await screen.findByRole('form', { name: 'new clean' })
  expect([input('Name').value, input('Status').value]).toEqual(['', 'planned'])
})

test('a draft waits for the form, apart from those with other initial values', async () => {
  const server = createSmallServer()
  function Page() {
    const [status, setStatus] = useState('planned')
    const editor = useRecordEditor<Project>('project', null, { initial: { status } })
    return (
      <form aria-label={editor.status}>
        <input aria-label="Name" {...editor.field('name')} />
        <input aria-label="Status" {...editor.field('status')} />
        <button type="button" onClick={() => setStatus(status === 'planned' ? 'done' : 'planned')}>
          Other
        </button>
      </form>
    )
  }
  render(
    <LiveProvider client={server.client}>
      <Page />
    </LiveProvider>,
  )
  await screen.findByRole('form', { name: 'clean' })
  type('Name', 'Ferry dock')
  fireEvent.click(screen.getByRole('button', { name: 'Other' }))
  await screen.findByRole('form', { name: 'clean' })
  expect([input('Name').value, input('Status').value]).toEqual(['', 'done'])
  fireEvent.click(screen.getByRole('button', { name: 'Other' }))
  expect([input('Name').value, input('Status').value]).toEqual(['Ferry dock', 'planned'])
})
