// What the pill says where events don't come by themselves.
import { act, cleanup, render, screen } from '@testing-library/react'
import { createRecordClient } from 'noclobber/client'
import { ConnectionPill, LiveProvider } from 'noclobber/react'
import { afterEach, expect, test } from 'vitest'
import { createManualClock } from '../../support/clocks.ts'

afterEach(cleanup)

const record = {
  type: 'project',
  id: '1',
  version: 1,
  updated_at: '2026-11-21T09:00:00.000000Z',
  updated_by: null,
  fields: {},
}

function show(answer: () => Promise<unknown>) {
  const clock = createManualClock()
  const client = createRecordClient({
    url: 'http://app.test/api/v1',
    transports: [],
    clock,
    fetch: async (input) => {
      const data = await answer()
      return new Response(JSON.stringify({ data: String(input).endsWith('/versions') ? [] : data }))
    },
  })
  client.editor('project', '1').subscribe(() => {})
  render(
    <LiveProvider client={client}>
      <ConnectionPill />
    </LiveProvider>,
  )
  return clock
}

test('while versions are polled it says as of when the page is up to date', async () => {
  const clock = show(async () => record)
  const pill = (await screen.findByText('Polling')).closest('.nc-pill')
  await act(async () => clock.forward(10_000))
  await screen.findByText(/^up to date as of \d\d?:\d\d:\d\d/)
  expect(pill?.getAttribute('title')).toContain('is checked when you save')
  expect(pill?.querySelector('.nc-pill-time')?.getAttribute('aria-hidden')).toBe('true')
})

test('without an answer it says Offline once it has asked', async () => {
  let isUp = true
  const clock = show(async () => (isUp ? record : Promise.reject(new TypeError('cut'))))
  await screen.findByText('Polling')
  isUp = false
  await act(async () => clock.forward(10_000))
  await screen.findByText('Offline')
  isUp = true
  await act(async () => clock.forward(10_000))
  await screen.findByText('Polling')
})
