// What a WebSocket may carry besides our messages: connects without end, events that nobody listens to, acknowledgements of nothing.
// One connection is one socket, and what it sends costs others nothing.
import { expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { startApp, type TestApp } from '../../support/app.ts'
import { waitFor } from '../../support/wait-for.ts'

const open = async ({ origin }: TestApp, connect = '') => {
  const socket = new WebSocket(`${origin.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`)
  onTestFinished(() => socket.close())
  const received: string[] = []
  socket.onmessage = ({ data }) => {
    received.push(String(data))
    if (data === '2') socket.send('3')
  }
  await waitFor(() => received[0]?.startsWith('0'), { what: 'the handshake' })
  if (connect !== '') {
    socket.send(connect)
    await waitFor(() => received.some((frame) => frame.startsWith('40')), { what: 'the socket' })
  }
  return { socket, received }
}
const ALICE = '40{"token":"alice"}'

test('one connection that asks to connect a thousand times is one socket, or none', async () => {
  const app = await startApp({ limits: { socketsPerPerson: 20 } })
  const { socket } = await open(app)
  for (let left = 1_000; left > 0; left -= 1) socket.send(ALICE)
  await waitFor(() => socket.readyState === WebSocket.CLOSED || app.io.sockets.sockets.size > 0, {
    what: 'an answer',
  })
  const bob = await app.socket({ as: 'bob' })
  expect((await bob.ask('unwatch', {})).code).toBeUndefined()
  expect(app.io.sockets.sockets.size).toBeLessThanOrEqual(1 + 5)
})

test('a person has as many sockets as they may, though all connect at one moment', async () => {
  const app = await startApp({ limits: { socketsPerPerson: 20 } })
  const all = await Promise.all(Array.from({ length: 60 }, () => open(app)))
  for (const { socket } of all) socket.send(ALICE)
  await waitFor(
    () =>
      all.every(
        ({ socket, received }) =>
          socket.readyState === WebSocket.CLOSED || received.some((frame) => /^4[04]/.test(frame)),
      ),
    { what: 'answers' },
  )
  await waitFor(() => app.io.sockets.sockets.size <= 20, { what: 'no more than twenty' })
})

test.each([
  ['events that nobody listens to', '42["nothing",{"a":1}]'],
  ['acknowledgements of nothing', '43999[]'],
  ['namespaces that are not there', '40/nothing,{}'],
  ['heartbeats', '3'],
])('%s are not read for a moment where there are too many, and others notice nothing', async (_, frame) => {
  const app = await startApp({ limits: { messagesPerSecond: 10 } })
  const { socket } = await open(app, ALICE)
  const bob = await app.socket({ as: 'bob' })
  const [connection] = [...app.io.sockets.sockets.values()].filter(({ id }) => id !== bob.socket.id)
  const transport: unknown = connection?.conn.transport
  const { socket: reader } = transport as { socket: { isPaused: boolean } }
  let seen = false
  const timer = setInterval(() => {
    seen ||= reader.isPaused
  }, 1)
  for (let left = 3_000; left > 0; left -= 1) socket.send(frame)
  await waitFor(() => seen || socket.readyState === WebSocket.CLOSED, { what: 'a pause' })
  clearInterval(timer)
  expect((await bob.ask('unwatch', {})).code).toBeUndefined()
})

test('an event called error says nothing in the log, however often it is sent', async () => {
  const lines: string[] = []
  const add = (_: object, message: string) => void lines.push(message)
  const app = await startApp({ log: { info: () => {}, warn: add, error: add } })
  const { socket, received } = await open(app, ALICE)
  for (let left = 150; left > 0; left -= 1) socket.send('42["error",{"message":"x"}]')
  socket.send('421["unwatch",{}]')
  await waitFor(() => received.some((frame) => frame.startsWith('431')), { what: 'the answer behind them' })
  expect(lines).toEqual([])
})
