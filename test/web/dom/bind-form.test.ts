// Forms of pages without React: inputs in odd places and of odd kinds, and values that come without a key.

import { bindForm } from 'noclobber/dom'
import { afterEach, expect, test } from 'vitest'
import { waitFor } from '../../support/wait-for.ts'
import { createSmallServer } from '../small-server.ts'

const stops: (() => void)[] = []
afterEach(() => {
  for (const stop of stops.splice(0)) stop()
  document.body.replaceChildren()
})

const find = <E extends Element = HTMLInputElement>(selector: string) => document.querySelector(selector) as E

function make(html: string, fields: Record<string, unknown> = {}) {
  const server = createSmallServer()
  server.saveAsBob('1', fields)
  document.body.innerHTML = html
  const editor = server.client.editor<Record<string, unknown>>('project', '1')
  const bind = async () => {
    stops.push(bindForm(find<HTMLFormElement>('form'), editor))
    await waitFor(() => editor.get().record !== null, { what: 'the record' })
  }
  const changes = () =>
    server.sent.filter(({ method }) => method === 'PATCH').map(({ body }) => body?.changes)
  const saves = async (wanted: object) => {
    const before = changes().length
    find<HTMLFormElement>('form').requestSubmit()
    await waitFor(() => changes().length > before, { what: 'a save' })
    expect(changes().at(-1)).toEqual(wanted)
    await waitFor(() => editor.get().status === 'clean', { what: 'the answer' })
  }
  return { ...server, editor, bind, changes, saves }
}

async function open(html: string, fields: Record<string, unknown> = {}) {
  const page = make(html, fields)
  await page.bind()
  return page
}

const type = (selector: string, value: string) => {
  find(selector).value = value
  find(selector).dispatchEvent(new Event('input', { bubbles: true }))
}
const click = (selector: string) => find<HTMLElement>(selector).click()

test('an input that belongs to the form and stands elsewhere is one of its inputs', async () => {
  const { saves, editor } = await open(
    '<form id="f"></form><aside><input name="name" form="f"></aside><form><input name="status"></form>',
  )
  expect(find('[name=name]').value).toBe('Bridge 1')
  type('[name=name]', 'Tunnel')
  type('[name=status]', 'of another form')
  expect(editor.values()).toMatchObject({ name: 'Tunnel', status: 'planned' })
  await saves({ name: 'Tunnel' })
  type('[name=name]', 'Quay')
  const key = new KeyboardEvent('keydown', { key: 's', ctrlKey: true, bubbles: true, cancelable: true })
  expect(find('[name=name]').dispatchEvent(key)).toBe(false)
  await waitFor(() => editor.get().record?.fields.name === 'Quay', { what: 'the save' })
})

const boxes = ['red', 'blue', 'green']
  .map((value) => `<input type="checkbox" name="colours" value="${value}" id="${value}">`)
  .join('')

test('checkboxes of one name show and edit a list, and a click on one leaves the others', async () => {
  const { saves, editor } = await open(`<form>${boxes}</form>`, { colours: ['blue', 'mauve'] })
  expect(['#red', '#blue'].map((one) => find(one).checked)).toEqual([false, true])
  click('#red')
  click('#red')
  expect(editor.get().status).toBe('clean')
  click('#green')
  await saves({ colours: ['blue', 'mauve', 'green'] })
  click('#blue')
  await saves({ colours: ['mauve', 'green'] })
})

test('a checkbox shows no text and no object, and never takes its place', async () => {
  const { changes, editor } = await open(
    '<form><input type="checkbox" name="flag"><input type="checkbox" name="document"></form>',
    { flag: 'perhaps', document: { a: 1 } },
  )
  expect([find('[name=flag]').disabled, find('[name=document]').disabled]).toEqual([true, true])
  click('[name=flag]')
  expect(editor.get().draft).toEqual({})
  expect(changes()).toEqual([])
})

test('what is chosen before the record is here is kept, as what is typed is', async () => {
  const { bind, editor } = make(
    `<form><select name="status"><option>planned</option><option>active</option></select>
     <input type="radio" name="size" value="s" checked><input type="radio" name="size" value="l" id="l">
     <input name="name"><textarea name="notes"></textarea></form>`,
    { size: 's', notes: '' },
  )
  find('[name=name]').value = 'early'
  find('[name=notes]').value = 'too'
  find<HTMLSelectElement>('select').value = 'active'
  find('#l').checked = true
  await bind()
  expect(editor.get().draft).toEqual({ status: 'active', size: 'l', name: 'early', notes: 'too' })
  expect([find<HTMLSelectElement>('select').value, find('#l').checked]).toEqual(['active', true])
})

