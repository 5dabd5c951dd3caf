// One stream for all tabs of a person.
import { transportKit } from 'noclobber/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../../../web/client/base/clock.ts'
import { createEventStreamTransport } from '../../../../web/client/transport/event-stream.ts'
import { createSharedStream } from '../../../../web/client/transport/shared-stream.ts'
import type { TransportEvent, TransportStatus } from '../../../../web/client/transport/transport.ts'
import { startApp, type TestApp } from '../../../support/app.ts'
import { atEnd } from '../../../support/at-end.ts'
import { createManualClock } from '../../../support/clocks.ts'
import { postgresUrl } from '../../../support/postgres.ts'
import { waitFor } from '../../../support/wait-for.ts'
import { createLocks } from '../offline/locks.ts'

const streamOf = (origin: string, person: () => string | null, tabId: string) =>
  createEventStreamTransport({ url: `${origin}/api/v1`, fetch, clock: systemClock, tabId, token: person })

let tabs = 0

describe('the transport', () => {
  const kit = transportKit({
    kind: 'event_stream',
    database: { serverUrl: postgresUrl() },
    create: ({ origin, token }) => {
      tabs += 1
      const tabId = `tab-${tabs}`
      const create = streamOf(origin, token, tabId)
      const identity = () => `${tabId} ${token()}`
      return createSharedStream({ create, identity, tabId, clock: systemClock, locks: createLocks() })
    },
  })
  afterAll(kit.stop)
  for (const { name, run } of kit.checks) test(name, run)
})

describe('several tabs', () => {
  let app: TestApp
  beforeAll(async () => {
    app = await startApp()
  })

  const locks = createLocks()
  let streams = 0
  const open = (name: string, group: string | null, clock = systemClock) => {
    tabs += 1
    const tabId = `${name}-${tabs}`
    const statuses: TransportStatus[] = []
    const events: TransportEvent[] = []
    const inner = streamOf(app.origin, () => 'alice', tabId)
    const shared = createSharedStream({
      create: (listener) => {
        streams += 1
        return inner(listener)
      },
      identity: () => group,
      tabId,
      clock,
      locks,
    })
    const transport = shared({
      onStatus: (status) => void statuses.push(status),
      onEvent: (event) => void events.push(event),
    })
    atEnd(() => transport.close())
    transport.connect()
    const connected = (count = 1) =>
      waitFor(() => statuses.filter((status) => status === 'connected').length >= count, {
        what: `${name} connected`,
      })
    const receives = (id: string, version: number) =>
      waitFor(
        () =>
          events.some(
            (received) =>
              'event' in received &&
              'version' in received.event &&
              received.event.version === version &&
              received.event.id === id,
          ),
        { what: `${name} receives version ${version}` },
      )
    return { transport, statuses, events, connected, receives }
  }
  const project = async () => (await app.make('project', { name: 'Bridge' })).id as string
  const rename = (id: string) => app.sql(`update projects set name = name || '!' where id = ?`, [id])

  test('read one stream, each what it asked for', async () => {
    streams = 0
    const [one, two] = [await project(), await project()]
    const first = open('first', 'a')
    await first.connected()
    const second = open('second', 'a')
    await second.connected()
    expect(await first.transport.watch({ records: [{ type: 'project', id: one }] })).toMatchObject({
      records: [{ id: one, ok: true, version: 1 }],
    })
    expect(await second.transport.watch({ records: [{ type: 'project', id: two }] })).toMatchObject({
      records: [{ id: two, ok: true, version: 1 }],
    })
    await rename(one)
    await rename(two)
    await first.receives(one, 2)
    await second.receives(two, 2)
    expect(streams).toBe(1)
  })

  test('when the one that reads goes, the next one reads, and everybody joins anew', async () => {
    const id = await project()
    const watchIt = { records: [{ type: 'project', id }] }
    const [first, second, third] = [open('first', 'b'), open('second', 'b'), open('third', 'b')]
    for (const tab of [first, second, third]) await tab.connected()
    for (const tab of [first, second, third]) await tab.transport.watch(watchIt)
    first.transport.close()
    await rename(id)
    await second.connected(2)
    await third.connected(2)
    for (const tab of [second, third])
      expect(await tab.transport.watch(watchIt)).toMatchObject({ records: [{ ok: true, version: 2 }] })
    await rename(id)
    await second.receives(id, 3)
    await third.receives(id, 3)
    // The creation may have been sent while it listened.
    expect(first.events.map(({ name }) => name)).not.toContain('RecordUpdated')
  })

  test('one that is frozen loses the lead', async () => {
    const frozen = createManualClock()
    const first = open('first', 'c', frozen)
    await first.connected()
    const clock = createManualClock()
    const second = open('second', 'c', clock)
    await second.connected()
    clock.forward(151_000)
    await second.connected(2)
    await waitFor(() => first.statuses.includes('lost'), { what: 'the first to know' })
    const id = await project()
    expect(await second.transport.watch({ records: [{ type: 'project', id }] })).toMatchObject({
      records: [{ ok: true }],
    })
    first.transport.connect()
    await first.connected(2)
    await first.transport.watch({ records: [{ type: 'project', id }] })
    await rename(id)
    await first.receives(id, 2)
  })

  test('one that was left the lead takes it from nobody, itself least of all', async () => {
    streams = 0
    const first = open('first', 'f')
    await first.connected()
    const clock = createManualClock()
    const second = open('second', 'f', clock)
    await second.connected()
    first.transport.close()
    await second.connected(2)
    clock.forward(151_000)
    const id = await project()
    expect(await second.transport.watch({ records: [{ type: 'project', id }] })).toMatchObject({
      records: [{ ok: true }],
    })
    await rename(id)
    await second.receives(id, 2)
    expect(streams).toBe(2)
  })

  test('of other people, or of nobody known, share nothing', async () => {
    streams = 0
    const [one, other, unknown] = [open('one', 'd'), open('other', 'e'), open('unknown', null)]
    for (const tab of [one, other, unknown]) await tab.connected()
    expect(streams).toBe(3)
  })
})
