// A herd at the door of one node: all get in, those who go while they wait harm nobody, and requests go on meanwhile.
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { createTurnstile } from '../../server/turnstile.ts'
import { startApp } from '../support/app.ts'
import { waitFor } from '../support/wait-for.ts'

const HANDSHAKE = [
  'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1',
  'host: localhost',
  'connection: upgrade',
  'upgrade: websocket',
  'sec-websocket-version: 13',
  'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==',
  '',
  '',
].join('\r\n')

test('lets everybody in, in order, a few at a time', async () => {
  const enter = createTurnstile()
  const entered: number[] = []
  for (let number = 0; number < 50; number += 1) enter(() => entered.push(number))
  expect(entered).toEqual([0, 1, 2, 3])
  await waitFor(() => entered.length === 50, { what: 'the last one' })
  expect(entered).toEqual(Array.from({ length: 50 }, (_, number) => number))
  enter(() => entered.push(50))
  expect(entered.at(-1)).toBe(50)
})

test('clients that reset their connection at the door harm nobody', async () => {
  const app = await startApp()
  const { id } = await app.make('project', { name: 'Bridge' })
  const port = Number(new URL(app.origin).port)
  const resets = Array.from(
    { length: 150 },
    () =>
      new Promise<void>((resolve) => {
        const socket = connect(port, '127.0.0.1', () => {
          socket.write(HANDSHAKE, () => socket.resetAndDestroy())
        })
        socket.on('error', () => {})
        socket.on('close', () => resolve())
      }),
  )
  const [watchers, answer] = await Promise.all([
    Promise.all(Array.from({ length: 60 }, () => app.socket())),
    app.call('GET', `/records/project/${id}`),
    ...resets,
  ])
  expect(answer.status).toBe(200)
  expect(watchers.every(({ socket }) => socket.connected)).toBe(true)
})
