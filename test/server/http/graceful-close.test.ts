// Connections that the system has made and Node has not taken yet, at the moment at which a server stops listening.
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { expect, test } from 'vitest'
import { untilNobodyComes } from '../../../server/http/drain-accept-queue.ts'
import { closerOf } from '../../../server/http/graceful-close.ts'
import { atEnd } from '../../support/at-end.ts'

const CALLERS = 40

/** Calls in one turn of the loop, so that all of them are in the accept backlog at once. */
const call = (port: number) =>
  new Promise<string>((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    let received = ''
    socket.write('GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n')
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1')
    })
    socket.on('error', ({ code }: NodeJS.ErrnoException) => resolve(code ?? 'error'))
    socket.on('end', () => resolve(received.slice(0, 12)))
  })

test.each([true, false])(
  'a server that closes takes everybody in its accept backlog; draining: %s',
  async (draining) => {
    const server = createServer((_request, response) => response.end('taken'))
    const close = closerOf(server, () => draining)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    atEnd(() => server.close())
    const { port } = server.address() as AddressInfo
    const calls = Array.from({ length: CALLERS }, () => call(port))
    const io = { close: () => new Promise<void>((resolve) => server.close(() => resolve())) }
    await close(io, 5_000)
    expect(await Promise.all(calls)).toEqual(Array(CALLERS).fill('HTTP/1.1 200'))
    expect(await call(port)).toBe('ECONNREFUSED')
  },
)

test('it does not wait for a crowd that never ends', async () => {
  const server = createServer((_request, response) => response.end('taken'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  let isOver = false
  const crowd = async () => {
    while (!isOver) await call(port)
  }
  const callers = Array.from({ length: 8 }, crowd)
  const begun = performance.now()
  await untilNobodyComes(server, 200)
  expect(performance.now() - begun).toBeLessThan(5_000)
  isOver = true
  server.close()
  await Promise.all(callers)
})
