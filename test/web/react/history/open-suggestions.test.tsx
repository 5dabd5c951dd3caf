// An approver's page: pages, what follows events, and what is said where there is nothing, or nothing could be loaded.

import { act, cleanup, fireEvent, render, screen, waitFor, within } from '@testing-library/react'
import type { RecordClient } from 'noclobber/client'
import { OpenSuggestions, useOpenSuggestions } from 'noclobber/history'
import { LiveProvider } from 'noclobber/react'
import { afterEach, expect, test } from 'vitest'
import type { WireOpenProposal } from '../../../../server/protocol/index.ts'
import { createSmallServer } from '../../small-server.ts'

afterEach(cleanup)

const at = new Date().toISOString()
const suggestion = (n: number): WireOpenProposal => ({
  ...{ id: `p${n}`, state: 'open', note: null, changes: { name: `new ${n}` }, client_version: 1 },
  ...{ proposed_by: { id: 'vera', name: 'Vera', kind: 'user' }, proposed_at: at, decided_by: null },
  ...{ decided_at: null, accepted_fields: null, accepted_version: null },
  record: {
    ...{ type: 'project', id: `${n}`, version: 1, updated_at: at, updated_by: null },
    fields: { name: `Bridge ${n}` },
  },
})

/** A page of these suggestions, two on each, and a number of them elsewhere. */
const openPage = (waiting: WireOpenProposal[]) => {
  const asked: unknown[] = []
  const listeners: Parameters<RecordClient['onEvent']>[0][] = []
  const served = { waiting, isDown: false }
  const client: RecordClient = {
    ...createSmallServer().client,
    openProposals: async (_type, { mine, limit = 50, after } = {}) => {
      asked.push([mine, limit, after])
      if (served.isDown) return { outcome: 'unreachable', retryAfterMs: null, detail: '' }
      const from = after ? served.waiting.findIndex(({ id }) => id === after) + 1 : 0
      const proposals = served.waiting.slice(from, from + limit)
      const isMore = served.waiting.length > from + limit
      return { outcome: 'found', proposals, next: isMore ? (proposals.at(-1)?.id ?? null) : null }
    },
    rejectProposal: async (_type, _id, id) => {
      served.waiting = served.waiting.filter((one) => one.id !== id)
      return { outcome: 'rejected' }
    },
    onEvent: (listener) => {
      listeners.push(listener)
      return () => void listeners.splice(listeners.indexOf(listener), 1)
    },
  }
  const Count = () => {
    const { suggestions, isMore } = useOpenSuggestions('project', { pageSize: 1 })
    return (
      <output>
        {suggestions.length}
        {isMore && '+'}
      </output>
    )
  }
  const page = render(
    <LiveProvider client={client}>
      <Count />
      <OpenSuggestions type="project" pageSize={2}>
        {({ id, fields }) => <a href={`/projects/${id}`}>{String(fields.name)}</a>}
      </OpenSuggestions>
    </LiveProvider>,
  )
  const receive = (name: string, type: string) =>
    act(async () => {
      for (const listener of [...listeners]) listener({ event: { name, event: { type, id: '1' } } } as never)
    })
  return { asked, served, receive, page, listeners }
}
const names = () => screen.queryAllByRole('link').map(({ textContent }) => textContent)

test('all pages stay shown while others propose and decide, and each is there once', async () => {
  const { served, receive, asked } = openPage([1, 2, 3, 4, 5].map(suggestion))
  await waitFor(() => expect(names()).toEqual(['Bridge 1', 'Bridge 2']))
  screen.getByRole('region', { name: 'Suggestions to decide about' })
  await waitFor(() => expect(document.querySelector('output')?.textContent).toBe('1+'))
  fireEvent.click(screen.getByRole('button', { name: 'More suggestions' }))
  await waitFor(() => expect(names()).toHaveLength(4))
  served.waiting = [suggestion(2), ...[3, 4, 5, 6].map(suggestion)]
  const before = asked.length
  for (const name of ['ProposalDecided', 'ProposalCreated', 'ProposalCreated']) await receive(name, 'project')
  await receive('ProposalCreated', 'task')
  await waitFor(() => expect(names()).toEqual(['Bridge 2', 'Bridge 3', 'Bridge 4', 'Bridge 5']))
  // Two pages and the one of the number, once for three events.
  expect(asked.length - before).toBe(3)
  const second = screen.getAllByRole('listitem').find((item) => item.dataset.slot === 'nc-open-suggestion')
  fireEvent.click(within(second as HTMLElement).getByRole('button', { name: 'Reject' }))
  await screen.findByText('Rejected.')
  await waitFor(() => expect(names()).toEqual(['Bridge 3', 'Bridge 4', 'Bridge 5', 'Bridge 6']))
})

test('that nothing waits is said, and that nothing could be loaded, with a way to try again', async () => {
  const { served, page, listeners } = openPage([])
  await screen.findByText('Nothing waits for your decision.')
  served.isDown = true
  served.waiting = [suggestion(1)]
  await act(async () => {
    for (const listener of [...listeners])
      listener({ event: { name: 'ProposalCreated', event: { type: 'project', id: '1' } } } as never)
  })
  await screen.findByText(/The suggestions could not be loaded/)
  expect(screen.queryByText('Nothing waits for your decision.')).toBeNull()
  served.isDown = false
  fireEvent.click(screen.getByRole('button', { name: 'Try again' }))
  await waitFor(() => expect(names()).toEqual(['Bridge 1']))
  page.unmount()
  expect(listeners).toEqual([])
})