test('options and inputs that come later show the record, and edit it', async () => {
  const { saves } = await open('<form><select name="status"></select></form>', { status: 'active' })
  find('select').innerHTML = '<option>planned</option><option>active</option>'
  await waitFor(() => find<HTMLSelectElement>('select').value === 'active', { what: 'the status' })
  find('form').insertAdjacentHTML('beforeend', '<input name="name">')
  await waitFor(() => find('[name=name]').value === 'Bridge 1', { what: 'the name' })
  type('[name=name]', 'Tunnel')
  await saves({ name: 'Tunnel' })
})

test('a value that an extension put in without an event is saved, and what others save doesn’t replace it', async () => {
  const { saves, saveAsBob, editor } = await open('<form><input name="name"><input name="status"></form>')
  find('[name=name]').value = 'From a password manager'
  await saves({ name: 'From a password manager' })
  find('[name=name]').value = 'From a voice'
  saveAsBob('1', { name: 'Bob’s' })
  await waitFor(() => editor.get().status === 'behind', { what: 'the newer version' })
  expect(find('[name=name]').value).toBe('From a voice')
  expect(editor.get().draft).toEqual({ name: 'From a voice' })
})

test('what a script of the page chooses without an event is chosen: it is saved, and nobody’s save takes it back', async () => {
  const { saves, saveAsBob, editor } = await open(
    `<form><select name="status"><option>planned</option><option>active</option></select>
     <input type="checkbox" name="done"><input name="name"></form>`,
    { status: 'planned', done: false },
  )
  find<HTMLSelectElement>('select').value = 'active'
  find('[name=done]').checked = true
  type('[name=name]', 'Tunnel')
  expect(editor.get().draft).toEqual({ status: 'active', done: true, name: 'Tunnel' })
  await saves({ status: 'active', done: true, name: 'Tunnel' })
  find<HTMLSelectElement>('select').value = 'planned'
  await saves({ status: 'planned' })
  find('select').innerHTML = '<option>other</option><option>planned</option>'
  await waitFor(() => find<HTMLSelectElement>('select').value === 'planned', { what: 'the record’s status' })
  expect(editor.get().draft).toEqual({})
  find('[name=done]').checked = false
  saveAsBob('1', { name: 'Bob’s' })
  await waitFor(() => editor.get().status === 'behind', { what: 'the newer version' })
  expect([editor.get().draft, find('[name=done]').checked]).toEqual([{ done: false }, false])
})

test('two inputs of one name are two places for one value', async () => {
  const { saves, editor } = await open(
    `<form><input name="name" id="top"><input name="name" id="foot"><input type="checkbox" name="done" id="a">
     <input type="checkbox" name="done" id="b"><input type="number" name="budget" id="c"><input name="budget" id="d"></form>`,
    { done: true, budget: 5 },
  )
  const shown = () => ['#top', '#foot', '#c', '#d'].map((one) => find(one).value)
  type('#foot', 'Tunnel')
  type('#d', '7.50')
  expect(shown()).toEqual(['Tunnel', 'Tunnel', '7.50', '7.50'])
  click('#b')
  expect([find('#a').checked, find('#b').checked]).toEqual([false, false])
  expect(editor.get().draft).toEqual({ name: 'Tunnel', budget: 7.5, done: false })
  await saves({ name: 'Tunnel', budget: 7.5, done: false })
  type('#top', 'Quay')
  expect(shown().slice(0, 2)).toEqual(['Quay', 'Quay'])
  find<HTMLFormElement>('form').reset()
  expect(shown().slice(0, 2)).toEqual(['Tunnel', 'Tunnel'])
})

test('a time, a month and a range: nothing is null, and typing back what was there is no edit', async () => {
  const { saves, editor } = await open(
    '<form><input type="time" name="opens"><input type="month" name="month"><input type="range" name="share"></form>',
    { opens: '14:30:00', month: '2026-05', share: null },
  )
  type('[name=opens]', '14:45')
  type('[name=opens]', '14:30')
  expect(editor.get().status).toBe('clean')
  type('[name=opens]', '')
  type('[name=month]', '')
  type('[name=share]', '70')
  await saves({ opens: null, month: null, share: 70 })
})

