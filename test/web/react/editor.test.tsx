// A form that uses the React door as an app would: what its inputs, banner and dialog do.

import { act, cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react'
import { ConflictDialog, LiveProvider, UpdateBanner, useRecordEditor } from 'noclobber/react'
import { StrictMode } from 'react'
import { afterEach, expect, test } from 'vitest'
import { createSmallServer } from '../small-server.ts'

interface Project {
  name: string
  status: string
  budget: number | null
  urgent: boolean
  due_on: string | null
}

afterEach(cleanup)

function ProjectForm({ id }: { id: string }) {
  const editor = useRecordEditor<Project>('project', id)
  return (
    <form aria-label={editor.status} {...editor.form}>
      <UpdateBanner editor={editor} />
      <input aria-label="Name" {...editor.field('name')} />
      <select aria-label="Status" {...editor.field('status', { as: 'select' })}>
        <option>planned</option>
        <option>done</option>
      </select>
      <input aria-label="Budget" type="number" {...editor.field('budget', { as: 'number' })} />
      <input aria-label="Amount" {...editor.field('budget', { as: 'number' })} />
      <p data-error>{editor.errors.budget}</p>
      <input aria-label="Urgent" type="checkbox" {...editor.field('urgent', { as: 'checkbox' })} />
      <input aria-label="Due on" type="date" {...editor.field('due_on', { as: 'date' })} />
      <button type="button" onClick={editor.save} disabled={!editor.canSave}>
        Save
      </button>
      <ConflictDialog editor={editor} />
    </form>
  )
}

const input = (label: string) => screen.getByLabelText<HTMLInputElement>(label)
const type = (label: string, value: string) => fireEvent.change(input(label), { target: { value } })
const button = (name: string) => screen.getByRole<HTMLButtonElement>('button', { name })
const click = (name: string) => fireEvent.click(button(name))

async function openForm(options: Parameters<typeof createSmallServer>[0] = {}) {
  const server = createSmallServer(options)
  const at = (id: string) => (
    <StrictMode>
      <LiveProvider client={server.client}>
        <ProjectForm id={id} />
      </LiveProvider>
    </StrictMode>
  )
  const view = render(at('1'))
  await waitFor(() => expect(input('Name').value).toBe('Bridge 1'))
  return { server, view, at }
}

const requests = ({ sent }: { sent: { method: string }[] }, method: string) =>
  sent.filter((request) => request.method === method)

test('a number as the id, as apps in JavaScript have it, is the record of that id', async () => {
  const { server, view, at } = await openForm()
  view.unmount()
  // biome-ignore lint/suspicious/noExplicitAny: what TypeScript refuses
  render(at(1 as any))
  await waitFor(() => expect(input('Name').value).toBe('Bridge 1'))
  type('Name', 'Tunnel')
  click('Save')
  await screen.findByRole('form', { name: 'clean' })
  expect(requests(server, 'PATCH')).toHaveLength(1)
})

test('StrictMode loads once', async () => {
  const { server } = await openForm()
  expect(requests(server, 'GET')).toHaveLength(1)
})

test('inputs hold values of their kind, and a save sends the changed fields alone, once', async () => {
  const { server } = await openForm()
  type('Name', 'Tunnel')
  type('Budget', '12.5')
  fireEvent.click(input('Urgent'))
  type('Due on', '2026-12-01')
  click('Save')
  click('Save')
  await screen.findByRole('form', { name: 'clean' })
  const patches = server.sent.filter(({ method }) => method === 'PATCH')
  expect(patches.map(({ body }) => body)).toEqual([
    {
      client_version: 1,
      changes: { name: 'Tunnel', budget: 12.5, urgent: true, due_on: '2026-12-01' },
      mutation_id: expect.any(String),
      on_stale: 'merge',
    },
  ])
  expect(screen.getByRole('status').textContent).toBe('Saved, version 2.')
  expect(patches[0]?.headers.get('X-Tab-ID')).toBe(server.client.tabId)
  expect(patches[0]?.headers.get('X-Socket-ID')).toBe('socket-1')
})

test('an emptied number is null, and what is typed back is no edit', async () => {
  await openForm()
  type('Budget', '')
  expect(button('Save').disabled).toBe(false)
  type('Budget', '5')
  expect(button('Save').disabled).toBe(true)
})

test('a newer version leaves the field, its text and the focus alone', async () => {
  const { server } = await openForm()
  input('Name').focus()
  type('Name', 'Tunnel')
  act(() => server.saveAsBob('1', { status: 'done' }))
  expect(screen.getByRole('status').textContent).toBe(
    'Updated by Bob just now: Status. Your edits don’t overlap.',
  )
  expect(input('Name').value).toBe('Tunnel')
  expect(document.activeElement).toBe(input('Name'))
  click('Dismiss')
  expect(screen.getByRole('status').textContent).toBe('')
  click('Version 2 available')
  expect(screen.getByRole('status').textContent).toMatch(/^Updated by Bob/)
})

test('who types nothing gets the new values, highlighted', async () => {
  const { server } = await openForm()
  act(() => server.saveAsBob('1', { status: 'done' }))
  await waitFor(() => expect(input('Status').value).toBe('done'))
  expect(input('Status').dataset.ncHighlight).toBe('')
  expect(input('Name').dataset.ncHighlight).toBeUndefined()
  expect(screen.getByRole('status').textContent).toMatch(/^Updated by Bob .+: Status\.$/)
})

test('a refused save shows both sides, reloads without asking again, and gives the edits back', async () => {
  const { server } = await openForm()
  type('Name', 'Tunnel')
  act(() => server.saveAsBob('1', { name: 'Ferry' }))
  click('Save')
  expect((await screen.findByRole('alert')).textContent).toBe(
    'Not saved: Bob saved version 2 while you were editing. Nothing of yours is lost.',
  )
  expect(screen.getByRole('group', { name: 'Name' }).textContent).toBe(
    'NameMineTunnelTheirsFerryOriginalBridge 1',
  )
  expect(screen.queryByRole('button', { name: 'Dismiss' })).toBeNull()
  const loads = requests(server, 'GET').length
  click('Reload latest')
  expect(input('Name').value).toBe('Ferry')
  expect(screen.getByRole('status').textContent).toBe('Loaded version 2. Your unsaved edits are kept.')
  expect(requests(server, 'GET')).toHaveLength(loads)
  click('Restore my edits')
  expect(input('Name').value).toBe('Tunnel')
  click('Save')
  await screen.findByRole('form', { name: 'clean' })
  expect(server.sent.at(-1)?.body).toMatchObject({ client_version: 2, changes: { name: 'Tunnel' } })
})

test('by keyboard the focus goes back to where it came from', async () => {
  const { server } = await openForm()
  type('Name', 'Tunnel')
  act(() => server.saveAsBob('1', { name: 'Ferry' }))
  button('Dismiss').focus()
  click('Dismiss')
  expect(document.activeElement?.className).toBe('nc-banner-place')
  click('Save')
  await screen.findByRole('alert')
  input('Name').focus()
  button('Close').focus()
  click('Close')
  expect(document.activeElement).toBe(input('Name'))
})

test('Escape puts the conflict away, and the banner says what is still so', async () => {
  const { server } = await openForm()
  type('Name', 'Tunnel')
  act(() => server.saveAsBob('1', { name: 'Ferry' }))
  click('Save')
  fireEvent.keyDown(await screen.findByRole('dialog'), { key: 'Escape' })
  expect(screen.queryByRole('dialog')).toBeNull()
  expect(screen.getByRole('status').textContent).toMatch(/^Updated by Bob .+ You both changed: Name\.$/)
  expect(input('Name').value).toBe('Tunnel')
})

test('an answer for one record does not show in another, and going back keeps what was typed', async () => {
  const { server, view, at } = await openForm()
  type('Name', 'Tunnel')
  server.hold()
  click('Save')
  view.rerender(at('2'))
  expect(input('Name').value).toBe('')
  await act(async () => server.release())
  await waitFor(() => expect(input('Name').value).toBe('Bridge 2'))
  type('Name', 'Harbour')
  view.rerender(at('1'))
  await waitFor(() => expect(input('Name').value).toBe('Tunnel'))
  view.rerender(at('2'))
  expect(input('Name').value).toBe('Harbour')
})

test('nothing can be typed before there is a record', () => {
  const server = createSmallServer()
  render(
    <LiveProvider client={server.client}>
      <ProjectForm id="1" />
    </LiveProvider>,
  )
  expect(input('Name').readOnly).toBe(true)
  expect(input('Status').disabled).toBe(true)
})

test('a text that is no number is no value: it stays in sight, is said, and is not saved', async () => {
  const { server } = await openForm()
  type('Amount', '12ab')
  expect(input('Amount').value).toBe('12ab')
  expect(document.querySelector('[data-error]')?.textContent).toBe('This is not a number.')
  type('Name', 'Tunnel')
  click('Save')
  expect(requests(server, 'PATCH')).toEqual([])
  type('Amount', '-')
  expect(document.querySelector('[data-error]')?.textContent).toBe('')
  click('Save')
  await waitFor(() =>
    expect(document.querySelector('[data-error]')?.textContent).toBe('This is not a number.'),
  )
  expect(requests(server, 'PATCH')).toEqual([])
  type('Amount', '-0.5')
  click('Save')
  await screen.findByRole('form', { name: 'clean' })
  expect(server.sent.at(-1)?.body).toMatchObject({ changes: { name: 'Tunnel', budget: -0.5 } })
})

test('submitting the form saves and stays; its reset sets the edits aside', async () => {
  const { server } = await openForm()
  const form = screen.getByRole<HTMLFormElement>('form')
  type('Name', 'Tunnel')
  expect(fireEvent.submit(form)).toBe(false)
  await screen.findByRole('form', { name: 'clean' })
  expect(requests(server, 'PATCH')).toHaveLength(1)
  type('Name', 'Ferry')
  type('Amount', '12ab')
  expect(fireEvent.reset(form)).toBe(false)
  expect([input('Name').value, input('Amount').value]).toEqual(['Tunnel', '5'])
  click('Restore my edits')
  expect(input('Name').value).toBe('Ferry')
  expect(fireEvent.keyDown(input('Name'), { key: 'Enter', isComposing: true })).toBe(false)
  expect(fireEvent.keyDown(input('Name'), { key: 'Enter', keyCode: 229 })).toBe(false)
  expect(fireEvent.keyDown(input('Name'), { key: 'Enter', keyCode: 13 })).toBe(true)
})

test('the text in a number field goes with the record and with the person', async () => {
  let person = 'u1'
  const { server, view, at } = await openForm({ userId: () => person })
  type('Amount', '12ab')
  view.rerender(at('2'))
  await waitFor(() => expect(input('Name').value).toBe('Bridge 2'))
  expect(input('Amount').value).toBe('5')
  type('Amount', '12ab')
  person = 'u2'
  act(() => server.client.reconnect())
  await waitFor(() => expect(input('Name').value).toBe('Bridge 2'))
  expect(input('Amount').value).toBe('5')
})

test('a save can be undone from its banner, which stays while the focus is in it', async () => {
  const { server } = await openForm()
  type('Name', 'Tunnel')
  click('Save')
  await waitFor(() => expect(screen.getByRole('status').textContent).toBe('Saved, version 2.'))
  input('Name').focus()
  fireEvent.keyDown(input('Name'), { key: 'F8' })
  expect(document.activeElement).toBe(button('Undo'))
  act(() => server.client.editor('project', '1').dismiss())
  expect(server.client.editor('project', '1').get().notice).toBeNull()
  click('Undo')
  await waitFor(() => expect(screen.getByRole('status').textContent).toBe('Saved, version 3.'))
  expect(input('Name').value).toBe('Bridge 1')
  expect(document.activeElement).toBe(input('Name'))
  expect(server.sent.at(-1)?.body).toMatchObject({ client_version: 2, changes: { name: 'Bridge 1' } })
  act(() => server.client.editor('project', '1').dismiss())
  expect(screen.queryByRole('button', { name: 'Undo' })).toBeNull()
})

test('a field that may not be changed any more is read only, one that may not be seen is gone, what is typed stays', async () => {
  const { server } = await openForm()
  type('Name', 'Tunnel')
  act(() => server.withhold('1', ['budget'], ['status']))
  await waitFor(() => expect(input('Status').disabled).toBe(true))
  expect(input('Budget')).toMatchObject({ readOnly: true, value: '' })
  expect(input('Name')).toMatchObject({ readOnly: false, value: 'Tunnel' })
  expect(requests(server, 'GET')).toHaveLength(2)
  click('Save')
  await screen.findByRole('form', { name: 'clean' })
  act(() => server.withhold('1', [], []))
  await waitFor(() => expect(input('Status').disabled).toBe(false))
})
