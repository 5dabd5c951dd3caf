// A form that is closed and opened again, what is called after saves, and where the cursor is said to be.

import { act, cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react'
import { ConflictDialog, LiveProvider, UpdateBanner, useDoing, useRecordEditor } from 'noclobber/react'
import { useState } from 'react'
import { afterEach, expect, test } from 'vitest'
import { createSmallServer } from '../small-server.ts'

afterEach(cleanup)

interface Project {
  name: string
}

const saved: string[] = []

function Form({ id = '1', onClose = () => {}, label = 'Name' }) {
  const editor = useRecordEditor<Project>('project', id, {
    onSaved: ({ version, fields }) => void saved.push(`${version} ${fields.name}`),
  })
  const { state, field } = useDoing(editor)
  const [isFieldThere, setFieldThere] = useState(true)
  const cancel = () => {
    editor.discard()
    onClose()
  }
  return (
    <form aria-label={`${id} ${editor.status}`} {...editor.form}>
      <UpdateBanner editor={editor} />
      <ConflictDialog editor={editor} />
      {isFieldThere && <input aria-label={label} {...editor.field('name')} />}
      <p>{`${id}: ${state} ${field}`}</p>
      <button type="button" onClick={cancel}>
        Cancel
      </button>
      <button type="button" onClick={() => setFieldThere(false)}>
        Take the field away
      </button>
      <button type="submit">Save</button>
    </form>
  )
}

function App() {
  const [isOpen, setOpen] = useState(true)
  return (
    <>
      {isOpen && <Form onClose={() => setOpen(false)} />}
      <button type="button" onClick={() => setOpen(true)}>
        Edit
      </button>
    </>
  )
}

const box = (label = 'Name') => screen.getByLabelText<HTMLInputElement>(label)
const type = (value: string, label?: string) => fireEvent.input(box(label), { target: { value } })
const press = (name: string) => fireEvent.click(screen.getByRole('button', { name }))

function open() {
  const server = createSmallServer()
  const view = render(
    <LiveProvider client={server.client}>
      <App />
    </LiveProvider>,
  )
  return { ...server, ...view }
}

test.each([0, 1500])(
  'a form that is cancelled shows the record when it is opened again after %i ms, and offers the edits',
  async (pauseMs) => {
    const { client } = open()
    await screen.findByRole('form', { name: '1 clean' })
    const editor = client.editor<Project>('project', '1')
    type('Tunnel')
    press('Cancel')
    if (pauseMs > 0) await waitFor(() => expect(screen.queryByRole('form')).toBeNull())
    expect(editor.get()).toMatchObject({ status: 'clean', draft: {}, kept: { isHidden: true } })
    press('Edit')
    await screen.findByRole('form', { name: '1 clean' })
    expect(box().value).toBe('Bridge 1')
    fireEvent.click(await screen.findByRole('button', { name: 'Restore my edits' }))
    await waitFor(() => expect(box().value).toBe('Tunnel'))
  },
)

test('cancelled in a conflict, both sides are put away and the edits are kept', async () => {
  const server = open()
  await screen.findByRole('form', { name: '1 clean' })
  type('Tunnel')
  server.saveAsBob('1', { name: 'Ferry' })
  press('Save')
  await screen.findByRole('form', { name: '1 conflicted' })
  press('Cancel')
  press('Edit')
  await waitFor(() => expect(box().value).toBe('Ferry'))
  expect(screen.queryByRole('alert')).toBeNull()
  fireEvent.click(await screen.findByRole('button', { name: 'Restore my edits' }))
  await waitFor(() => expect(box().value).toBe('Tunnel'))
})

test('each save is reported, that of the conflict’s dialog too', async () => {
  saved.length = 0
  const server = open()
  await screen.findByRole('form', { name: '1 clean' })
  type('Tunnel')
  press('Save')
  await waitFor(() => expect(saved).toEqual(['2 Tunnel']))
  type('Quay')
  server.saveAsBob('1', { name: 'Ferry' })
  press('Save')
  fireEvent.click(await screen.findByLabelText(/^Mine/))
  press('Save this')
  await waitFor(() => expect(saved).toEqual(['2 Tunnel', '4 Quay']))
})

test('the cursor is in a field of its own form alone, and of none when that field goes away', async () => {
  const server = createSmallServer()
  render(
    <LiveProvider client={server.client}>
      <Form id="1" label="First" />
      <Form id="2" label="Second" />
      <form>
        <input aria-label="Search" name="name" />
      </form>
    </LiveProvider>,
  )
  await screen.findByRole('form', { name: '2 clean' })
  await screen.findByRole('form', { name: '1 clean' })
  const says = async (first: string, second: string) => {
    await screen.findByText(`1: ${first}`)
    await screen.findByText(`2: ${second}`)
  }
  act(() => box('Second').focus())
  await says('viewing null', 'editing name')
  act(() => box('Search').focus())
  await says('viewing null', 'viewing null')
  act(() => box('First').focus())
  await says('editing name', 'viewing null')
  fireEvent.click(screen.getAllByRole('button', { name: 'Take the field away' })[0] as HTMLElement)
  await says('viewing null', 'viewing null')
})
