// What every transport owes the client above it (web/client/transport/transport.ts), tried against a real server behind a proxy
// that can be cut. A transport of one's own is tried by the same call.
import { beforeAll, describe, expect, it } from 'vitest'
import type {
  CreateTransport,
  Transport,
  TransportEvent,
  TransportKind,
  TransportStatus,
} from '../../../../web/client/transport/transport.ts'
import { startApp, type TestApp } from '../../../support/app.ts'
import { atEnd } from '../../../support/at-end.ts'
import { type FaultProxy, startFaultProxy } from '../../../support/fault-proxy.ts'
import { waitFor } from '../../../support/wait-for.ts'

export interface TransportSetup {
  origin: string
  token: () => string | null
}

/** Tries a transport of this kind. */
export function transportContract(kind: TransportKind, make: (setup: TransportSetup) => CreateTransport) {
  describe(`the transport ${kind}`, () => {
    let app: TestApp
    let proxy: FaultProxy
    beforeAll(async () => {
      app = await startApp({ live: ({ id }) => id !== 'vera', limits: { recheckMs: 200 } })
      proxy = await startFaultProxy(Number(new URL(app.origin).port))
    })

    function open(person: string | (() => string | null) = 'alice') {
      const statuses: [TransportStatus, TransportKind | null][] = []
      const events: TransportEvent[] = []
      const token = typeof person === 'string' ? () => person : person
      const create = make({ origin: proxy.urlFor(app.origin).replace(/\/$/, ''), token })
      const transport: Transport = create({
        onStatus: (...status) => void statuses.push(status),
        onEvent: (event) => void events.push(event),
      })
      atEnd(() => transport.close())
      const is = (status: TransportStatus) =>
        waitFor(() => statuses.at(-1)?.[0] === status, { what: `${kind} ${status}`, deadlineMs: 15_000 })
      const receives = (id: string, version: number) =>
        waitFor(
          () =>
            events.some(
              (received) =>
                'event' in received &&
                'version' in received.event &&
                received.event.id === id &&
                received.event.version === version,
            ),
          { what: `version ${version} of ${id}`, deadlineMs: 10_000 },
        )
      return { transport, statuses, events, is, receives }
    }

    const rename = (id: string) => app.sql(`update projects set name = name || '!' where id = ?`, [id])
    const project = async () => (await app.make('project', { name: 'Bridge' })).id as string

    it('says its kind, answers with versions, and delivers what comes after them', async () => {
      const id = await project()
      const { transport, statuses, is, receives } = open()
      expect(transport.id()).toBeNull()
      expect(await transport.watch({ records: [{ type: 'project', id }] })).toBeNull()
      transport.connect()
      transport.connect()
      await is('connected')
      expect(statuses).toEqual([['connected', kind]])
      expect(transport.id()).toEqual(expect.any(String))
      const answer = await transport.watch({
        records: [
          { type: 'project', id },
          { type: 'project', id: '99999' },
        ],
        lists: [{ type: 'task', scope: { project_id: '1' } }],
      })
      expect(answer).toMatchObject({
        records: [
          { type: 'project', id, ok: true, version: 1, deleted: false },
          { type: 'project', id: '99999', ok: false, code: 'not_found' },
        ],
        lists: [{ type: 'task', scope: { project_id: '1' }, ok: true, cursor: expect.any(String) }],
      })
      await rename(id)
      await receives(id, 2)
    })

    it('lets more be watched while it delivers the rest', async () => {
      const [first, second, third] = [await project(), await project(), await project()]
      const { transport, is, receives } = open()
      transport.connect()
      await is('connected')
      await transport.watch({ records: [{ type: 'project', id: first }] })
      const [more, most] = await Promise.all([
        transport.watch({ records: [{ type: 'project', id: second }] }),
        transport.watch({ records: [{ type: 'project', id: third }] }),
      ])
      expect([more, most]).toMatchObject([{ records: [{ id: second }] }, { records: [{ id: third }] }])
      for (const id of [first, second, third]) await rename(id)
      for (const id of [first, second, third]) await receives(id, 2)
      await transport.unwatch({ records: [{ type: 'project', id: first }] })
      await rename(second)
      await receives(second, 3)
    })

    it('says whether a list has changed since its cursor', async () => {
      const { body } = await app.call('GET', '/records/task?project_id=5')
      const list = { type: 'task', scope: { project_id: '5' }, cursor: body.cursor }
      const { transport, is } = open()
      transport.connect()
      await is('connected')
      expect(await transport.watch({ lists: [list] })).toMatchObject({ lists: [{ ok: true, behind: false }] })
      await app.make('task', { project_id: 5, title: 'One' })
      await transport.unwatch({ lists: [list] })
      expect(await transport.watch({ lists: [list] })).toMatchObject({ lists: [{ ok: true, behind: true }] })
    })

    it('is lost once, tries nothing by itself, and knows what happened meanwhile', async () => {
      const id = await project()
      const { transport, statuses, is, receives } = open()
      transport.connect()
      await is('connected')
      await transport.watch({ records: [{ type: 'project', id, version: 1 }] })
      proxy.set('refuse')
      await is('lost')
      expect(transport.id()).toBeNull()
      await rename(id)
      transport.connect()
      await waitFor(() => statuses.length === 3, { what: 'the failed try', deadlineMs: 15_000 })
      expect(statuses.map(([status]) => status)).toEqual(['connected', 'lost', 'lost'])
      proxy.set('pass')
      transport.connect()
      await is('connected')
      const answer = await transport.watch({ records: [{ type: 'project', id, version: 1 }] })
      expect(answer).toMatchObject({ records: [{ id, ok: true, version: 2 }] })
      await rename(id)
      await receives(id, 3)
    })

    it('takes a refusal for a refusal, and another sign-in for another', async () => {
      const id = await project()
      let name: string | null = 'outsider'
      const { transport, is, statuses } = open(() => name)
      transport.connect()
      await is('refused')
      expect(statuses).toHaveLength(1)
      name = 'alice'
      transport.reconnect()
      await is('connected')
      expect(await transport.watch({ records: [{ type: 'project', id }] })).toMatchObject({
        records: [{ ok: true }],
      })
    })

    it('is off where live events are', async () => {
      const { transport, is } = open('vera')
      transport.connect()
      await is('off')
    })

    it('reports access that goes', async () => {
      const note = await app.make('note', { owner: 'alice' })
      const { transport, is, events } = open()
      transport.connect()
      await is('connected')
      await transport.watch({ records: [{ type: 'note', id: note.id }] })
      await app.sql(`update notes set owner = 'bob' where id = ?`, [note.id])
      await waitFor(() => events.some(({ name }) => name === 'AccessRevoked'), { what: 'AccessRevoked' })
    })

    it('delivers nothing once it is closed', async () => {
      const id = await project()
      const { transport, is, events, statuses } = open()
      const other = open()
      transport.connect()
      other.transport.connect()
      await is('connected')
      await other.is('connected')
      await transport.watch({ records: [{ type: 'project', id }] })
      await other.transport.watch({ records: [{ type: 'project', id }] })
      transport.close()
      const before = events.length
      await rename(id)
      await other.receives(id, 2)
      expect(events).toHaveLength(before)
      expect(statuses.at(-1)?.[0]).toBe('closed')
      expect(transport.id()).toBeNull()
    })
  })
}
