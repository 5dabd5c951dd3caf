// Histories, suggestions, what was deleted and imported: what one person has loaded or written there, the next one on the page
// doesn't find, before anything of their own is there.

import { act, cleanup, fireEvent, render, screen } from '@testing-library/react'
import type { RecordClient } from 'noclobber/client'
import {
  DeletedRecords,
  OpenSuggestions,
  RecordHistory,
  Suggestions,
  UndoImport,
  useSaveOrPropose,
} from 'noclobber/history'
import { LiveProvider, useRecordEditor } from 'noclobber/react'
import { afterEach, expect, test } from 'vitest'
import { createSmallServer } from '../../small-server.ts'

afterEach(cleanup)

const at = new Date().toISOString()
const BOB = { id: 'u2', name: 'Bob', kind: 'user' } as const

/** A page whose person is Alice until `signIn`; of anybody else nothing is answered yet. */
const openPage = () => {
  let who = 'alice'
  const server = createSmallServer({ userId: () => who })
  const pending = new Promise<never>(() => {})
  const ofAlice =
    <Asked extends unknown[]>(answer: (...asked: Asked) => object) =>
    (...asked: Asked): Promise<never> =>
      who === 'alice' ? (Promise.resolve(answer(...asked)) as Promise<never>) : pending
  const wire = { type: 'project', updated_at: at, updated_by: BOB }
  const client: RecordClient = {
    ...server.client,
    history: ofAlice(() => ({
      ...{ outcome: 'found', next: null, writable: ['name'] },
      entries: [
        {
          version: 1,
          event: 'updated',
          updated_at: at,
          updated_by: BOB,
          changed_fields: ['name'],
          values: { name: ['x', 'old of alice'] },
        },
      ],
    })),
    readPast: ofAlice(() => ({
      ...{ outcome: 'found', writable: ['name'] },
      record: { ...wire, id: '1', version: 1, fields: { name: 'past of alice' } },
    })),
    deleted: ofAlice(() => ({
      ...{ outcome: 'found', next: null },
      records: [{ ...wire, id: '9', version: 3, fields: { name: 'deleted of alice' }, may_restore: true }],
    })),
    proposals: ofAlice(() => ({
      ...{ outcome: 'found', next: null, may: { save: false, propose: true } },
      proposals: [
        {
          ...{ id: 'p', state: 'open', note: 'reason of alice', changes: { name: 'proposed of alice' } },
          ...{ client_version: 1, proposed_by: BOB, proposed_at: at, decided_by: null, decided_at: null },
          ...{ accepted_fields: null, accepted_version: null },
        },
      ],
    })),
    openProposals: ofAlice(() => ({
      ...{ outcome: 'found', next: null },
      proposals: [
        {
          ...{ id: 'q', state: 'open', note: 'open of alice', changes: { budget: 7 } },
          ...{ client_version: 1, proposed_by: BOB, proposed_at: at, decided_by: null, decided_at: null },
          ...{ accepted_fields: null, accepted_version: null },
          record: { ...wire, id: '1', version: 1, fields: { name: 'waiting of alice' } },
        },
      ],
    })),
    undoImport: ofAlice(() => ({
      outcome: 'undone',
      isWhole: true,
      rows: [{ id: '1', outcome: 'removed' }],
    })),
  }
  const Page = () => {
    const editor = useRecordEditor<Record<string, unknown>>('project', '1')
    const { note, setNote } = useSaveOrPropose(editor)
    return (
      <>
        <input aria-label="Why" value={note} onChange={({ target }) => setNote(target.value)} />
        <RecordHistory editor={editor} />
        <Suggestions editor={editor} />
        <DeletedRecords type="project" />
        <OpenSuggestions type="project" />
        <UndoImport type="project" importId="i" />
      </>
    )
  }
  render(
    <LiveProvider client={client}>
      <Page />
    </LiveProvider>,
  )
  const signIn = (next: string) => {
    who = next
    client.reconnect()
  }
  return { signIn }
}

test('the next person on the page finds nothing of what the one before had loaded or written', async () => {
  const { signIn } = openPage()
  await screen.findByText('deleted of alice')
  await screen.findByText(/reason of alice/)
  await screen.findByText(/open of alice/)
  await screen.findByText(/waiting of alice/)
  fireEvent.change(await screen.findByLabelText('Why'), { target: { value: 'why of alice' } })
  fireEvent.change(screen.getByLabelText('What did it look like on'), {
    target: { value: '2026-01-01T10:00' },
  })
  fireEvent.click(screen.getByRole('button', { name: 'Show' }))
  await screen.findByText('past of alice')
  fireEvent.click(screen.getByRole('button', { name: /Undo this import/ }))
  await screen.findByText(/^Undone: 1/)
  const shown = () => document.body.innerHTML + (screen.getByLabelText('Why') as HTMLInputElement).value
  expect(shown()).toContain('old of alice')
  await act(async () => signIn('bob'))
  expect(shown()).not.toMatch(/of alice|Undone: 1/)
})
