// Sockets that send more than they may: what they send is not read for a while, and nobody else notices.
import { expect, test } from 'vitest'
import { startApp, type TestApp } from '../../support/app.ts'
import { waitFor } from '../../support/wait-for.ts'

/** The WebSocket under a socket, on the server's side. */
const readerOf = ({ io }: TestApp, id = '') => {
  const { transport } = io.sockets.sockets.get(id)?.conn ?? {}
  return (transport as unknown as { socket: { isPaused: boolean } }).socket
}

test('a socket with too many messages is not read for a moment, then answered, and goes on', async () => {
  const app = await startApp({ limits: { messagesPerSecond: 5 } })
  const [flooding, other] = await Promise.all([app.socket(), app.socket({ as: 'bob' })])
  const reader = readerOf(app, flooding.socket.id)
  const asked = Promise.all(Array.from({ length: 40 }, () => flooding.ask('unwatch', {})))
  await waitFor(() => reader.isPaused, { what: 'the pause' })
  expect(readerOf(app, other.socket.id).isPaused).toBe(false)
  expect((await other.ask('unwatch', {})).code).toBeUndefined()
  const answers = await asked
  expect(answers.filter(({ code }) => code === 'rate_limited').length).toBeGreaterThanOrEqual(30)
  await waitFor(() => !reader.isPaused, { what: 'the end of the pause' })
  await waitFor(async () => (await flooding.ask('unwatch', {})).code === undefined, {
    what: 'a further second',
  })
  expect(flooding.socket.connected).toBe(true)
})

test('a socket that stops each time is not closed, however often it sent too many', async () => {
  const app = await startApp({ limits: { messagesPerSecond: 5 } })
  const flooding = await app.socket()
  // Of 1,000 messages and more at most 300 wait at a time.
  for (let round = 0; round < 4; round += 1) {
    const answers = await Promise.all(Array.from({ length: 300 }, () => flooding.ask('unwatch', {})))
    expect(answers.some(({ code }) => code === 'rate_limited')).toBe(true)
  }
  expect(flooding.socket.connected).toBe(true)
})

test('a socket that doesn’t stop is closed', async () => {
  const app = await startApp({ limits: { messagesPerSecond: 5 } })
  const [flooding, other] = await Promise.all([app.socket(), app.socket({ as: 'bob' })])
  for (let n = 0; n < 2_000; n += 1) flooding.socket.emit('unwatch', {})
  await waitFor(() => !flooding.socket.connected, { what: 'the closing' })
  expect((await other.ask('unwatch', {})).code).toBeUndefined()
})
