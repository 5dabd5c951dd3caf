// GET /events: what a socket receives, as Server-Sent Events.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import compression from 'compression'
import express from 'express'
import { beforeAll, describe, expect, it } from 'vitest'
import { WatchedRooms } from '../../../server/live/watchers.ts'
import { createCursors } from '../../../server/log/cursor.ts'
import { startApp, type TestApp } from '../../support/app.ts'
import { openStream } from '../../support/app-stream.ts'
import { atEnd } from '../../support/at-end.ts'
import { waitFor } from '../../support/wait-for.ts'

let app: TestApp
beforeAll(async () => {
  app = await startApp({ limits: { recheckMs: 200, streamsPerPerson: 20 } })
})

const save = (type: string, id: string, version: number, changes: object, as = 'bob') =>
  app.call('PATCH', `/records/${type}/${id}`, { as, body: { client_version: version, changes } })

const stream = (query: string, options: Parameters<typeof openStream>[2] = {}) =>
  openStream(app.origin, query, options)

describe('a stream', () => {
  it('begins with what it watches, and goes on with events', async () => {
    const { id } = await app.make('project', { name: 'Bridge' })
    const reader = await stream(`record=project:${id}&list=project`)
    expect(reader.status).toBe(200)
    expect(reader.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    })
    const watching = await reader.receives('Watching')
    expect(watching.records).toEqual([expect.objectContaining({ type: 'project', id, ok: true, version: 1 })])
    expect(watching.lists).toEqual([expect.objectContaining({ type: 'project', ok: true, behind: false })])
    expect(reader.lastId()).not.toBe('')

    await save('project', id, 1, { name: 'Bridge 2' })
    const event = await reader.receives('RecordUpdated', { id })
    expect(event).toMatchObject({ version: 2, changed_fields: ['name'], tenant_id: 'acme' })
    expect(reader.received.filter(({ name }) => name === 'RecordUpdated')).toHaveLength(1)
    reader.cut()
  })

  it('says a comment with its position while it has nothing to say', async () => {
    const { createStreams } = await import('../../../server/live/event-streams.ts')
    const served = createServer((request, response) => {
      const streams = createStreams({
        database: { cursors: createCursors(Buffer.alloc(32)) } as never,
        limits: { streamBufferBytes: 1_000 },
        position: () => ({ epoch: '0123456789abcdef', snapshot: '5:5:' }),
      })
      const beating = setInterval(() => streams.beat({ as_of: null, behind_ms: null }), 20)
      atEnd(() => {
        clearInterval(beating)
        streams.close()
      })
      response.writeHead(200)
      const actor = { id: 'alice', name: 'Alice', tenantId: 'acme' }
      const data = { actor, request, tabId: null, watching: new WatchedRooms() }
      streams.open(response, data).goLive()
    }).listen(0, '127.0.0.1')
    atEnd(() => served.close())
    await once(served, 'listening')
    const reader = await openStream(`http://127.0.0.1:${(served.address() as AddressInfo).port}`, '')
    await waitFor(() => reader.text().split(': still here').length > 2, { what: 'two comments' })
    expect(reader.lastId()).not.toBe('')
    expect(reader.heartbeats.length).toBeGreaterThan(0)
    expect(reader.received).toEqual([])
    reader.cut()
  })

  it.each([
    'record=project',
    'list=task:project_id',
    'list=:a=1',
    'record=project:1&cursor=garbage',
    `${'record=project:1&'.repeat(501)}`,
  ])('refuses %j', async (query) => {
    const answer = await app.call('GET', `/events?${query}`)
    expect([answer.status, answer.body.code]).toEqual([400, 'malformed'])
  })

  it('refuses requests without a session, and pages of other sites', async () => {
    expect((await app.call('GET', '/events?record=project:1', { as: null })).status).toBe(401)
    const foreign = await app.call('GET', '/events?record=project:1', {
      headers: { origin: 'https://evil.example' },
    })
    expect([foreign.status, foreign.body.code]).toEqual([403, 'cross_origin'])
  })

  it('is one of a limited number for one person', async () => {
    const readers = []
    for (let count = 0; count < 20; count += 1) readers.push(await stream('list=tag', { as: 'vera' }))
    const refused = await app.call('GET', '/events?list=tag', { as: 'vera' })
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '2'])
    for (const reader of readers) reader.cut()
    const headers = { authorization: 'Bearer vera' }
    const head = () => fetch(`${app.origin}/api/v1/events?list=tag`, { method: 'HEAD', headers })
    await waitFor(async () => (await head()).ok, { what: 'room again' })
  })
})

