// Inputs of a form as pages have them: of kinds that nobody named, of others, and under a server that tidies what is typed.

import { act, cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react'
import { type EditorOptions, LiveProvider, useCellEditor, useRecordEditor } from 'noclobber/react'
import { type ReactNode, useEffect, useMemo } from 'react'
import { afterEach, expect, test } from 'vitest'
import { createListWorld } from '../client/list/list-world.ts'
import { createSmallServer } from '../small-server.ts'

afterEach(cleanup)

type Fields = Record<string, unknown>
type Editor = ReturnType<typeof useRecordEditor<Fields>>

function Form({
  options = {},
  children,
}: {
  options?: EditorOptions<Fields>
  children: (editor: Editor) => ReactNode
}) {
  const editor = useRecordEditor<Fields>('project', '1', options)
  return (
    <form aria-label={editor.status} {...editor.form}>
      {children(editor)}
      <output>{JSON.stringify(editor.errors)}</output>
      <button {...editor.saveButton}>Save</button>
    </form>
  )
}

async function open(
  fields: Fields,
  children: (editor: Editor) => ReactNode,
  { tidy, ...options }: EditorOptions<Fields> & { tidy?: (value: unknown) => unknown } = {},
) {
  const server = createSmallServer(tidy ? { tidy } : {})
  act(() => server.saveAsBob('1', fields))
  render(
    <LiveProvider client={server.client}>
      <Form options={options}>{children}</Form>
    </LiveProvider>,
  )
  await screen.findByRole('form', { name: 'clean' })
  const changes = () =>
    server.sent.filter(({ method }) => method === 'PATCH').map(({ body }) => body?.changes)
  return { ...server, changes }
}

const input = (label: string) => screen.getByLabelText<HTMLInputElement>(label)
const type = (label: string, value: string) => fireEvent.change(input(label), { target: { value } })
const save = () => fireEvent.click(screen.getByRole('button', { name: 'Save' }))

test('an input’s own type says what is typed in it, where the page doesn’t', async () => {
  const { changes } = await open(
    { budget: null, due_on: '2026-05-01', opens: '14:30:00', urgent: true },
    (editor) => (
      <>
        <input aria-label="Budget" type="number" {...editor.field('budget')} />
        <input aria-label="Due" type="date" {...editor.field('due_on')} />
        <input aria-label="Opens" type="time" {...editor.field('opens')} />
        <select aria-label="Urgent" {...editor.field('urgent')}>
          <option>true</option>
          <option>false</option>
        </select>
      </>
    ),
  )
  type('Opens', '14:45')
  type('Opens', '14:30')
  await screen.findByRole('form', { name: 'clean' })
  type('Budget', '0.5')
  type('Due', '')
  type('Opens', '')
  type('Urgent', 'false')
  save()
  await waitFor(() => expect(changes()).toEqual([{ budget: 0.5, due_on: null, opens: null, urgent: false }]))
})

test('a checkbox shows no text and no list, and never takes its place', async () => {
  await open({ flag: 'perhaps', tags: ['a'] }, (editor) => (
    <>
      <input aria-label="Flag" type="checkbox" {...editor.field('flag', { as: 'checkbox' })} />
      <input aria-label="Tags" type="checkbox" {...editor.field('tags', { as: 'checkbox' })} />
    </>
  ))
  expect([input('Flag').disabled, input('Tags').disabled]).toEqual([true, true])
})

test('an input that is none of the record’s is left alone by a save', async () => {
  const { changes } = await open({}, (editor) => (
    <>
      <input aria-label="Name" {...editor.field('name')} />
      <input aria-label="Until" type="date" name="until" />
    </>
  ))
  Object.defineProperty(input('Until'), 'validity', { value: { badInput: true } })
  type('Name', 'Tunnel')
  save()
  await waitFor(() => expect(changes()).toEqual([{ name: 'Tunnel' }]))
})

test('what the server tidies while somebody types on stays as it is typed, until they leave the field', async () => {
  const tidy = (value: unknown) => (typeof value === 'string' ? value.trim() : value)
  const { changes } = await open(
    {},
    (editor) => (
      <>
        <input aria-label="Name" {...editor.field('name')} />
        <input aria-label="Other" />
      </>
    ),
    { autosaveAfterMs: 1, tidy },
  )
  act(() => input('Name').focus())
  type('Name', 'two ')
  await waitFor(() => expect(changes()).toEqual([{ name: 'two ' }]))
  await screen.findByRole('form', { name: 'clean' })
  expect(input('Name').value).toBe('two ')
  type('Name', 'two words ')
  await waitFor(() => expect(changes()).toHaveLength(2))
  await screen.findByRole('form', { name: 'clean' })
  expect(input('Name').value).toBe('two words ')
  act(() => input('Other').focus())
  await waitFor(() => expect(input('Name').value).toBe('two words'))
  expect(changes()).toEqual([{ name: 'two ' }, { name: 'two words ' }])
})

test('autosave sends no half composed word, and no day of the year 2', async () => {
  const { changes } = await open(
    { due_on: '2026-05-01' },
    (editor) => (
      <>
        <input aria-label="Name" {...editor.field('name')} />
        <input aria-label="Due" {...editor.field('due_on')} />
      </>
    ),
    { autosaveAfterMs: 1 },
  )
  fireEvent.compositionStart(input('Name'))
  type('Name', 'に')
  await new Promise((resolve) => setTimeout(resolve, 30))
  expect(changes()).toEqual([])
  type('Name', '日本')
  fireEvent.compositionEnd(input('Name'))
  await waitFor(() => expect(changes()).toEqual([{ name: '日本' }]))
  type('Due', '0002-05-01')
  await new Promise((resolve) => setTimeout(resolve, 30))
  expect(changes()).toHaveLength(1)
  type('Due', '2027-05-01')
  await waitFor(() => expect(changes()[1]).toEqual({ due_on: '2027-05-01' }))
})

test('a refusal takes no cursor from who types on', async () => {
  const { hold, release, refuseNext } = await open({}, (editor) => (
    <>
      <input aria-label="Name" {...editor.field('name')} />
      <input aria-label="Status" {...editor.field('status')} />
    </>
  ))
  type('Name', '')
  act(() => input('Name').focus())
  refuseNext([{ field: 'name', message: 'is missing' }])
  hold()
  save()
  act(() => input('Status').focus())
  type('Status', 'on')
  release()
  await screen.findByText('{"name":"is missing"}')
  await new Promise((resolve) => setTimeout(resolve, 5))
  expect(document.activeElement).toBe(input('Status'))
})

test('a cell’s select that has no option for the value shows none', async () => {
  const { client } = createSmallServer()
  const world = createListWorld()
  const record = {
    type: 'task',
    id: '1',
    version: 1,
    updated_at: '',
    updated_by: null,
    fields: { state: 'old' },
  }
  const Cell = () => {
    const store = useMemo(() => world.open({}), [])
    const cells = useCellEditor(store)
    useEffect(() => void cells.begin(record, 'state'), [])
    return cells.edit ? (
      <select aria-label="State" {...cells.field({ as: 'select' })}>
        <option>open</option>
        <option>closed</option>
      </select>
    ) : null
  }
  render(
    <LiveProvider client={client}>
      <Cell />
    </LiveProvider>,
  )
  const select = await screen.findByLabelText<HTMLSelectElement>('State')
  expect(select.selectedIndex).toBe(-1)
  fireEvent.change(select, { target: { value: 'open' } })
  expect(select.value).toBe('open')
})
