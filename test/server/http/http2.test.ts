// The routes and the sockets on Node's own HTTP/2: the page's host is known, a reader who leaves is forgotten, and the server stops
// although its sessions are open.
import { once } from 'node:events'
import { type ClientHttp2Session, connect, createSecureServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { createRecordServer } from 'noclobber/server'
import { expect, test } from 'vitest'
import { startApp, TYPES } from '../../support/app.ts'
import { clientOf } from '../../support/app-socket.ts'
import { atEnd } from '../../support/at-end.ts'
import { certificate } from '../../support/certificate.ts'
import { waitFor } from '../../support/wait-for.ts'

const app = await startApp()
const records = createRecordServer({
  log: null,
  knex: app.knex,
  types: TYPES,
  authenticate: () => ({ id: 'alice', name: 'Alice', tenantId: 'acme', role: 'editor' as const }),
  limits: { streamsPerPerson: 1, leaveMs: 2_000 },
})
atEnd(() => records.stop())
const server = createSecureServer({ ...certificate, allowHTTP1: true }, records.handler).listen(
  0,
  '127.0.0.1',
)
await once(server, 'listening')
records.attach(server)
const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`

const open = async (): Promise<ClientHttp2Session> => {
  const session = connect(origin, { rejectUnauthorized: false })
  atEnd(() => session.destroy())
  await once(session, 'connect')
  return session
}

const ask = (session: ClientHttp2Session, method: string, path: string, body?: object, headers = {}) => {
  const stream = session.request({
    ':method': method,
    ':path': `/api/v1${path}`,
    ...(body && { 'content-type': 'application/json' }),
    ...headers,
  })
  stream.end(body && JSON.stringify(body))
  return stream
}

const answerOf = async (...asked: Parameters<typeof ask>) => {
  const stream = ask(...asked)
  const [head] = await once(stream, 'response')
  let text = ''
  for await (const chunk of stream.setEncoding('utf8')) text += chunk
  return { status: head[':status'], body: text === '' ? null : JSON.parse(text) }
}

test('a page of the server’s own host may write, and one of another may not', async () => {
  const session = await open()
  const { id } = await app.make('project', { name: 'Bridge' })
  const save = (page: string, version: number) =>
    answerOf(
      session,
      'PATCH',
      `/records/project/${id}`,
      { client_version: version, changes: { name: `By ${version}` } },
      { origin: page },
    )
  expect(await save(origin, 1)).toMatchObject({ status: 200, body: { data: { version: 2 } } })
  expect(await save('https://evil.example.com', 2)).toMatchObject({
    status: 403,
    body: { code: 'cross_origin', detail: expect.stringContaining(new URL(origin).host) },
  })
})

test('a reader who leaves makes room for the next', async () => {
  const session = await open()
  const events = async () => {
    const stream = ask(session, 'GET', '/events?list=project', undefined, { accept: 'text/event-stream' })
    const [head] = await once(stream, 'response')
    return { stream, status: head[':status'] }
  }
  const first = await events()
  expect([first.status, (await events()).status]).toEqual([200, 429])
  first.stream.close()
  const next = await waitFor(
    async () => {
      const { stream, status } = await events()
      return status === 200 ? stream : undefined
    },
    { what: 'room' },
  )
  next.close()
})

test('sockets connect by long polling and by WebSocket beside it', async () => {
  for (const transports of [['polling'], ['websocket']] as const) {
    const socket = clientOf(origin, {
      transports: [...transports],
      options: { rejectUnauthorized: false },
    })
    atEnd(() => socket.disconnect())
    await new Promise((resolve, reject) => {
      socket
        .once('connect', () => resolve(null))
        .once('connect_error', reject)
        .connect()
    })
    expect(await socket.timeout(10_000).emitWithAck('watch', { lists: [{ type: 'project' }] })).toMatchObject(
      {
        lists: [{ ok: true }],
      },
    )
    socket.disconnect()
  }
})

test('it stops although a session is open and asks for nothing', async () => {
  const session = await open()
  const closed = once(session, 'close')
  await records.stop()
  await closed
  expect(server.listening).toBe(false)
})