describe('who may receive', () => {
  it('answers what is missing and what is forbidden alike, and reveals neither', async () => {
    const { id } = await app.make('project', { name: 'Secret' })
    const reader = await stream(`record=project:${id}&record=project:99999&list=project`, { as: 'gina' })
    const { records } = await reader.receives('Watching')
    expect(records).toEqual([
      { type: 'project', id, ok: false, code: 'not_found' },
      { type: 'project', id: '99999', ok: false, code: 'not_found' },
    ])
    await save('project', id, 1, { name: 'More secret' })
    const own = await app.make('project', { name: 'Own' }, 'gina')
    await reader.receives('RecordCreated', { id: own.id })
    expect(reader.received.map(({ name }) => name)).toEqual(['Watching', 'RecordCreated'])
    reader.cut()
  })

  it('takes a record away when its reader may no longer see it', async () => {
    const note = await app.make('note', { owner: 'bob' }, 'bob')
    const reader = await stream(`record=note:${note.id}`, { as: 'bob' })
    await reader.receives('Watching')
    await app.sql(`update notes set owner = 'alice' where id = ?`, [note.id])
    const revoked = await reader.receives('AccessRevoked')
    expect(revoked.records).toEqual([{ type: 'note', id: note.id }])
    expect(reader.received.some(({ name }) => name === 'RecordUpdated')).toBe(false)
    reader.cut()
  })

  it('ends when the sign-in ends, and takes nothing away', async () => {
    app.people.set('eve', { id: 'eve', name: 'Eve', tenantId: 'acme', role: 'viewer' })
    const reader = await stream('list=project', { as: 'eve' })
    await reader.receives('Watching')
    app.people.delete('eve')
    await waitFor(reader.isClosed, { what: 'the end' })
    expect(reader.received.at(-1)).toMatchObject({ name: 'AccessRevoked', event: { signed_out: true } })
  })

  it('leaves no trace of a forbidden record in what is caught up', async () => {
    const first = await stream('list=note', { as: 'alice' })
    await first.receives('Watching')
    first.cut()
    await app.make('note', { owner: 'bob' }, 'bob')
    const own = await app.make('note', { owner: 'alice' })
    const second = await stream('list=note', { as: 'alice', after: first.lastId() })
    await second.receives('RecordCreated', { id: own.id })
    expect(second.received.filter(({ name }) => name !== 'Watching')).toHaveLength(1)
    second.cut()
  })
})

describe('resuming', () => {
  it('sends what was missed, and then what comes', async () => {
    const witness = await app.socket()
    await witness.watchList('task')
    const { id } = await app.make('task', { project_id: 7, title: 'One' })
    // Else the creation itself may lie after the first stream's position.
    await witness.receives('RecordCreated', { id })
    const first = await stream('list=task:project_id=7')
    await first.receives('Watching')
    first.cut()
    await save('task', id, 1, { title: 'Two' })
    await app.make('task', { project_id: 8, title: 'Elsewhere' })
    await app.sql('update tasks set project_id = 8 where id = ?', [id])

    const second = await stream(`list=task:project_id=7&cursor=${first.lastId()}`)
    await second.receives('RecordUpdated', { id, version: 3 })
    expect(second.received.slice(1).map(({ event }) => [event.id, event.version])).toEqual([
      [id, 2],
      [id, 3],
    ])
    const next = await app.make('task', { project_id: 7, title: 'Three' })
    await second.receives('RecordCreated', { id: next.id })
    second.cut()
  })

  it.each([
    ['unreadable', () => 'garbage'],
    ['of another database', () => Buffer.from('00112233aabbccdd 5:5:').toString('base64url')],
  ])('says Resync where the id is %s', async (_what, id) => {
    const reader = await stream('list=project', { after: id() })
    await reader.receives('Resync')
    expect(reader.lastId()).not.toBe(id())
    reader.cut()
  })
})

describe('what lies between', () => {
  it('is neither held back nor packed by compression()', async () => {
    const packed = createServer(
      express()
        .use(compression({ threshold: 0 }))
        .use('/api/v1', app.records.router),
    )
    packed.listen(0, '127.0.0.1')
    atEnd(() => {
      packed.closeAllConnections()
      packed.close()
    })
    await once(packed, 'listening')
    const origin = `http://127.0.0.1:${(packed.address() as AddressInfo).port}`
    const reader = await openStream(origin, 'list=project', { headers: { 'accept-encoding': 'gzip' } })
    await reader.receives('Watching')
    expect(reader.headers['content-encoding']).toBeUndefined()
    const made = await app.make('project', { name: 'Soon' })
    await reader.receives('RecordCreated', { id: made.id })
    reader.cut()
  })

  it('cuts off a reader who does not read', async () => {
    const slow = await startApp({ limits: { streamBufferBytes: 20_000, streamsPerPerson: 1 } })
    const reader = await openStream(slow.origin, 'list=tag')
    await reader.receives('Watching')
    reader.pause()
    const headers = { authorization: 'Bearer alice' }
    const isCutOff = async () =>
      (await fetch(`${slow.origin}/api/v1/events?list=tag`, { method: 'HEAD', headers })).ok
    expect(await isCutOff()).toBe(false)
    for (let round = 1; !(await isCutOff()); round += 1) {
      const id = `'${'x'.repeat(150)}-${round}-' || n`
      await slow.sql(`insert into tags (id) select ${id} from generate_series(1, 45) n`)
    }
  })
})

describe('the switch', () => {
  it('turns events off by person, and leaves the guard', async () => {
    const quiet = await startApp({ live: ({ tenantId }) => tenantId !== 'acme' })
    const refused = await quiet.call('GET', '/events?list=project')
    expect([refused.status, refused.body.code]).toEqual([403, 'live_off'])
    await expect(quiet.socket()).rejects.toMatchObject({ data: { code: 'live_off' } })
    const { id } = await quiet.make('project', { name: 'Guarded' })
    const change = (name: string) =>
      quiet.call('PATCH', `/records/project/${id}`, { body: { client_version: 1, changes: { name } } })
    expect([(await change('x')).status, (await change('y')).status]).toEqual([200, 409])
    const other = await openStream(quiet.origin, 'list=project', { as: 'gina' })
    expect(other.status).toBe(200)
    other.cut()
  })
})
