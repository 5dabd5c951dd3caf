// One frame for many connections: whole at every length, in order with what Socket.IO sends itself, over every wire.
import { expect, test } from 'vitest'
import { SILENT } from '../../../server/base/logger.ts'
import { createShortcut } from '../../../server/base/shortcuts.ts'
import { socketAudience, textFrame, together } from '../../../server/live/socket-broadcast.ts'
import { startApp, type TestApp } from '../../support/app.ts'
import { waitFor } from '../../support/wait-for.ts'

test.each([0, 1, 125, 126, 127, 65_535, 65_536, 200_000])(
  'a frame of %d bytes says its length as RFC 6455 has it',
  (length) => {
    const frame = textFrame('x'.repeat(length))
    const head = length < 126 ? 2 : length < 65_536 ? 4 : 10
    expect(frame.length).toBe(head + length)
    expect(frame[0]).toBe(0x81)
    const said = head === 2 ? frame[1] : head === 4 ? frame.readUInt16BE(2) : Number(frame.readBigUInt64BE(2))
    expect(said).toBe(length)
  },
)

test('counts bytes, not letters', () => {
  expect(textFrame('日本 💥')[1]).toBe(Buffer.byteLength('日本 💥'))
})

const audienceOf = ({ io }: TestApp) => socketAudience(io, createShortcut('frames', true, SILENT))

/** A watcher is not given up, however much waits for it on a machine that is busy. */
const lenient = { limits: { bufferedBytes: 100_000_000 } }

test.each(['websocket', 'polling'] as const)(
  'events keep their order with other packets over %s, sent singly and together',
  async (transport) => {
    const app = await startApp(lenient)
    const audience = audienceOf(app)
    const { id } = await app.make('project', { name: 'Bridge' })
    const watcher = await app.socket({ as: 'bob', transports: [transport] })
    await watcher.watch(['project', id])
    const [socket] = [...app.io.sockets.sockets.values()]
    const room = [...(socket?.rooms ?? [])].find((name) => name.includes(':record:')) ?? ''
    const received: number[] = []
    watcher.socket.on('PresenceChanged', ({ id: number }) => received.push(Number(number)))
    const event = (number: number) => ({
      type: 'x'.repeat(number % 3 === 0 ? 70_000 : 10),
      id: String(number),
      people: [],
    })
    const send = (number: number) => {
      if (number % 4 === 3) socket?.emit('PresenceChanged', event(number))
      else audience.publish([room], [], 'PresenceChanged', event(number))
    }
    for (let number = 0; number < 300; number += 10) {
      const ten = Array.from({ length: 10 }, (_, more) => number + more)
      if (number % 20 === 0) together(() => ten.forEach(send))
      else ten.forEach(send)
      // Else what Socket.IO sends would still be under way, and everything after it would go its way.
      do await new Promise((resolve) => setImmediate(resolve))
      while (transport === 'websocket' && !socket?.conn.transport.writable)
    }
    await waitFor(() => received.length === 300, { what: 'every event' })
    expect(received).toEqual(Array.from({ length: 300 }, (_, number) => number))
  },
)

test('lets go of more than it holds back, all of it and in order, whatever happens meanwhile', async () => {
  const app = await startApp(lenient)
  const audience = audienceOf(app)
  const { id } = await app.make('project', { name: 'Bridge' })
  const watcher = await app.socket()
  await watcher.watch(['project', id])
  const [socket] = [...app.io.sockets.sockets.values()]
  const room = [...(socket?.rooms ?? [])].find((name) => name.includes(':record:')) ?? ''
  const received: string[] = []
  watcher.socket.on('PresenceChanged', ({ id: number }) => received.push(number))
  const sent = Array.from({ length: 12_000 }, (_, number) => String(number))
  const publishAll = () => {
    for (const number of sent)
      audience.publish([room], [], 'PresenceChanged', { type: 'project', id: number, people: [] })
    throw new Error('What is sent breaks.')
  }
  expect(() => together(publishAll)).toThrow('breaks')
  await waitFor(() => received.length === sent.length, { what: 'every event', deadlineMs: 20_000 })
  expect(received).toEqual(sent)
})

test('leaves out whom it is asked to, and sends nobody twice', async () => {
  const app = await startApp()
  const audience = audienceOf(app)
  const { id } = await app.make('project', { name: 'Bridge' })
  const [alice, bob] = [await app.socket(), await app.socket({ as: 'bob' })]
  for (const watcher of [alice, bob]) {
    await watcher.watch(['project', id])
    await watcher.watchList('project')
  }
  const rooms = [...app.io.of('/').adapter.rooms.keys()].filter((name) => /:(record|list):project/.test(name))
  const event = { type: 'project', id: 'only', people: [] }
  audience.publish(rooms, [alice.socket.id ?? ''], 'PresenceChanged', event)
  await bob.receives('PresenceChanged', { id: 'only' })
  await alice.watch()
  const received = [alice, bob].map(
    (watcher) => watcher.received.filter(({ event }) => event?.id === 'only').length,
  )
  expect(received).toEqual([0, 1])
})
