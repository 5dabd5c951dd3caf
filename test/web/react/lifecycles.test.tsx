// How React and the browser treat a page: mounted twice, hidden and shown, drawn by a server first, left and come back to.

import { act, cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react'
import {
  ConnectionPill,
  LiveProvider,
  PresenceBar,
  UpdateBanner,
  useLiveList,
  useRecordEditor,
} from 'noclobber/react'
import { Activity, StrictMode, useEffect, useState } from 'react'
import { hydrateRoot } from 'react-dom/client'
import { renderToString } from 'react-dom/server'
import { afterEach, expect, test, vi } from 'vitest'
import { createSmallServer } from '../small-server.ts'

afterEach(cleanup)

interface Project {
  name: string
}

function Form({ label = 'Name' }: { label?: string }) {
  const editor = useRecordEditor<Project>('project', '1')
  return (
    <form aria-label={`${label} ${editor.status}`} {...editor.form}>
      <UpdateBanner editor={editor} />
      <PresenceBar editor={editor} userId="u1" />
      <input aria-label={label} {...editor.field('name')} />
      <button type="submit">Save</button>
    </form>
  )
}

const box = (label = 'Name') => screen.getByLabelText<HTMLInputElement>(label, { selector: 'input' })
const type = (value: string, label = 'Name') => fireEvent.input(box(label), { target: { value } })

test('a client that an effect closes in its cleanup is open again when React mounts a second time', async () => {
  const server = createSmallServer()
  const App = () => {
    useEffect(() => () => server.client.close(), [])
    return (
      <LiveProvider client={server.client}>
        <Form />
        <ConnectionPill />
      </LiveProvider>
    )
  }
  render(
    <StrictMode>
      <App />
    </StrictMode>,
  )
  await screen.findByRole('form', { name: 'Name clean' })
  act(() => server.saveAsBob('1', { name: 'Ferry' }))
  await waitFor(() => expect(box().value).toBe('Ferry'))
  type('Tunnel')
  fireEvent.click(screen.getByRole('button', { name: 'Save' }))
  await screen.findByRole('form', { name: 'Name clean' })
  expect(server.sent.find(({ method }) => method === 'PATCH')?.body?.changes).toEqual({ name: 'Tunnel' })
})

test('a part that was hidden works with the record that others have open by then', async () => {
  const server = createSmallServer()
  let show: (shown: { first: boolean; second: boolean }) => void = () => {}
  const App = () => {
    const [{ first, second }, set] = useState({ first: true, second: false })
    show = set
    return (
      <LiveProvider client={server.client}>
        <Activity mode={first ? 'visible' : 'hidden'}>
          <Form label="First" />
        </Activity>
        {second && <Form label="Second" />}
      </LiveProvider>
    )
  }
  render(<App />)
  await screen.findByRole('form', { name: 'First clean' })
  const first = server.client.editor('project', '1')
  act(() => show({ first: false, second: false }))
  await waitFor(() => expect(server.client.editor('project', '1')).not.toBe(first), { timeout: 10_000 })
  act(() => show({ first: false, second: true }))
  await screen.findByRole('form', { name: 'Second clean' })
  act(() => show({ first: true, second: true }))
  type('Tunnel', 'First')
  await waitFor(() => expect(box('Second').value).toBe('Tunnel'))
  type('Quay', 'Second')
  await waitFor(() => expect(box('First').value).toBe('Quay'))
  act(() => server.saveAsBob('1', { name: 'Ferry' }))
  await screen.findAllByRole('button', { name: 'Review changes' })
  expect(screen.getAllByRole('button', { name: 'Review changes' })).toHaveLength(2)
})

function Page() {
  const projects = useLiveList('project')
  return (
    <>
      <Form />
      <ConnectionPill />
      <p>{projects.status}</p>
    </>
  )
}

test('a server draws nobody’s data, and a page that comes to life late agrees with it first', async () => {
  const server = createSmallServer()
  const page = (
    <LiveProvider client={server.client}>
      <Page />
    </LiveProvider>
  )
  const requests = server.sent.length
  const before = renderToString(page)
  expect(server.sent).toHaveLength(requests)
  const editor = server.client.editor<Project>('project', '1')
  const stop = editor.subscribe(() => {})
  await waitFor(() => expect(editor.get().record).not.toBeNull())
  editor.change('name', 'a word of hers')
  expect(renderToString(page)).toBe(before)
  const warnings = vi.spyOn(console, 'error')
  const root = document.body.appendChild(document.createElement('div'))
  root.innerHTML = before
  const mounted = await act(async () => hydrateRoot(root, page))
  await waitFor(() => expect(box().value).toBe('a word of hers'))
  expect(warnings).not.toHaveBeenCalled()
  warnings.mockRestore()
  act(() => mounted.unmount())
  root.remove()
  stop()
})

test('a page that the browser brings back asks anew who is here and what is new', async () => {
  const server = createSmallServer()
  render(
    <LiveProvider client={server.client}>
      <Form />
    </LiveProvider>,
  )
  await screen.findByRole('form', { name: 'Name clean' })
  const reads = () => server.sent.filter(({ method }) => method === 'GET').length
  const before = reads()
  act(() => void window.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: false })))
  expect(reads()).toBe(before)
  act(() => void window.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true })))
  await waitFor(() => expect(reads()).toBeGreaterThan(before))
  await screen.findByRole('form', { name: 'Name clean' })
})
