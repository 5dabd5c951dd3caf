// Who else is here, as a person sees it, and what a form sends of its person.
import { act, cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react'
import { FieldPresence, LiveProvider, PresenceBar, PresenceRow, useRecordEditor } from 'noclobber/react'
import { afterEach, expect, test } from 'vitest'
import type { PresenceMessage, PresentPerson } from '../../../server/protocol/index.ts'
import { createRecordClient } from '../../../web/client/record-client.ts'
import type { TransportListener } from '../../../web/client/transport/transport.ts'

afterEach(cleanup)

const person = (name: string, state: PresentPerson['state'], field: string | null = null): PresentPerson => ({
  user: { id: name.toLowerCase(), name },
  state,
  field,
  tabs: 1,
})

/** A client that is connected to a test: it receives messages, and says who is here. */
function createRoom() {
  const said: PresenceMessage[] = []
  let listener: TransportListener | null = null
  const record = {
    type: 'project',
    id: '1',
    version: 1,
    updated_at: '2026-11-21T09:30:00.000000Z',
    updated_by: null,
    fields: { name: 'Bridge' },
  }
  const client = createRecordClient({
    url: 'http://app.test/api/v1',
    fetch: async () => new Response(JSON.stringify({ data: record })),
    createTransport(own) {
      listener = own
      return {
        connect: () => own.onStatus('connected', 'websocket'),
        reconnect: () => {},
        id: () => 'socket-1',
        watch: async () => ({ records: [{ ...record, ok: true as const, deleted: false }], lists: [] }),
        unwatch: async () => {},
        presence: async (message) => {
          said.push(message)
          return null
        },
        close: () => {},
      }
    },
  })
  const here = (...people: PresentPerson[]) =>
    act(() => listener?.onEvent({ name: 'PresenceChanged', event: { type: 'project', id: '1', people } }))
  return { client, said, here }
}

function Form() {
  const editor = useRecordEditor<{ name: string }>('project', '1')
  return (
    <>
      <PresenceBar editor={editor} userId="alice" />
      <input aria-label="Name" {...editor.field('name')} />
      <input aria-label="Elsewhere" name="search" />
    </>
  )
}

test('the bar names the others and what they do, and never oneself', async () => {
  const { client, here } = createRoom()
  render(
    <LiveProvider client={client}>
      <Form />
    </LiveProvider>,
  )
  await waitFor(() => expect(screen.getByLabelText<HTMLInputElement>('Name').value).toBe('Bridge'))
  here(
    person('Bob', 'editing', 'due_on'),
    person('Alice', 'editing'),
    person('Vera', 'viewing'),
    person('Omar', 'idle'),
  )
  const list = screen.getByRole('list', { name: 'Also here' })
  expect([...list.querySelectorAll<HTMLElement>('[title]')].map(({ title }) => title)).toEqual([
    'Bob is editing Due on',
    'Vera is viewing this',
    'Omar has this open in the background',
  ])
  here(person('Alice', 'editing'))
  expect(screen.queryByRole('list')).toBeNull()
})

test('many people are a few and a number', () => {
  const { client, here } = createRoom()
  render(
    <LiveProvider client={client}>
      <Form />
      <PresenceRow type="project" id="2" />
    </LiveProvider>,
  )
  here(...['Ada', 'Ben', 'Cem', 'Dan', 'Eva', 'Fay'].map((name) => person(name, 'viewing')))
  expect(screen.getAllByRole('listitem')).toHaveLength(5)
  expect(screen.getByText('+2').title).toBe('Eva is viewing this\nFay is viewing this')
})

test('the form announces which of its fields the cursor is in, and nothing of other fields', async () => {
  const { client, said } = createRoom()
  render(
    <LiveProvider client={client}>
      <Form />
    </LiveProvider>,
  )
  const saysLast = (expected: object) =>
    waitFor(() => expect(said.at(-1)).toMatchObject({ type: 'project', id: '1', ...expected }))
  await saysLast({ state: 'viewing', field: null })
  act(() => screen.getByLabelText('Name').focus())
  await saysLast({ state: 'editing', field: 'name' })
  act(() => screen.getByLabelText('Elsewhere').focus())
  await saysLast({ state: 'viewing', field: null })
  fireEvent.change(screen.getByLabelText('Name'), { target: { value: 'Tunnel' } })
  await saysLast({ state: 'editing', field: null })
})

test('a mark stands at the field that somebody else is in, in their colour, and moves with them', () => {
  const { client, here } = createRoom()
  render(
    <LiveProvider client={client}>
      {['name', 'due_on'].map((field) => (
        <p key={field} data-testid={field}>
          <FieldPresence type="project" id="1" field={field} userId="alice" />
        </p>
      ))}
      <Form />
    </LiveProvider>,
  )
  const marked = () => ['name', 'due_on'].map((field) => screen.getByTestId(field).textContent)
  here(person('Bob', 'editing', 'due_on'), person('Alice', 'editing', 'name'))
  expect(marked()).toEqual(['', 'Bob'])
  const colors = new Set(
    [...document.querySelectorAll('[data-color]')].map((one) => one.getAttribute('data-color')),
  )
  expect(colors.size).toBe(1)
  here(person('Bob', 'editing', 'name'))
  expect(marked()).toEqual(['Bob', ''])
  here({ ...person('Bob', 'idle', 'name'), unsaved: true })
  expect(marked()).toEqual(['', ''])
  expect(screen.getByRole('listitem').textContent).toContain('Bob has unsaved changes, in the background')
})
