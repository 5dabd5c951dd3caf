// The parts for what was deleted and imported, and suggestions where no events arrive: what they ask, show and say.

import { act, cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react'
import type { RecordClient } from 'noclobber/client'
import { germanMessages } from 'noclobber/client'
import { DeletedRecords, germanHistoryMessages, UndoImport } from 'noclobber/history'
import { LiveProvider } from 'noclobber/react'
import { afterEach, expect, test } from 'vitest'
import type { UndoneRow } from '../../../../server/protocol/bulk-and-import.ts'
import type { WireDeleted } from '../../../../server/protocol/index.ts'
import { createWritable } from '../../../../web/client/base/store.ts'
import { createSuggestionStore } from '../../../../web/react/history/suggestion-store.ts'
import { createSmallServer } from '../../small-server.ts'

afterEach(cleanup)

const gone = (id: string, version: number, may_restore = true): WireDeleted => ({
  ...{ type: 'project', id, version, updated_at: new Date().toISOString(), may_restore },
  updated_by: { id: 'u2', name: 'Bob', kind: 'user' },
  fields: { name: `Bridge ${id}` },
})

/** A page with deleted projects; the answer to the next restore is given. */
const openDeleted = (pages: Record<string, { records: WireDeleted[]; next: string | null }>) => {
  const asked: unknown[] = []
  const answers: Awaited<ReturnType<RecordClient['restoreDeleted']>>[] = []
  const listeners: Parameters<RecordClient['onEvent']>[0][] = []
  const client: RecordClient = {
    ...createSmallServer().client,
    deleted: async (type, { limit, after = '' } = {}) => {
      asked.push([type, limit, after])
      return { outcome: 'found', ...(pages[after] ?? { records: [], next: null }) }
    },
    restoreDeleted: async (...args) => {
      asked.push(args)
      return (answers.shift() ?? { outcome: 'unreachable', retryAfterMs: null, detail: '' }) as never
    },
    onEvent: (listener) => {
      listeners.push(listener)
      return () => void listeners.splice(listeners.indexOf(listener), 1)
    },
  }
  const page = render(
    <LiveProvider client={client}>
      <DeletedRecords type="project" pageSize={2} nameOf={({ fields }) => String(fields.name)} />
    </LiveProvider>,
  )
  return { asked, answers, listeners, pages, page }
}

test('what was deleted is listed page by page, and comes back by the version of its deletion', async () => {
  const { asked, answers, pages } = openDeleted({
    '': { records: [gone('1', 4), gone('2', 9, false)], next: 'x' },
    x: { records: [gone('3', 2)], next: null },
  })
  await screen.findByText('Bridge 1')
  expect(screen.getAllByText('Deleted by Bob')).toHaveLength(2)
  expect(screen.queryByRole('button', { name: 'Bring back: Bridge 2' })).toBeNull()
  fireEvent.click(screen.getByRole('button', { name: 'Deleted earlier' }))
  await screen.findByText('Bridge 3')
  answers.push({ outcome: 'saved', record: { ...gone('3', 3) }, mergedFields: [] } as never)
  pages[''] = { records: [gone('1', 4), gone('2', 9, false)], next: null }
  fireEvent.click(screen.getByRole('button', { name: 'Bring back: Bridge 3' }))
  await screen.findByText('Bridge 3 is back.')
  await waitFor(() => expect(screen.queryByText('Bridge 3')).toBeNull())
  expect(asked).toEqual([
    ['project', 2, ''],
    ['project', 2, 'x'],
    ['project', '3', { clientVersion: 2 }],
  ])
})

test('why it does not come back is said, and the list is read anew', async () => {
  const { answers, asked, pages } = openDeleted({ '': { records: [gone('1', 4)], next: null } })
  const bringBack = async (answer: object, sentence: string) => {
    answers.push(answer as never)
    fireEvent.click(await screen.findByRole('button', { name: 'Bring back: Bridge 1' }))
    await screen.findByText(sentence)
  }
  await bringBack({ outcome: 'conflict', problem: {} }, 'Bridge 1 is there already.')
  await bringBack({ outcome: 'forbidden', problem: {} }, 'You may not bring it back.')
  await bringBack(
    { outcome: 'invalid', errors: [{ field: 'number', message: 'is taken' }] },
    'Not brought back: is taken',
  )
  pages[''] = { records: [], next: null }
  await bringBack({ outcome: 'gone' }, 'Not restored. Try again.')
  await screen.findByText('Nothing was deleted that could be brought back.')
  expect(asked).toHaveLength(9)
})

test('it follows deletions and creations of its type, until it is closed', async () => {
  const { listeners, asked, page } = openDeleted({ '': { records: [], next: null } })
  await screen.findByText('Nothing was deleted that could be brought back.')
  const receive = async (name: string, type: string) => {
    const received = { event: { name, event: { type, id: '1' } } }
    await act(async () => {
      for (const listener of listeners) listener(received as never)
    })
  }
  for (const [name, type] of [
    ['RecordDeleted', 'project'],
    ['RecordCreated', 'project'],
    ['RecordUpdated', 'project'],
    ['RecordDeleted', 'task'],
  ] as const)
    await receive(name, type)
  expect(asked).toHaveLength(3)
  page.unmount()
  expect(listeners).toEqual([])
})

test('an import is undone part by part, with how far it is and what stays', async () => {
  const parts: ((part: { done: number; total: number } | UndoneRow[] | null) => void)[] = []
  const client: RecordClient = {
    ...createSmallServer().client,
    undoImport: (_type, _id, { onProgress } = {}) =>
      new Promise((resolve) => {
        parts.push((part) => {
          if (part === null) resolve({ outcome: 'unreachable', retryAfterMs: null, detail: '' } as never)
          else if (Array.isArray(part)) resolve({ outcome: 'undone', rows: part, isWhole: true })
          else onProgress?.(part)
        })
      }),
  }
  const undone: UndoneRow[][] = []
  render(
    <LiveProvider
      client={client}
      messages={{ ...germanMessages, history: germanHistoryMessages }}
      locale="de"
    >
      <UndoImport type="task" importId="i1" onUndone={(rows) => undone.push(rows)} />
    </LiveProvider>,
  )
  const button = () => screen.getByRole('button', { name: 'Diesen Import rückgängig machen' })
  fireEvent.click(button())
  act(() => parts.at(-1)?.({ done: 100, total: 1200 }))
  await screen.findByText('Wird rückgängig gemacht: 100 von 1.200 …')
  expect(button().getAttribute('aria-disabled')).toBe('true')
  act(() => parts.at(-1)?.(null))
  await screen.findByText(/konnte nicht rückgängig gemacht werden/)
  fireEvent.click(button())
  const rows: UndoneRow[] = [
    { id: '1', outcome: 'removed' },
    { id: '2', outcome: 'restored', version: 3 },
    { id: '3', outcome: 'stale_record' },
    { id: '4', outcome: 'deleted' },
  ]
  act(() => parts.at(-1)?.(rows))
  await screen.findByText(/^Rückgängig gemacht: 2 Zeilen\. 1 Zeile bleibt/)
  expect(screen.queryByRole('button')).toBeNull()
  expect(undone).toEqual([rows])
})

test('where no events arrive, suggestions are asked for as often as the client polls', async () => {
  const connection = createWritable({ status: 'live', lastCheckedAt: 1 })
  const seconds = createWritable(0)
  let asked = 0
  const client = {
    connection,
    seconds,
    onEvent: () => () => {},
    onPersonChanged: () => () => {},
    proposals: async () => {
      asked += 1
      return { outcome: 'unreachable', retryAfterMs: null, detail: '' }
    },
  }
  const store = createSuggestionStore(client as never, { type: 'project', id: '1' })
  const stop = store.subscribe(() => {})
  const go = (status: string, lastCheckedAt: number) => connection.set({ status, lastCheckedAt })
  go('live', 2)
  expect(asked).toBe(0)
  go('reconnecting', 2)
  go('polling', 2)
  expect(asked).toBe(1)
  go('polling', 3)
  go('polling', 3)
  go('polling', 4)
  expect(asked).toBe(3)
  go('live', 5)
  go('live', 6)
  expect(asked).toBe(4)
  // An event between nodes may be lost.
  for (const ms of [59_000, 60_000, 61_000, 119_000, 120_000]) seconds.set(ms)
  expect(asked).toBe(6)
  stop()
  seconds.set(1e9)
  go('polling', 7)
  expect(asked).toBe(6)
})
