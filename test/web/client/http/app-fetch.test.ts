// The app's own routes through the client's fetch: what they write belongs to this tab and person, once, and is shown here.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { requestContext } from 'noclobber/server'
import { afterAll, expect, test } from 'vitest'
import { waitFor } from '../../../support/wait-for.ts'
import { type Project, startLiveServer } from '../live-server.ts'

const seen: { path: string; headers: Record<string, unknown> }[] = []

const server = await startLiveServer((app, records) => {
  app.post('/archive/:id', express.json(), async (request, response) => {
    seen.push({ path: request.path, headers: request.headers })
    const name = /^Bearer (\w+)$/.exec(request.headers.authorization ?? '')?.[1] ?? ''
    const actor = { id: name, name, tenantId: '1' }
    const { clientVersion, isSilent } = request.body
    const outcome = await records.save('project', request.params.id, {
      ...{ actor, clientVersion, changes: { status: 'archived' }, ...requestContext(request, actor) },
    })
    if (outcome.outcome !== 'saved') return response.status(outcome.problem.status).json(outcome.problem)
    if (isSilent) return response.sendStatus(204)
    response.json({ data: outcome.record })
  })
  app.get('/slow', async (request, response) => {
    seen.push({ path: request.path, headers: request.headers })
    await waitFor(() => isAnswering, { what: 'the test' })
    response.json({ secret: 'of Alice' })
  })
})
let isAnswering = false

const archive = (clientVersion: number, more: object = {}, headers: Record<string, string> = {}) => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/json', ...headers },
  body: JSON.stringify({ clientVersion, ...more }),
})

async function open(person: string, id: string) {
  const client = server.openTab(person)
  const store = client.editor<Project>('project', id)
  const stop = store.subscribe(() => {})
  await waitFor(() => store.get().record && client.connection.get().status === 'live', {
    what: 'the open record',
  })
  return { client, store, stop }
}

test.each([{ isSilent: false }, { isSilent: true }])(
  'a route’s write is shown in this tab’s open record, with the record in its answer or without: %o',
  async (more) => {
    const id = await server.createProject('Bridge')
    const { client, store, stop } = await open('alice', id)
    const answer = await client.fetch(`${server.url}/archive/${id}`, archive(1, more))
    expect(answer.ok).toBe(true)
    await waitFor(() => store.get().record?.version === 2, { what: 'the record as it was written' })
    expect(store.get().record?.fields).toMatchObject({ status: 'archived' })
    store.change('name', 'Tunnel')
    expect(await store.save()).toMatchObject({ outcome: 'saved' })
    stop()
  },
)

test('a write says its tab, socket, person and key; sent twice under one key it is done once', async () => {
  const id = await server.createProject('Bridge')
  const { client, stop } = await open('alice', id)
  await client.read('project', id)
  const key = { 'Idempotency-Key': 'archive-1' }
  const first = await client.fetch(`${server.url}/archive/${id}`, archive(1, {}, key))
  const second = await client.fetch(`${server.url}/archive/${id}`, archive(1, {}, key))
  expect([first.status, second.status]).toEqual([200, 200])
  expect((await second.json()).data.version).toBe(2)
  const { headers } = seen.at(-1) ?? {}
  expect(headers).toMatchObject({
    'x-tab-id': client.tabId,
    'x-person-id': 'alice',
    'idempotency-key': 'archive-1',
  })
  expect(headers?.['x-socket-id']).toBeTruthy()
  await client.fetch(`${server.url}/archive/${id}`, archive(9))
  expect(seen.at(-1)?.headers['idempotency-key']).toMatch(/.{10}/)
  stop()
})

test('a page that speaks for another person is refused by the route, and writes nothing', async () => {
  const id = await server.createProject('Bridge')
  const answer = await fetch(`${server.url}/archive/${id}`, {
    ...archive(1, {}, { Authorization: 'Bearer bob', 'X-Person-ID': 'alice' }),
  })
  expect(answer.status).toBe(401)
  expect(await server.openTab('bob').version('project', id)).toMatchObject({ version: { version: 1 } })
})

test('an answer to somebody who has left is not handed out, and nobody signed in sends nothing', async () => {
  let person: string | null = 'alice'
  const client = server.openTab(() => person, { userId: () => person })
  const asked = client.fetch(`${server.url}/slow`)
  await waitFor(() => seen.at(-1)?.path === '/slow', { what: 'the request' })
  person = 'bob'
  isAnswering = true
  const answer = await asked
  expect([answer.status, await answer.text()]).toEqual([401, ''])
  person = null
  const sent = seen.length
  expect((await client.fetch(`${server.url}/slow`)).status).toBe(401)
  expect(seen.length).toBe(sent)
})

test('nothing of the person goes to another origin', async () => {
  let headers: Record<string, unknown> = {}
  const other = createServer((request, response) => {
    headers = request.headers
    response.end('elsewhere')
  })
  await new Promise<void>((resolve) => void other.listen(0, '127.0.0.1', resolve))
  afterAll(() => void other.close())
  const client = server.openTab('alice')
  const { port } = other.address() as AddressInfo
  const answer = await client.fetch(new Request(`http://127.0.0.1:${port}/hook`, { method: 'POST' }))
  expect(await answer.text()).toBe('elsewhere')
  expect(Object.keys(headers).filter((name) => /^x-|authorization|idempotency/.test(name))).toEqual([])
})
