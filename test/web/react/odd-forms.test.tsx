// Forms in the places that pages have for them: around the portal of another form, with inputs outside, folded away or switched
// off, and filled by something that reports nothing.

import { act, cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react'
import { LiveProvider, useRecordEditor } from 'noclobber/react'
import type { ReactNode } from 'react'
import { createPortal } from 'react-dom'
import { afterEach, expect, test } from 'vitest'
import { createSmallServer } from '../small-server.ts'

afterEach(cleanup)

type Editor = ReturnType<typeof useRecordEditor<Record<string, unknown>>>

function Form({ id, children }: { id: string; children: (editor: Editor) => ReactNode }) {
  const editor = useRecordEditor<Record<string, unknown>>('project', id)
  return (
    <form id={`form-${id}`} aria-label={`${id} ${editor.status}`} {...editor.form}>
      {children(editor)}
      <button {...editor.saveButton}>{`Save ${id}`}</button>
      <button type="reset">{`Reset ${id}`}</button>
    </form>
  )
}

async function open(children: ReactNode, fields: Record<string, unknown> = {}) {
  const server = createSmallServer()
  act(() => server.saveAsBob('1', fields))
  render(<LiveProvider client={server.client}>{children}</LiveProvider>)
  await screen.findByRole('form', { name: '1 clean' })
  const changes = () =>
    server.sent.filter(({ method }) => method === 'PATCH').map(({ body }) => body?.changes)
  return { ...server, changes }
}

const input = (label: string) => screen.getByLabelText<HTMLInputElement>(label)
const type = (label: string, value: string) => fireEvent.change(input(label), { target: { value } })
const press = (name: string) => fireEvent.click(screen.getByRole('button', { name }))
const settled = () => act(() => new Promise((resolve) => setTimeout(resolve, 20)))

test('a form in a portal inside a form is one of its own: its keys, its save and its reset', async () => {
  const { changes } = await open(
    <Form id="1">
      {(outer) => (
        <>
          <input aria-label="Outer" {...outer.field('name')} />
          {createPortal(
            <>
              <Form id="2">{(inner) => <input aria-label="Inner" {...inner.field('name')} />}</Form>
              <form aria-label="of the page" onSubmit={(event) => event.preventDefault()}>
                <input aria-label="Other" />
                <button type="submit">Send</button>
              </form>
            </>,
            document.body,
          )}
        </>
      )}
    </Form>,
  )
  await screen.findByRole('form', { name: '2 clean' })
  type('Outer', 'half typ')
  type('Inner', 'Tunnel')
  press('Save 2')
  await waitFor(() => expect(changes()).toEqual([{ name: 'Tunnel' }]))
  await screen.findByRole('form', { name: '2 clean' })
  press('Send')
  fireEvent.keyDown(input('Other'), { key: 's', ctrlKey: true })
  type('Inner', 'Pier')
  fireEvent.keyDown(input('Inner'), { key: 's', ctrlKey: true })
  await waitFor(() => expect(changes()).toHaveLength(2))
  await screen.findByRole('form', { name: '2 clean' })
  type('Inner', 'Quay')
  press('Reset 2')
  await settled()
  expect([input('Inner').value, input('Outer').value, changes()]).toEqual([
    'Pier',
    'half typ',
    [{ name: 'Tunnel' }, { name: 'Pier' }],
  ])
})

test('what was filled in without an event is saved, and what only looks different is not', async () => {
  const { changes } = await open(
    <Form id="1">
      {(editor) => (
        <>
          <input aria-label="Name" {...editor.field('name')} />
          <input aria-label="Lines" {...editor.field('lines')} />
          <textarea aria-label="Text" {...editor.field('text')} />
          <input aria-label="Colour" type="color" {...editor.field('colour')} />
          <input aria-label="Budget" {...editor.field('budget', { as: 'number' })} />
          <input aria-label="Own" name="own" />
        </>
      )}
    </Form>,
    { lines: 'one\r\ntwo', text: 'one\r\ntwo', colour: null, budget: 5 },
  )
  const fill = (label: string, value: string) => {
    const prototype = Object.getPrototypeOf(input(label))
    Object.getOwnPropertyDescriptor(prototype, 'value')?.set?.call(input(label), value)
  }
  fill('Name', 'Filled in')
  fill('Budget', '0.05')
  fill('Own', 'not of the record')
  press('Save 1')
  await waitFor(() => expect(changes()).toEqual([{ name: 'Filled in', budget: 0.05 }]))
})

test('after a refusal the focus is in the first field that can have it, though it was folded away', async () => {
  const { refuseNext } = await open(
    <>
      <Form id="1">
        {(editor) => (
          <>
            <details>
              <summary>More</summary>
              <input aria-label="Folded" {...editor.field('notes')} />
            </details>
            <input aria-label="Name" {...editor.field('name')} />
          </>
        )}
      </Form>
      <input aria-label="Another" aria-invalid="true" />
    </>,
  )
  type('Name', 'Tunnel')
  refuseNext([{ field: 'notes', message: 'Too short.' }])
  press('Save 1')
  await waitFor(() => expect(document.activeElement).toBe(input('Folded')))
  expect(input('Folded').closest('details')?.open).toBe(true)
})

test('an input outside of its form saves it by Ctrl+S, where the page hands the keys on', async () => {
  const { changes } = await open(
    <Form id="1">
      {(editor) =>
        createPortal(
          <input
            aria-label="Name"
            form="form-1"
            onKeyDown={editor.form.onKeyDown}
            {...editor.field('name')}
          />,
          document.body,
        )
      }
    </Form>,
  )
  type('Name', 'Tunnel')
  fireEvent.keyDown(input('Name'), { key: 's', ctrlKey: true })
  await waitFor(() => expect(changes()).toEqual([{ name: 'Tunnel' }]))
})

test('an input that knows nothing of read-only changes nothing of a list or of a field that is read only', async () => {
  const { changes } = await open(
    <Form id="1">
      {(editor) => (
        <>
          <select aria-label="Tags" {...editor.field('tags')}>
            <option>b</option>
            <option>c</option>
          </select>
          <input aria-label="Name" {...editor.field('name')} />
        </>
      )}
    </Form>,
    { tags: ['b', 'c'] },
  )
  fireEvent.change(screen.getByLabelText('Tags'), { target: { value: 'c' } })
  type('Name', 'Tunnel')
  press('Save 1')
  await waitFor(() => expect(changes()).toEqual([{ name: 'Tunnel' }]))
})
