// The list of unsent changes says nothing of storage that has not answered: neither that it keeps what is typed, nor that nothing
// is left there.

import { act, cleanup, render, screen, within } from '@testing-library/react'
import { createMemoryStorage, createOffline, type EditStorage, type Tabs } from 'noclobber/offline'
import { LiveProvider, UnsentChanges, useUnsentCount } from 'noclobber/react'
import { afterEach, expect, test } from 'vitest'
import { waitFor } from '../../support/wait-for.ts'
import { createSmallServer } from '../small-server.ts'

afterEach(cleanup)

/** No time passes: what is asked of storage is never late. */
const still = { now: () => 0, after: () => () => {} }

const alone: Tabs = {
  enter: () => () => {},
  alive: async () => new Set(),
  alone: (_task, work) => work(),
  notify: () => {},
  onChange: () => () => {},
}

/** Storage that answers when the test says so. */
function createHeldStorage() {
  const storage = createMemoryStorage()
  let asked: { person: string; answer(): void }[] = []
  const held: EditStorage = {
    ...storage,
    all: (person) =>
      new Promise((resolve) => asked.push({ person, answer: () => resolve(storage.all(person)) })),
  }
  const whenAsked = async (person: string) => {
    await waitFor(() => asked.some((one) => one.person === person), { what: `reading for ${person}` })
    const taken = asked
    asked = []
    return taken
  }
  return { held, whenAsked }
}

const EVERYTHING = 'Everything is saved.'

function open(storage: EditStorage) {
  const offline = createOffline({ storage, tabs: alone })
  const session = { person: 'alice' }
  const { client } = createSmallServer({ offline, userId: () => session.person, clock: still })
  render(
    <LiveProvider client={client}>
      <UnsentChanges offline={offline} nameOf={({ id }) => id} onOpen={() => {}} />
    </LiveProvider>,
  )
  const shows = (storage: string) =>
    act(() => waitFor(() => offline.unsent.get().storage === storage, { what: storage }))
  const saysNothing = () => {
    expect(offline.unsent.get()).toMatchObject({ entries: [], storage: 'unknown' })
    expect([screen.queryByText(EVERYTHING), screen.queryByRole('alert')]).toEqual([null, null])
  }
  return { client, session, shows, saysNothing }
}

test('while storage has not answered nothing is said of it, for the next person too', async () => {
  const { held, whenAsked } = createHeldStorage()
  const { client, session, shows, saysNothing } = open(held)
  saysNothing()
  for (const person of ['alice', 'bob']) {
    if (session.person !== person) {
      session.person = person
      act(() => client.reconnect())
    }
    const asked = await whenAsked(person)
    saysNothing()
    for (const { answer } of asked) answer()
    await shows('ok')
    expect(screen.getByText(EVERYTHING)).toBeTruthy()
  }
  act(() => client.close())
  saysNothing()
})

test('where storage can’t be read, that is said, and not that everything is saved', async () => {
  const all = () => Promise.reject(new Error('barred'))
  const { shows } = open({ ...createMemoryStorage(), all })
  await shows('barred')
  expect(screen.queryByText(EVERYTHING)).toBe(null)
  expect(screen.getByRole('alert').textContent).toMatch(/this tab alone/)
})

test('requests of the app’s own stand in the list, and a refused one may be sent again or discarded', async () => {
  const done: string[] = []
  const request = {
    ...{ person: 'alice', tab: 't', url: '/close', method: 'POST', headers: {}, body: null, at: 0 },
    ...{ key: '1', label: 'Close Bridge', refusal: null },
  }
  const refused = {
    ...request,
    key: '2',
    label: 'Close Dam',
    refusal: { status: 409, detail: 'It is open.' },
  }
  const state = {
    ...{ entries: [], discarded: [], storage: 'ok' as const, isSending: false },
    ...{ requests: [request, refused], discardedRequests: [{ ...request, key: '3', label: 'Close Pier' }] },
  }
  const offline = {
    unsent: { get: () => state, subscribe: () => () => {} },
    retry: () => {},
    resend: (key: string) => void done.push(`resend ${key}`),
    discard: async (key: string) => void done.push(`discard ${key}`),
    undoDiscard: (key: string) => void done.push(`undo ${key}`),
  }
  const { client } = createSmallServer({ userId: () => 'alice', clock: still })
  const Count = () => <output>{useUnsentCount(offline)}</output>
  render(
    <LiveProvider client={client}>
      <UnsentChanges offline={offline} nameOf={({ id }) => id} onOpen={() => {}} />
      <Count />
    </LiveProvider>,
  )
  const lines = screen.getAllByRole('listitem')
  expect(lines.map(({ textContent }) => textContent)).toEqual([
    expect.stringContaining('Close Bridge Waiting for the server'),
    expect.stringContaining('Close Dam Refused: It is open.'),
    expect.stringContaining('Close Pier Discarded'),
  ])
  expect(screen.getByText('2 unsent changes')).toBeTruthy()
  for (const [line, name] of [
    [lines[1], 'Try again'],
    [lines[0], 'Discard'],
    [lines[2], 'Undo'],
  ] as const)
    await act(async () =>
      within(line as HTMLElement)
        .getByRole('button', { name })
        .click(),
    )
  expect(done).toEqual(['resend 2', 'discard 1', 'undo 3'])
})
