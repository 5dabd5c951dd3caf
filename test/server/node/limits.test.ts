// How much is too much, tried from outside.
import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { DEFAULT_LIMITS, limitsOf } from '../../../server/base/options.ts'
import { startApp } from '../../support/app.ts'
import { clientOf } from '../../support/app-socket.ts'
import { atEnd } from '../../support/at-end.ts'
import { isWithout } from '../../support/programs.ts'
import { redisClient, startRedis } from '../../support/redis.ts'
import { expectSharedLimit, SHARED_LIMIT } from '../../support/shared-limit.ts'
import { waitFor } from '../../support/wait-for.ts'

test.each([
  [{ roomsPerSockets: 1 }, 'There is no limit "roomsPerSockets". There are bodyBytes, '],
  [{ pollMs: '1000' }, 'limits.pollMs must be a number, not 1000.'],
  [{ pollMs: Number.NaN }, 'limits.pollMs must be a number, not NaN.'],
])('a limit that is none is refused at once: %j', async (limits, sentence) => {
  await expect(startApp({ limits: limits as never })).rejects.toThrow(sentence)
})

test('a limit that is left undefined has its default', () => {
  expect(limitsOf({ pollMs: undefined as never, gapMs: 20 })).toEqual({ ...DEFAULT_LIMITS, gapMs: 20 })
})

describe('requests', () => {
  test('of one person beyond the limit are 429 with Retry-After; others go on', async () => {
    const app = await startApp({ limits: { requestsPerPerson: 5 } })
    const statuses: number[] = []
    for (let count = 0; count < 7; count += 1)
      statuses.push((await app.call('GET', '/records/project')).status)
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429])
    const refused = await app.call('GET', '/records/project')
    expect(refused.body).toMatchObject({ code: 'rate_limited', status: 429 })
    const retryAfterS = Number(refused.headers.get('retry-after'))
    expect(retryAfterS).toBeGreaterThan(0)
    expect(retryAfterS).toBeLessThanOrEqual(60)
    expect((await app.call('GET', '/records/project', { as: 'bob' })).status).toBe(200)
  })

  test('from one address beyond the limit are 429 before anybody looks who it is', async () => {
    const app = await startApp({ limits: { requestsPerAddress: 3 } })
    const statuses: number[] = []
    for (let count = 0; count < 5; count += 1) {
      statuses.push((await app.call('GET', '/records/project', { as: null })).status)
    }
    expect(statuses).toEqual([401, 401, 401, 429, 429])
  })

  test.skipIf(isWithout('redis'))('count on all nodes together where there is Redis', async () => {
    const { url } = await startRedis()
    const one = await startApp({ limits: SHARED_LIMIT, redis: redisClient(url) })
    const two = await startApp({ limits: SHARED_LIMIT, redis: redisClient(url), database: one.database })
    await expectSharedLimit(one, two)
  })

  test.skipIf(isWithout('redis'))('wait for no Redis that stands still', async () => {
    const redis = await startRedis()
    const app = await startApp({ redis: redisClient(redis.url) })
    await app.call('GET', '/records/project')
    redis.signal('SIGSTOP')
    const begun = performance.now()
    for (let count = 0; count < 20; count += 1)
      expect((await app.call('GET', '/records/project')).status).toBe(200)
    expect(performance.now() - begun).toBeLessThan(10_000)
    redis.signal('SIGCONT')
  })
})

