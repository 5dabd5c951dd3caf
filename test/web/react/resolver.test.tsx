// The resolver as a person meets it: one field after the other, by keyboard, and never with a hand in the text.

import { act, cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react'
import { ConflictDialog, LiveProvider, UpdateBanner, useRecordEditor } from 'noclobber/react'
import { afterEach, expect, test } from 'vitest'
import { sideOf } from '../../../web/client/conflict/conflict-resolution.ts'
import { createSmallServer } from '../small-server.ts'

interface Project {
  name: string
  status: string
  budget: number | null
}

afterEach(cleanup)

function ProjectForm({ id = '1' }: { id?: string }) {
  const editor = useRecordEditor<Project>('project', id)
  return (
    <form aria-label={editor.status}>
      <UpdateBanner editor={editor} />
      <ConflictDialog editor={editor} />
      <input aria-label="Name" {...editor.field('name')} />
      <input aria-label="Status" {...editor.field('status')} />
      <button type="button" onClick={editor.save} disabled={!editor.canSave}>
        Save
      </button>
    </form>
  )
}

const input = (label: string) => screen.getByLabelText<HTMLInputElement>(label)
const type = (label: string, value: string) => fireEvent.change(input(label), { target: { value } })
const click = (name: string) => fireEvent.click(screen.getByRole('button', { name }))
const side = (field: string, name: string) =>
  [...screen.getByRole('group', { name: field }).querySelectorAll('label')].find((label) =>
    label.textContent?.startsWith(name),
  ) as HTMLLabelElement

async function openForm() {
  const server = createSmallServer()
  render(
    <LiveProvider client={server.client}>
      <ProjectForm />
    </LiveProvider>,
  )
  await waitFor(() => expect(input('Name').value).toBe('Bridge 1'))
  return server
}
const saves = ({ sent }: { sent: { method: string; body: unknown }[] }) =>
  sent.filter(({ method }) => method === 'PATCH').map(({ body }) => body)

test('edits that do not overlap are merged in one click, and saved from the new version', async () => {
  const server = await openForm()
  type('Name', 'Tunnel')
  act(() => server.saveAsBob('1', { status: 'done' }))
  click('Merge')
  await waitFor(() => expect(input('Status').value).toBe('done'))
  expect(input('Name').value).toBe('Tunnel')
  click('Save')
  await screen.findByRole('form', { name: 'clean' })
  expect(saves(server)).toMatchObject([{ client_version: 2, changes: { name: 'Tunnel' } }])
})

test('an overlap has to be decided; the decision is saved from the version that was looked at', async () => {
  const server = await openForm()
  type('Name', 'Tunnel')
  type('Status', 'active')
  act(() => server.saveAsBob('1', { name: 'Ferry', status: 'done' }))
  click('Review changes')
  await screen.findByRole('group', { name: 'Name' })
  expect(document.activeElement).toBe(screen.getByRole('dialog'))
  click('Save this')
  expect(screen.getByRole('alert').textContent).toBe('Choose for: Name, Status.')
  expect(document.activeElement?.closest('fieldset')?.textContent).toContain('Name')
  expect(saves(server)).toEqual([])

  fireEvent.click(side('Name', 'Theirs'))
  fireEvent.click(side('Status', 'Mine'))
  click('Save this')
  await screen.findByRole('form', { name: 'clean' })
  expect(saves(server)).toMatchObject([{ client_version: 2, changes: { status: 'active' } }])
  expect(input('Name').value).toBe('Ferry')
})

test('a further change appears in the open dialog, and asks anew only where it changed something', async () => {
  const server = await openForm()
  type('Name', 'Tunnel')
  type('Status', 'active')
  act(() => server.saveAsBob('1', { name: 'Ferry', status: 'done' }))
  click('Review changes')
  await screen.findByRole('group', { name: 'Name' })
  fireEvent.click(side('Name', 'Mine'))
  fireEvent.click(side('Status', 'Mine'))
  act(() => server.saveAsBob('1', { status: 'planned again' }))
  await waitFor(() => expect(side('Status', 'Theirs').textContent).toContain('planned again'))
  click('Save this')
  expect(screen.getByRole('alert').textContent).toBe('Choose for: Status.')
  fireEvent.click(side('Status', 'Mine'))
  click('Save this')
  await screen.findByRole('form', { name: 'clean' })
  expect(saves(server)).toMatchObject([{ client_version: 3, changes: { name: 'Tunnel', status: 'active' } }])
})

test('the dialog leaves the focus to a user who is typing, and Escape closes it', async () => {
  const server = await openForm()
  input('Name').focus()
  type('Name', 'Tunnel')
  act(() => server.saveAsBob('1', { name: 'Ferry' }))
  act(() => server.client.editor('project', '1').review())
  await screen.findByRole('group', { name: 'Name' })
  expect(document.activeElement).toBe(input('Name'))
  fireEvent.keyDown(side('Name', 'Mine'), { key: 'Escape' })
  expect(screen.queryByRole('dialog')).toBeNull()
  expect(input('Name').value).toBe('Tunnel')
})

test('of a long text it shows what differs', async () => {
  const server = await openForm()
  type('Name', 'Bridge 1 over the wide and ancient river')
  act(() => server.saveAsBob('1', { name: 'The old Bridge 1' }))
  click('Review changes')
  await waitFor(() =>
    expect(side('Name', 'Mine').querySelector('ins')?.textContent).toContain('over the wide'),
  )
  fireEvent.click(side('Name', 'Both'))
  click('Save this')
  await screen.findByRole('form', { name: 'clean' })
  expect(input('Name').value).toBe('The old Bridge 1 over the wide and ancient river')
})

test('a choice made for one record stands for no other', async () => {
  const server = createSmallServer()
  const page = (id: string) => (
    <LiveProvider client={server.client}>
      <ProjectForm id={id} />
    </LiveProvider>
  )
  const view = render(page('1'))
  for (const id of ['1', '2']) {
    view.rerender(page(id))
    await waitFor(() => expect(input('Name').value).toBe(`Bridge ${id}`))
    type('Name', 'mine')
    server.saveAsBob(id, { name: 'theirs' })
    click('Save')
    await screen.findByRole('form', { name: 'conflicted' })
  }
  view.rerender(page('1'))
  fireEvent.click(side('Name', 'Mine'))
  view.rerender(page('2'))
  await screen.findByRole('form', { name: 'conflicted' })
  expect(screen.getAllByRole<HTMLInputElement>('radio').filter(({ checked }) => checked)).toEqual([])
})

test('a choice names its record: a resolver of one’s own takes it for no other', () => {
  const row = { field: 'name', label: 'Name', original: 'a', theirs: 'b', mine: 'c', both: null, side: null }
  const of = (id: string) => ({ ...row, of: id, isTheirs: true, isMine: true })
  const choices = { name: { side: 'mine' as const, of: '1', theirs: 'b' } }
  expect([sideOf(of('1'), choices), sideOf(of('2'), choices)]).toEqual(['mine', null])
})

const ORIGINAL = `The bridge is built of stone.
It was opened in spring by the mayor, and is closed in autumn.
Nobody has crossed it since the flood of last year.`

/** Both change one word alike in place, and each one of their own. */
async function openTexts() {
  const server = createSmallServer()
  server.saveAsBob('1', { name: ORIGINAL })
  render(
    <LiveProvider client={server.client}>
      <ProjectForm />
    </LiveProvider>,
  )
  await waitFor(() => expect(input('Name').value).toContain('The bridge'))
  act(() =>
    server.client
      .editor('project', '1')
      .change('name', ORIGINAL.replace('stone', 'steel').replace('Nobody', 'Everybody')),
  )
  act(() => server.saveAsBob('1', { name: ORIGINAL.replace('stone', 'timber').replace('spring', 'summer') }))
  click('Review changes')
  fireEvent.click(await screen.findByLabelText('By part'))
  return server
}
const part = (number: number) => screen.getByRole('group', { name: `Part ${number} of 3` })
const pick = (number: number, name: string) =>
  fireEvent.click(
    [...part(number).querySelectorAll('label')].find((one) => one.textContent?.startsWith(name)) as Element,
  )
const result = () => screen.getByLabelText<HTMLTextAreaElement>('Result')

test('a long text is put together part by part; what both changed has to be chosen, the rest has its side', async () => {
  const server = await openTexts()
  expect([part(1), part(2), part(3)].map((one) => one.hasAttribute('data-undecided'))).toEqual([
    true,
    false,
    false,
  ])
  click('Save this')
  expect(screen.getByRole('alert').textContent).toBe('Choose for: Name.')
  pick(1, 'Both')
  expect(result().value).toContain('built of steel timber.')
  pick(1, 'Theirs')
  pick(2, 'Original')
  expect(result().value).toBe(ORIGINAL.replace('stone', 'timber').replace('Nobody', 'Everybody'))
  click('Save this')
  await screen.findByRole('form', { name: 'clean' })
  expect(input('Name').value.replace(/\n/g, '')).toBe(
    ORIGINAL.replace('stone', 'timber').replace('Nobody', 'Everybody').replace(/\n/g, ''),
  )
  expect(saves(server)).toHaveLength(1)
})

test('the result can be edited; no part and no Escape takes what was typed there', async () => {
  await openTexts()
  pick(1, 'Mine')
  fireEvent.change(result(), { target: { value: 'Written anew.' } })
  expect(part(1).querySelector('input')?.disabled).toBe(true)
  fireEvent.keyDown(result(), { key: 'Escape' })
  expect(result().value).toBe('Written anew.')
  click('Undo')
  expect(result().value).toContain('built of steel.')
  fireEvent.change(result(), { target: { value: 'Written anew, again.' } })
  click('Save this')
  await screen.findByRole('form', { name: 'clean' })
  expect(input('Name').value).toBe('Written anew, again.')
})

test('a further change of theirs leaves an edited result where it is, and asks for it anew', async () => {
  const server = await openTexts()
  fireEvent.change(result(), { target: { value: 'Written anew.' } })
  act(() => server.saveAsBob('1', { name: ORIGINAL.replace('stone', 'timber').replace('flood', 'storm') }))
  await waitFor(() => expect(side('Name', 'Theirs').textContent).toContain('storm'))
  expect(result().value).toBe('Written anew.')
  click('Save this')
  expect(screen.getByRole('alert').textContent).toBe('Choose for: Name.')
  fireEvent.click(screen.getByLabelText('By part'))
  click('Save this')
  await screen.findByRole('form', { name: 'clean' })
  expect(input('Name').value).toBe('Written anew.')
})

test('what was put together is there again after another choice, a closed dialog, and a text of theirs that is all new', async () => {
  const server = await openTexts()
  fireEvent.change(result(), { target: { value: 'Written anew.' } })
  fireEvent.click(side('Name', 'Mine').querySelector('input') as HTMLInputElement)
  fireEvent.click(screen.getByLabelText('By part'))
  expect(result().value).toBe('Written anew.')
  click('Close')
  click('Review changes')
  fireEvent.click(await screen.findByLabelText('By part'))
  expect(result().value).toBe('Written anew.')
  act(() => server.saveAsBob('1', { name: `Something else altogether: ${'and more '.repeat(80)}` }))
  await waitFor(() => expect(side('Name', 'Theirs').textContent).toContain('altogether'))
  expect(result().value).toBe('Written anew.')
  fireEvent.click(screen.getByLabelText('By part'))
  click('Save this')
  await screen.findByRole('form', { name: 'clean' })
  expect(input('Name').value).toBe('Written anew.')
})

test('a text of which more than half is new is shown whole on both sides, without parts', async () => {
  const server = await openForm()
  const rewritten = `Something else altogether: ${'and more '.repeat(80)}the end`
  type('Name', rewritten)
  act(() => server.saveAsBob('1', { name: 'The Bridge 1 of Bob, which is as long as this' }))
  click('Review changes')
  await waitFor(() => expect(side('Name', 'Mine').textContent).toContain('the end'))
  expect(side('Name', 'Mine').querySelector('ins')).toBeNull()
  expect(screen.queryByLabelText('By part')).toBeNull()
})

test('all mine and all theirs choose for every field that both changed', async () => {
  const server = await openForm()
  type('Name', 'Tunnel')
  type('Status', 'active')
  act(() => server.saveAsBob('1', { name: 'Ferry', status: 'done' }))
  click('Review changes')
  await screen.findByRole('group', { name: 'Name' })
  click('All theirs')
  click('All mine')
  click('Save this')
  await screen.findByRole('form', { name: 'clean' })
  expect(saves(server)).toMatchObject([{ client_version: 2, changes: { name: 'Tunnel', status: 'active' } }])
})
