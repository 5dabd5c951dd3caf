// The small parts: the pill, the counting time, and words of the app's own.

import { act, cleanup, render, screen } from '@testing-library/react'
import { ConnectionPill, LiveProvider, TimeAgo } from 'noclobber/react'
import { afterEach, expect, test } from 'vitest'
import { createSmallServer } from '../small-server.ts'

afterEach(cleanup)

/** A clock whose hands a test turns itself. */
function createManualClock() {
  let now = Date.UTC(2026, 10, 21, 9, 30)
  let timers: { at: number; run: () => void }[] = []
  return {
    now: () => now,
    after(delayMs: number, run: () => void) {
      const timer = { at: now + delayMs, run }
      timers.push(timer)
      return () => {
        timers = timers.filter((other) => other !== timer)
      }
    },
    forward(ms: number) {
      now += ms
      const due = timers.filter(({ at }) => at <= now)
      timers = timers.filter(({ at }) => at > now)
      for (const { run } of due) run()
    },
  }
}

test('the pill says Live once everything is joined', async () => {
  const { client } = createSmallServer()
  render(
    <LiveProvider client={client}>
      <ConnectionPill />
    </LiveProvider>,
  )
  expect((await screen.findByText('Live')).dataset.status).toBe('live')
})

test('the pill speaks the app’s language', async () => {
  const { client } = createSmallServer()
  const german = { connection: { live: 'Verbunden' } }
  render(
    <LiveProvider client={client} messages={german} locale="de">
      <ConnectionPill />
    </LiveProvider>,
  )
  await screen.findByText('Verbunden')
})

test('a time keeps counting, and is never announced', () => {
  const clock = createManualClock()
  const { client } = createSmallServer({ clock })
  render(
    <LiveProvider client={client}>
      <TimeAgo at={clock.now()} />
    </LiveProvider>,
  )
  const time = screen.getByText('just now')
  expect(time.getAttribute('aria-live')).toBe('off')
  act(() => clock.forward(5000))
  expect(time.textContent).toBe('5 s ago')
  act(() => clock.forward(60_000))
  expect(time.textContent).toBe('1 min ago')
})

test('a part without a provider says what is missing', () => {
  expect(() => render(<ConnectionPill />)).toThrow('There is no <LiveProvider> above this component')
})
