// Before a handshake waits for its turn it is counted and signed in: anyone who isn't, however many they are, doesn't make
// others wait. And what a page, a proxy or an address may say of itself.
import { once } from 'node:events'
import { createServer, request as httpRequest } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import express from 'express'
import { expect, test } from 'vitest'
import { addressOf } from '../../../server/http/as-express.ts'
import { createKeyedLimit } from '../../../server/pacing/keyed-limit.ts'
import { startApp, type TestApp } from '../../support/app.ts'
import { connectWatcher } from '../../support/app-socket.ts'
import { atEnd } from '../../support/at-end.ts'
import { waitFor } from '../../support/wait-for.ts'

const handshake = (more: string[] = []) =>
  [
    ...['GET /socket.io/?EIO=4&transport=websocket HTTP/1.1', 'host: localhost', 'connection: upgrade'],
    ...['upgrade: websocket', 'sec-websocket-version: 13', 'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA=='],
    ...[...more, '', ''],
  ].join('\r\n')

/** Sends so many raw handshakes at once; resolves when all have been sent. */
const flood = async (app: TestApp, count: number, more?: string[]) => {
  const port = Number(new URL(app.origin).port)
  const sockets = Array.from({ length: count }, () => connect(port, '127.0.0.1'))
  atEnd(() => {
    for (const socket of sockets) socket.destroy()
  })
  let answered = 0
  await Promise.all(
    sockets.map(async (socket: Socket) => {
      socket.on('error', () => {})
      await once(socket, 'connect')
      socket.once('data', () => {
        answered += 1
      })
      socket.write(handshake(more))
    }),
  )
  return () => answered
}

test.each([
  ['without a word of who they are', undefined],
  ['with a session that there isn’t', ['cookie: session=nobody-at-all']],
])('handshakes %s make nobody wait who signs in', async (_how, more) => {
  const app = await startApp()
  const COUNT = 1_000
  const answered = await flood(app, COUNT, more)
  await connectWatcher(app, { options: { auth: {}, extraHeaders: { cookie: 'session=alice' } } })
  // The crowd is still there: anyone who came after it was not behind it.
  expect(answered()).toBeLessThan(COUNT / 2)
  await connectWatcher(app, { as: 'bob' })
  expect(answered()).toBeLessThan(COUNT)
})

test('an address beyond its limit is refused at its handshake, before anybody looks who it is', async () => {
  const app = await startApp({ limits: { requestsPerAddress: 20 } })
  let looked = 0
  const { people } = app
  people.get = (name) => {
    looked += 1
    return Map.prototype.get.call(people, name)
  }
  const answered = await flood(app, 100)
  await waitFor(() => answered() === 100, { what: 'the answers' })
  expect(looked).toBeLessThanOrEqual(20)
})

test('sign-ins of one address are looked up a few at a time, and none waits for another address', async () => {
  const limited = createKeyedLimit({ most: 2, mostWaiting: 2 })
  const begun: string[] = []
  const ends: (() => void)[] = []
  const start = (key: string, name: string) =>
    limited(key, () => {
      begun.push(name)
      return new Promise<string>((resolve) => ends.push(() => resolve(name)))
    })
  const all = ['a1', 'a2', 'a3', 'a4', 'a5'].map((name) => start('a', name))
  const other = start('b', 'b1')
  expect(begun).toEqual(['a1', 'a2', 'b1'])
  expect(await all[4]).toBe(null)
  for (let at = 0; at < 5; at += 1) {
    await waitFor(() => ends.length > at, { what: 'the next' })
    ends[at]?.()
  }
  expect(await Promise.all([...all, other])).toEqual(['a1', 'a2', 'a3', 'a4', null, 'b1'])
})

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
  ['2001:0db8:1::9', '2001:db8:1:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
])('the address %s counts as %s', (remoteAddress, counted) => {
  expect(addressOf({ headers: {}, socket: { remoteAddress } } as never)).toBe(counted)
})

/** Status of a write and of a handshake with this origin. */
const statuses = async (port: number, host: string, headers: Record<string, string>) => {
  const ask = (path: string, method: string, more: Record<string, string>) =>
    new Promise<number>((resolve, reject) => {
      const sent = { host, cookie: 'session=alice', 'content-type': 'application/json', ...headers, ...more }
      const request = httpRequest({ port, host: '127.0.0.1', path, method, headers: sent }, (response) => {
        response.resume()
        resolve(response.statusCode ?? 0)
      })
      request.on('upgrade', (response, socket) => {
        socket.destroy()
        resolve(response.statusCode ?? 0)
      })
      request.on('error', reject)
      request.end(method === 'POST' ? '{"fields":{"label":"x"}}' : undefined)
    })
  const upgrade = {
    ...{ connection: 'upgrade', upgrade: 'websocket' },
    ...{ 'sec-websocket-version': '13', 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==' },
  }
  return [
    await ask('/api/v1/records/mark', 'POST', {}),
    await ask('/socket.io/?EIO=4&transport=websocket', 'GET', upgrade),
  ]
}

const SECURE = { 'x-forwarded-proto': 'https' }

test.each([
  ['http page, http server', 'http://app.example', {}, false, true],
  ['https page, http server', 'https://app.example', {}, false, false],
  ['https page behind a trusted proxy', 'https://app.example', SECURE, true, true],
  ['http page behind a trusted https proxy', 'http://app.example', SECURE, true, false],
  ['https page behind a proxy that is not trusted', 'https://app.example', SECURE, false, false],
  ['other case', 'http://APP.example', {}, false, true],
  ['other port', 'http://app.example:81', {}, false, false],
  ['no page', 'null', {}, false, false],
])('origin: %s', async (_what, origin, headers, isTrusted, isOwn) => {
  const app = await startApp()
  const outer = express().set('trust proxy', isTrusted).use('/api/v1', app.records.router)
  const server = createServer(outer).listen(0, '127.0.0.1')
  atEnd(() => void server.close())
  await once(server, 'listening')
  const attached = app.records.attach(server)
  atEnd(() => attached.stop())
  const { port } = server.address() as AddressInfo
  const [write, upgraded] = await statuses(port, 'app.example', { origin, ...headers })
  expect([write !== 403, upgraded === 101]).toEqual([isOwn, isOwn])
})
