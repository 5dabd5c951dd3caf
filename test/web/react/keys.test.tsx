// Keys, focus and a reader that rewrites the page: what is pressed, where the cursor is afterwards, and a translated page.

import { act, cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react'
import { ConflictDialog, ConnectionPill, LiveProvider, UpdateBanner, useRecordEditor } from 'noclobber/react'
import { afterEach, expect, test } from 'vitest'
import { createSmallServer } from '../small-server.ts'

afterEach(cleanup)

function ProjectForm() {
  const editor = useRecordEditor<{ name: string; status: string; budget: number | null }>('project', '1')
  return (
    <form aria-label={editor.status} {...editor.form}>
      <ConnectionPill />
      <UpdateBanner editor={editor} />
      <ConflictDialog editor={editor} />
      <input aria-label="Name" {...editor.field('name')} />
      <input aria-label="Budget" {...editor.field('budget', { as: 'number' })} />
      <button {...editor.saveButton}>Save</button>
    </form>
  )
}

const input = (label: string) => screen.getByLabelText<HTMLInputElement>(label)
const type = (label: string, value: string) => fireEvent.change(input(label), { target: { value } })
const button = (name: string) => screen.getByRole<HTMLButtonElement>('button', { name })
const message = () => screen.getAllByRole('status').map(({ textContent }) => textContent)

async function openForm() {
  const server = createSmallServer()
  const shown = render(
    <LiveProvider client={server.client}>
      <ProjectForm />
    </LiveProvider>,
  )
  await waitFor(() => expect(input('Name').value).toBe('Bridge 1'))
  const saves = () => server.sent.filter(({ method }) => method === 'PATCH').length
  return { ...server, ...shown, saves }
}

test.for([
  { key: 's', ctrlKey: true },
  { key: 'S', metaKey: true },
  { key: 'Enter', ctrlKey: true },
])('$key with Control or Command saves, and the browser does nothing else', async (keys) => {
  const { saves } = await openForm()
  type('Name', 'Tunnel')
  expect(fireEvent.keyDown(input('Name'), keys)).toBe(false)
  await waitFor(() => expect(message()).toContain('Saved, version 2.'))
  expect(saves()).toBe(1)
})

test('a plain s is a letter', async () => {
  const { saves } = await openForm()
  type('Name', 'Tunnel')
  expect(fireEvent.keyDown(input('Name'), { key: 's' })).toBe(true)
  expect(saves()).toBe(0)
})

test('the button keeps the focus while it saves, and sends nothing while there is nothing', async () => {
  const { saves } = await openForm()
  expect([button('Save').disabled, button('Save').getAttribute('aria-disabled')]).toEqual([false, 'true'])
  button('Save').focus()
  fireEvent.click(button('Save'))
  type('Name', 'Tunnel')
  expect(button('Save').getAttribute('aria-disabled')).toBe(null)
  fireEvent.click(button('Save'))
  await waitFor(() => expect(message()).toContain('Saved, version 2.'))
  expect([document.activeElement, saves()]).toEqual([button('Save'), 1])
})

test('after a refusal the cursor is in the first field that was refused', async () => {
  await openForm()
  type('Budget', 'many')
  button('Save').focus()
  fireEvent.submit(screen.getByRole('form'))
  await waitFor(() => expect(document.activeElement).toBe(input('Budget')))
})

test('F8 goes to the banner and back, and a button pressed there gives the field its cursor back', async () => {
  const { saveAsBob } = await openForm()
  input('Name').focus()
  type('Name', 'Tunnel')
  act(() => saveAsBob('1', { status: 'done' }))
  expect(screen.getByText(/^F8 goes to the buttons/)).toBeDefined()
  fireEvent.keyDown(input('Name'), { key: 'F8' })
  expect(document.activeElement).toBe(button('Merge'))
  fireEvent.keyDown(button('Merge'), { key: 'F8' })
  expect(document.activeElement).toBe(input('Name'))
  fireEvent.keyDown(input('Name'), { key: 'F8' })
  fireEvent.click(button('Dismiss'))
  expect(document.activeElement).toBe(input('Name'))
  expect(fireEvent.mouseDown(button('Version 2 available'))).toBe(false)
})

/** What a browser's translation does to a page: each text is wrapped twice, and the old text node is gone. */
function translate(root: Element) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT)
  const texts: Text[] = []
  while (walker.nextNode()) texts.push(walker.currentNode as Text)
  for (const text of texts) {
    if (!text.data.trim() || text.parentElement?.closest('[translate=no]')) continue
    const outer = document.createElement('font')
    const inner = document.createElement('font')
    inner.textContent = `«${text.data}»`
    outer.append(inner)
    text.replaceWith(outer)
  }
}

test('a page that the browser translates goes on: banner, dialog, pill and button change and go', async () => {
  const { container, saveAsBob, unmount } = await openForm()
  translate(container)
  type('Name', 'Tunnel')
  act(() => saveAsBob('1', { status: 'done' }))
  translate(container)
  act(() => saveAsBob('1', { name: 'Ferry' }))
  translate(container)
  expect(message().join()).toContain('You both changed: Name')
  fireEvent.click(screen.getByText(/Review changes/))
  await screen.findByRole('dialog')
  translate(container)
  for (const mine of screen.getAllByRole('radio', { name: /Mine/ })) fireEvent.click(mine)
  translate(container)
  fireEvent.click(screen.getByText(/Save this/))
  await waitFor(() => expect(message().join()).toContain('Saved, version'))
  translate(container)
  type('Name', 'Bridge again')
  unmount()
})
