// Whatever stands in a message where a writer, a name or a list should be: the page draws it or does without it.

import { act, cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react'
import fc from 'fast-check'
import { ConflictDialog, LiveProvider, PresenceBar, UpdateBanner, useRecordEditor } from 'noclobber/react'
import { afterEach, expect, test } from 'vitest'
import { MAX_NAME_CHARS } from '../../../server/protocol/index.ts'
import { answerOf, writerOf } from '../../../web/client/base/received.ts'
import { peopleOf } from '../../../web/client/base/received-people.ts'
import { createWords, fill, whoWrote } from '../../../web/client/words/messages.ts'
import { createSmallServer } from '../small-server.ts'

afterEach(cleanup)

function Form() {
  const editor = useRecordEditor<{ name: string }>('project', '1')
  return (
    <form aria-label={editor.status}>
      <UpdateBanner editor={editor} />
      <PresenceBar editor={editor} />
      <input aria-label="Name" {...editor.field('name')} />
      <button type="button" onClick={editor.save}>
        Save
      </button>
      <ConflictDialog editor={editor} />
    </form>
  )
}

const WRITERS: unknown[] = [
  null,
  undefined,
  'bob',
  7,
  true,
  [],
  [{ id: 'u2' }],
  {},
  { id: null, name: null, kind: null },
  { id: {}, name: { first: 'Bob' }, kind: 'user' },
  { id: 'u2', name: 'Bob' },
  { id: 'u2', name: 'Bob', kind: 'constructor' },
  { id: 'u2', name: 'Bob', kind: 'agent' },
  { id: 7, name: 'x'.repeat(1_000_000), kind: 'user' },
  { id: 'u2', name: '\u202eboB\u0007\u001b[2J', kind: 'user' },
]

test.each(WRITERS.map((by) => [JSON.stringify(by)?.slice(0, 50), by]))(
  'a version by %s is shown, loaded and resolved',
  async (_, by) => {
    const server = createSmallServer()
    render(
      <LiveProvider client={server.client}>
        <Form />
      </LiveProvider>,
    )
    const name = screen.getByLabelText<HTMLInputElement>('Name')
    await waitFor(() => expect(name.value).toBe('Bridge 1'))
    fireEvent.change(name, { target: { value: 'mine' } })
    const odd = { changed_fields: { name: 1 }, updated_at: 5 }
    act(() => server.saveAsBob('1', { name: 'theirs' }, by, odd))
    await screen.findByRole('form', { name: 'behind' })
    expect(screen.getByRole('status').textContent).toMatch(/^Updated /)
    fireEvent.click(screen.getByRole('button', { name: 'Save' }))
    await screen.findByRole('form', { name: 'conflicted' })
    const text = (await screen.findByRole('dialog')).textContent ?? ''
    expect(text).toMatch(/^Not saved: \S/)
    expect(text).not.toMatch(/[\p{Cc}\u202a-\u202e]|undefined|\[object/u)
    expect(text.length).toBeLessThan(1_000)
  },
)

test('no JSON makes a writer, the people of a record or an answer that throws', () => {
  const words = createWords()
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      const by = writerOf(value)
      expect(whoWrote(by, words)).toMatch(/\S/)
      expect((by?.name ?? '').length).toBeLessThanOrEqual(2 * MAX_NAME_CHARS + 1)
      for (const { user } of peopleOf(value)) expect(user.name).not.toBe('')
      answerOf({
        data: value,
        updated_by: value,
        errors: value,
        people: value,
        current: value,
        scopes: value,
      })
    }),
    { numRuns: 1_000 },
  )
})

test('a name that runs from right to left is isolated, and turns nothing around it', () => {
  const sentence = fill('Updated {who} {time}.', {
    who: whoWrote({ id: 'u3', name: 'منى 2', kind: 'user' }, createWords()),
    time: '5 s ago',
  })
  expect(sentence).toBe('Updated by \u2068منى 2\u2069 5 s ago.')
  expect(fill('{name} is here', { name: '\u202eevil\u2066' })).toBe('evil is here')
  expect(fill('{constructor}', {})).toBe('{constructor}')
})
