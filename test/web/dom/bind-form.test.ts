// A form bound without React: of a record that isn't shown any more, nothing stays in its inputs.
import { bindForm } from 'noclobber/dom'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createSmallServer } from '../small-server.ts'

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
  onTestFinished(
    bindForm(document.querySelector('form') as HTMLFormElement, server.client.editor('project', '1')),
  )
  await vi.waitFor(() => expect(name.value).toBe('Bridge 1'))
  name.value = 'words of alice'
  name.dispatchEvent(new Event('input', { bubbles: true }))
  urgent.checked = true
  urgent.dispatchEvent(new Event('change', { bubbles: true }))
  expect([name.value, urgent.checked, status.value]).toEqual(['words of alice', true, 'planned'])
  server.hold()
  who = 'bob'
  server.client.reconnect()
  await vi.waitFor(() => expect(name.readOnly).toBe(true))
  expect([name.value, urgent.checked, status.value, other.value]).toEqual(['', false, '', 'the page’s own'])
  server.release()
  await vi.waitFor(() => expect(name.value).toBe('Bridge 1'))
  expect([urgent.checked, status.value, name.readOnly]).toEqual([false, 'planned', false])
})
