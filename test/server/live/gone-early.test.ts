// Who leaves before the answer: a reader before the stream is opened, or before its rooms are joined. Nothing of them stays, or
// it would count against the next, and be sent changes for ever.
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Actor, createRecordServer, type RecordServerOptions } from 'noclobber/server'
import { expect, test } from 'vitest'
import type { Stream } from '../../../server/live/event-stream.ts'
import { createStreams } from '../../../server/live/event-streams.ts'
import { WatchedRooms } from '../../../server/live/watchers.ts'
import { createWindow } from '../../../server/pacing/rate-limiters.ts'
import { createEnding } from '../../../server/pacing/timeouts.ts'
import { startApp } from '../../support/app.ts'
import { openStream } from '../../support/app-stream.ts'
import { atEnd } from '../../support/at-end.ts'
import { waitFor } from '../../support/wait-for.ts'

test('a reader who leaves during the sign-in counts as no stream', async () => {
  let signIn = () => {}
  let isHeld = true
  const held = new Promise<void>((resolve) => {
    signIn = resolve
  })
  const app = await startApp({
    limits: { streamsPerPerson: 1 },
    server: {
      createRecordServer: <A extends Actor>(options: RecordServerOptions<A>) =>
        createRecordServer<A>({
          log: null,
          ...options,
          authenticate: async (asked) => {
            if (isHeld) await held
            return options.authenticate(asked)
          },
        }),
    },
  })
  const left = new Promise<void>((resolve) => {
    app.server.once('request', (_request, response) => response.once('close', resolve))
  })
  const asked = request(`${app.origin}/api/v1/events?list=project`, {
    headers: { authorization: 'Bearer alice', accept: 'text/event-stream' },
  })
  asked.on('error', () => {})
  const received = once(app.server, 'request')
  asked.end()
  await received
  asked.destroy()
  await left
  isHeld = false
  signIn()
  const stream = await openStream(app.origin, 'list=project')
  expect(stream.status).toBe(200)
  await stream.receives('Watching')
  stream.cut()
})

test('a stream whose reader has left is put into no room', async () => {
  const streams = createStreams({
    database: {} as never,
    limits: { streamBufferBytes: 1_000_000 },
    position: () => null,
  })
  const opened: Stream[] = []
  const server = createServer((request, response) => {
    const actor = { id: 'alice', name: 'Alice', tenantId: 'acme' }
    opened.push(streams.open(response, { actor, request, tabId: null, watching: new WatchedRooms() }))
    response.writeHead(200).flushHeaders()
  }).listen(0, '127.0.0.1')
  atEnd(() => server.close())
  await once(server, 'listening')
  const reader = await openStream(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, '')
  const [stream] = opened as [Stream]
  reader.cut()
  await waitFor(() => !stream.connected, { what: 'the end of the stream' })
  stream.join(['a room'])
  expect(streams.audience.rooms().size).toBe(0)
})

test('an end keeps nothing of the work that is over, and ends what goes on', async () => {
  const ending = createEnding()
  expect(await ending.orEnd(Promise.resolve(1))).toBe(1)
  await expect(ending.orEnd(Promise.reject(new Error('its own')))).rejects.toThrow('its own')
  const goesOn = ending.orEnd(new Promise(() => {}))
  ending.end(new Error('over'))
  await expect(goesOn).rejects.toThrow('over')
  await expect(ending.orEnd(new Promise(() => {}))).rejects.toThrow('over')
})

test('a limit counts so many keys at a time, and forgets the oldest', () => {
  const window = createWindow(1, 60_000, () => 0, 2)
  expect(['a', 'b', 'a', 'b'].map((key) => window.spend(key))).toEqual([null, null, 60_000, 60_000])
  expect(window.spend('c')).toBeNull()
  expect(['b', 'a'].map((key) => window.spend(key))).toEqual([60_000, null])
})