test('a day in a column of times is edited as a day, a time that a date input would lose is read-only, an input of the page’s own isn’t', async () => {
  const fields = { due: '2030-01-03T00:00:00', at: '2030-01-03T10:30:00', day: '2030-01-03' }
  const dates = '<input name="due" type="date"><input name="at" type="date">'
  const { saves } = await open(
    `<form>${dates}<input name="day" type="datetime-local"><input name="name"><input name="ours" value="own"></form>`,
    fields,
  )
  const shown = ['due', 'at', 'day', 'name', 'ours'].map((name) => find(`[name=${name}]`))
  expect(shown.map(({ value, readOnly }) => [value, readOnly])).toEqual([
    ['2030-01-03', false],
    ['2030-01-03', true],
    ['2030-01-03T00:00', true],
    ['Bridge 1', false],
    ['own', false],
  ])
  type('[name=due]', '2030-02-05')
  type('[name=name]', 'Tunnel')
  await saves({ due: '2030-02-05T00:00:00', name: 'Tunnel' })
})

test('a button that sends the form elsewhere is the page’s own', async () => {
  const { changes } = await open(
    '<form action="/save"><input name="name"><button id="own" formaction="/copy">Copy</button><button id="ours">Save</button></form>',
  )
  let isLeft = false
  find('form').addEventListener('submit', (event) => {
    isLeft = !event.defaultPrevented
    event.preventDefault()
  })
  type('[name=name]', 'Tunnel')
  click('#own')
  expect([isLeft, changes()]).toEqual([true, []])
  click('#ours')
  expect(isLeft).toBe(false)
  await waitFor(() => changes().length === 1, { what: 'the save' })
})

test('a refusal takes no cursor from who types on', async () => {
  const { hold, release, refuseNext, editor } = await open(
    '<form><input name="name"><input name="status"></form>',
  )
  type('[name=name]', '')
  find('[name=name]').focus()
  refuseNext([{ field: 'name', message: 'is missing' }])
  hold()
  find<HTMLFormElement>('form').requestSubmit()
  find('[name=status]').focus()
  type('[name=status]', 'on')
  release()
  await waitFor(() => find('[name=name]').getAttribute('aria-invalid') === 'true', { what: 'the refusal' })
  await new Promise((resolve) => setTimeout(resolve))
  expect(document.activeElement).toBe(find('[name=status]'))
  expect(editor.get().errors).toEqual({ name: 'is missing' })
})

test('what one person typed is not in the form for the next, though their record never comes', async () => {
  let who = 'alice'
  const server = createSmallServer({ userId: () => who })
  document.body.innerHTML = `<form><input name="name"><input type="checkbox" name="urgent"><select name="status">
    <option value=""></option><option>planned</option></select><input name="other" value="the page’s own"></form>`
  const [name, urgent, status, other] = [...document.querySelectorAll<HTMLInputElement>('form [name]')] as [
    HTMLInputElement,
    HTMLInputElement,
    HTMLInputElement,
    HTMLInputElement,
  ]
  stops.push(
    bindForm(document.querySelector('form') as HTMLFormElement, server.client.editor('project', '1')),
  )
  await waitFor(() => name.value === 'Bridge 1', { what: 'the record' })
  name.value = 'words of alice'
  name.dispatchEvent(new Event('input', { bubbles: true }))
  urgent.checked = true
  urgent.dispatchEvent(new Event('change', { bubbles: true }))
  expect([name.value, urgent.checked, status.value]).toEqual(['words of alice', true, 'planned'])
  server.hold()
  who = 'bob'
  server.client.reconnect()
  await waitFor(() => name.readOnly, { what: 'the next person' })
  expect([name.value, urgent.checked, status.value, other.value]).toEqual(['', false, '', 'the page’s own'])
  server.release()
  await waitFor(() => name.value === 'Bridge 1', { what: 'the record' })
  expect([urgent.checked, status.value, name.readOnly]).toEqual([false, 'planned', false])
})

test('a copy of a bound form, as Turbo keeps of a page, shows the record and makes no edit of what stands in it', async () => {
  const { editor, bind } = await open('<form><input name="name"><input name="status"></form>')
  const copy = find('form').cloneNode(true) as HTMLElement
  find('form').replaceWith(copy)
  find('[name=name]').value = 'of a version before'
  find('[name=status]').value = 'typed'
  find('[name=status]').focus()
  await bind()
  expect(find('[name=name]').value).toBe('Bridge 1')
  expect(editor.get().draft).toEqual({ status: 'typed' })
})
