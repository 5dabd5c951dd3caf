// A form that people already have, with react-hook-form, nested fields and rows: tied to an open record by one line.

import { act, cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react'
import { LiveProvider, UpdateBanner, useRecordEditor } from 'noclobber/react'
import { useRecordForm } from 'noclobber/react-hook-form'
import { StrictMode } from 'react'
import { useFieldArray, useForm } from 'react-hook-form'
import { afterEach, expect, test } from 'vitest'
import type { RecordClientOptions } from '../../../web/client/record-client-options.ts'
import { createSmallServer } from '../small-server.ts'

interface Project {
  name: string
  status: string
  address: { street: string; town: string }
  rows: { id: string; text: string }[]
}

const PROJECT: Project = {
  name: 'Bridge',
  status: 'planned',
  address: { street: 'Quay 1', town: 'Lindhaven' },
  rows: [
    { id: 'a', text: 'Piers' },
    { id: 'b', text: 'Deck' },
  ],
}

afterEach(cleanup)

function ProjectForm({ id = '1' }: { id?: string | null }) {
  const editor = useRecordEditor<Project>('project', id)
  const form = useForm<Project>()
  useRecordForm(form, editor)
  const { fields, append } = useFieldArray({ control: form.control, name: 'rows', keyName: 'key' })
  return (
    <form aria-label={editor.status} onSubmit={form.handleSubmit(() => void editor.save())}>
      <UpdateBanner editor={editor} />
      <input aria-label="Name" {...form.register('name')} />
      <input aria-label="Status" {...form.register('status')} />
      <input aria-label="Town" {...form.register('address.town')} />
      {fields.map(({ key }, index) => (
        <input key={key} aria-label={`Row ${index}`} {...form.register(`rows.${index}.text`)} />
      ))}
      <button type="button" onClick={() => append({ id: 'c', text: 'Railing' })}>
        Add
      </button>
      <button type="submit">Save</button>
    </form>
  )
}

const input = (label: string) => screen.getByLabelText<HTMLInputElement>(label)
const type = (label: string, value: string) => fireEvent.input(input(label), { target: { value } })

async function openForm() {
  const server = createSmallServer()
  server.saveAsBob('1', { ...PROJECT })
  render(
    <StrictMode>
      <LiveProvider client={server.client}>
        <ProjectForm />
      </LiveProvider>
    </StrictMode>,
  )
  await waitFor(() => expect(input('Row 1').value).toBe('Deck'))
  expect(input('Town').value).toBe('Lindhaven')
  return server
}

test('what is typed is the record’s draft, nested fields and rows included, and saving sends those fields', async () => {
  const server = await openForm()
  type('Name', 'Tunnel')
  type('Town', 'Westport')
  type('Row 0', 'Piles')
  fireEvent.click(screen.getByRole('button', { name: 'Add' }))
  fireEvent.click(screen.getByRole('button', { name: 'Save' }))
  await screen.findByRole('form', { name: 'clean' })
  const [save] = server.sent.filter(({ method }) => method === 'PATCH')
  expect(save?.body).toMatchObject({
    client_version: 2,
    changes: {
      name: 'Tunnel',
      address: { street: 'Quay 1', town: 'Westport' },
      rows: [{ id: 'a', text: 'Piles' }, PROJECT.rows[1], { id: 'c', text: 'Railing' }],
    },
  })
})

test('what others change comes into the form, and leaves what is typed alone', async () => {
  const server = await openForm()
  type('Name', 'Tunnel')
  input('Name').focus()
  act(() => server.saveAsBob('1', { status: 'done' }))
  fireEvent.click(await screen.findByRole('button', { name: 'Merge' }))
  await waitFor(() => expect(input('Status').value).toBe('done'))
  expect(input('Name').value).toBe('Tunnel')
})

test('a clean form follows by itself', async () => {
  const server = await openForm()
  act(() => server.saveAsBob('1', { name: 'Ferry' }))
  await waitFor(() => expect(input('Name').value).toBe('Ferry'))
  expect(screen.getByRole('form', { name: 'clean' })).toBeTruthy()
})

const saved = ({ sent }: { sent: { method: string; body: unknown }[] }) =>
  sent.flatMap(({ method, body }) =>
    method === 'PATCH' ? [(body as { changes: Record<string, unknown> }).changes] : [],
  )

function DatedForm({ id = '1' }: { id?: string }) {
  const editor = useRecordEditor<Record<string, string>>('project', id)
  const form = useForm<Record<string, string>>()
  useRecordForm(form, editor)
  return (
    <form aria-label={editor.status} onSubmit={form.handleSubmit(() => void editor.save())}>
      <UpdateBanner editor={editor} />
      <input aria-label="Name" {...form.register('name')} />
      <input aria-label="Status" {...form.register('status')} />
      <input aria-label="Due" type="date" {...form.register('due_on', { valueAsDate: true })} />
      <input aria-label="Note" {...form.register('note')} />
      <output>{form.formState.isDirty ? 'dirty' : 'clean'}</output>
      <button type="button" onClick={() => form.reset()}>
        Cancel
      </button>
      <button type="reset">Reset</button>
      <button type="submit">Save</button>
    </form>
  )
}

async function openDated(options: RecordClientOptions = {}) {
  const server = createSmallServer(options)
  const page = (id: string) => (
    <LiveProvider client={server.client}>
      <DatedForm id={id} />
    </LiveProvider>
  )
  const view = render(page('1'))
  await waitFor(() => expect(input('Name').value).toBe('Bridge 1'))
  return { ...server, show: (id: string) => view.rerender(page(id)) }
}

for (const button of ['Cancel', 'Reset'])
  test(`${button}: the form goes back to the record, and a save sends what is typed after it, and nothing else`, async () => {
    const server = await openDated()
    type('Name', 'Tunnel')
    expect(document.querySelector('output')?.textContent).toBe('dirty')
    fireEvent.click(screen.getByRole('button', { name: button }))
    await waitFor(() => expect(input('Name').value).toBe('Bridge 1'))
    expect(input('Status').value).toBe('planned')
    await screen.findByRole('form', { name: 'clean' })
    fireEvent.click(await screen.findByRole('button', { name: 'Restore my edits' }))
    await waitFor(() => expect(input('Name').value).toBe('Tunnel'))
    fireEvent.click(screen.getByRole('button', { name: button }))
    await screen.findByRole('form', { name: 'clean' })
    type('Status', 'done')
    fireEvent.click(screen.getByRole('button', { name: 'Save' }))
    await waitFor(() => expect(saved(server)).toEqual([{ status: 'done' }]))
  })

test('the last of two days is saved, as a day', async () => {
  const server = await openDated()
  type('Due', '2026-11-25')
  type('Due', '2026-12-03')
  fireEvent.click(screen.getByRole('button', { name: 'Save' }))
  await waitFor(() => expect(saved(server)).toEqual([{ due_on: '2026-12-03' }]))
  expect(input('Due').value).toBe('2026-12-03')
})

test('what was typed for one record or by one person stays in no field for the next', async () => {
  let person = 'u1'
  const server = await openDated({ userId: () => person })
  type('Name', 'Tunnel')
  type('Note', 'a word of hers')
  server.hold()
  server.show('2')
  await waitFor(() => expect(input('Name').value).toBe(''))
  expect(input('Note').value).toBe('')
  server.release()
  await waitFor(() => expect(input('Name').value).toBe('Bridge 2'))
  type('Name', 'Ferry')
  type('Note', 'a word of hers')
  server.hold()
  person = 'u2'
  act(() => server.client.reconnect())
  await waitFor(() => expect(input('Name').value).toBe(''))
  expect(input('Note').value).toBe('')
  server.release()
  await waitFor(() => expect(input('Name').value).toBe('Bridge 2'))
  fireEvent.click(screen.getByRole('button', { name: 'Save' }))
  expect(saved(server)).toEqual([])
})

test('a form for a new record creates it with what is typed, and goes on with it', async () => {
  const server = createSmallServer()
  render(
    <LiveProvider client={server.client}>
      <ProjectForm id={null} />
    </LiveProvider>,
  )
  await screen.findByRole('form', { name: 'clean' })
  type('Name', 'Ferry dock')
  type('Town', 'Westport')
  fireEvent.submit(screen.getByRole('form'))
  await waitFor(() => expect(screen.getByRole('status').textContent).toBe('Saved, version 1.'))
  expect(server.sent.find(({ method }) => method === 'POST')?.body?.fields).toEqual({
    name: 'Ferry dock',
    address: { town: 'Westport' },
  })
  type('Name', 'Ferry docks')
  fireEvent.submit(screen.getByRole('form'))
  await waitFor(() => expect(screen.getByRole('status').textContent).toBe('Saved, version 2.'))
  expect(server.sent.at(-1)).toMatchObject({
    path: '/records/project/3',
    body: { changes: { name: 'Ferry docks' } },
  })
})