describe('a socket', () => {
  test('too many of one person is refused, and let in when one has gone', async () => {
    const app = await startApp({ limits: { socketsPerPerson: 2 } })
    const [first] = [await app.socket(), await app.socket()]
    await expect(app.socket()).rejects.toMatchObject({ data: { code: 'rate_limited' } })
    await app.socket({ as: 'bob' })
    first?.socket.disconnect()
    await waitFor(() => app.socket().then(Boolean, () => false), { what: 'room for another socket' })
  })

  test('that asks for too much at once is refused, and its other messages are answered later', async () => {
    const app = await startApp({ limits: { joinsPerSecond: 10, messagesPerSecond: 4 } })
    const watcher = await app.socket()
    const records = Array.from({ length: 11 }, (_, number) => ({ type: 'project', id: String(number + 1) }))
    expect(await watcher.ask('watch', { records })).toMatchObject({ ok: false, code: 'rate_limited' })
    await waitFor(async () => 'records' in (await watcher.ask('watch', { records: records.slice(0, 1) })), {
      what: 'a further second',
    })
    const answers = await Promise.all(
      Array.from({ length: 24 }, () =>
        watcher.ask('presence', { type: 'project', id: '1', state: 'viewing' }),
      ),
    )
    expect(answers.filter(({ code }) => code === 'rate_limited').length).toBeGreaterThanOrEqual(8)
  })

  test('may be in so many rooms and no more', async () => {
    const app = await startApp({ limits: { roomsPerSocket: 3 } })
    const ids: string[] = []
    for (const name of ['A', 'B', 'C', 'D']) ids.push((await app.make('project', { name })).id)
    const watcher = await app.socket()
    const answers: boolean[] = []
    for (const id of ids) answers.push((await watcher.watch(['project', id])).records[0].ok)
    expect(answers).toEqual([true, true, true, false])
  })

  test('that sends a frame that is too large is closed, and nobody else', async () => {
    const app = await startApp({ limits: { frameBytes: 2_000 } })
    const [large, other] = [await app.socket(), await app.socket({ as: 'bob' })]
    large.socket.emit('watch', { records: 'x'.repeat(5_000) })
    await waitFor(() => !large.socket.connected, { what: 'the closing' })
    expect(await other.watch()).toMatchObject({ records: [] })
  })

  test('that doesn’t read is closed when too much waits for it, and the others receive everything', {
    tags: 'fault:client-not-reading',
  }, async () => {
    const app = await startApp({ limits: { bufferedBytes: 50_000, recheckMs: 600_000 } })
    const { id } = await app.make('project', { name: 'Bridge' })
    const reader = await app.socket({ as: 'bob' })
    await reader.watch(['project', id])
    const { hostname, port } = new URL(app.origin)
    const deaf = connect(Number(port), hostname)
    atEnd(() => deaf.destroy())
    deaf.on('error', () => {})
    const key = Buffer.from('0123456789abcdef').toString('base64')
    deaf.write(
      `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\n` +
        `Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n` +
        'Authorization: Bearer alice\r\n\r\n',
    )
    await new Promise((resolve) => deaf.once('data', resolve))
    deaf.write(maskedText('40{}'))
    deaf.write(maskedText(`42["watch",{"records":[{"type":"project","id":"${id}"}]}]`))
    const { io } = sockets(app)
    await waitFor(() => io().length === 2, { what: 'both sockets' })
    deaf.pause()
    const gone = () => io().length === 1
    const much = 'x'.repeat(20_000)
    for (let round = 0; !gone() && round < 60; round += 1) {
      for (const socket of io()) for (let count = 0; count < 20; count += 1) socket.emit('Much', much)
      await waitFor(gone, { what: 'the closing', deadlineMs: 100 }).catch(() => {})
    }
    expect(gone()).toBe(true)
    expect(reader.socket.connected).toBe(true)
    expect(await (await fetchMetrics(app)).includes('noclobber_slow_readers_total 1')).toBe(true)
  })
})

/** The server's side of an app's sockets. */
const sockets = (app: Awaited<ReturnType<typeof startApp>>) => ({
  io: () => [...app.io.sockets.sockets.values()],
})

const fetchMetrics = (app: Awaited<ReturnType<typeof startApp>>) => app.records.metrics.text()

/** A client's text frame (RFC 6455, 5.3), masked with zeros. */
function maskedText(text: string): Buffer {
  const payload = Buffer.from(text)
  const head =
    payload.length < 126
      ? Buffer.from([0x81, 0x80 | payload.length])
      : Buffer.from([0x81, 0x80 | 126, payload.length >> 8, payload.length & 255])
  return Buffer.concat([head, Buffer.alloc(4), payload])
}

test('a handshake of nobody costs no room', async () => {
  const app = await startApp()
  const outsider = clientOf(app.origin, { as: 'mallory' })
  const refused = await new Promise<Error & { data?: object }>((resolve) => {
    outsider.once('connect_error', resolve)
    outsider.connect()
  })
  expect(refused.data).toMatchObject({ code: 'unauthenticated' })
  expect(sockets(app).io()).toEqual([])
})
