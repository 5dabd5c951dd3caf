// Writes by the app's own routes that wait for the server: each is done once, in order with the saves, for its own person, and its
// answer is received, by the page after a reload too.

import express from 'express'
import {
  createMemoryStorage,
  createOffline,
  type EditStorage,
  type LateAnswer,
  type QueuedRequest,
} from 'noclobber/offline'
import { requestContext } from 'noclobber/server'
import { expect, test } from 'vitest'
import { askedAt } from '../../../../web/client/device/asked-order.ts'
import { waitFor } from '../../../support/wait-for.ts'
import { createTabs } from '../browser-tabs.ts'
import { type Project, startLiveServer } from '../live-server.ts'

const seen: { key: string; person: string; authorization: string }[] = []

const server = await startLiveServer((app, records) => {
  app.post('/close/:id', express.json(), async (request, response) => {
    const name = /^Bearer (\w+)$/.exec(request.headers.authorization ?? '')?.[1]
    if (!name) return response.sendStatus(401)
    const actor = { id: name, name, tenantId: '1' }
    const { mutationId = '', ...context } = requestContext(request, actor)
    seen.push({ key: mutationId, person: name, authorization: request.headers.authorization ?? '' })
    const outcome = await records.save('project', request.params.id, {
      ...{ actor, clientVersion: request.body.version, changes: { status: request.body.status }, ...context },
      mutationId,
    })
    if (outcome.outcome !== 'saved') return response.status(outcome.problem.status).json(outcome.problem)
    response.json({ data: outcome.record })
  })
})

/** Pages of one browser. */
function createBrowser() {
  const tabs = createTabs()
  const storage = createMemoryStorage()
  const requests = createMemoryStorage<QueuedRequest>()
  return (person: string | (() => string | null) = 'alice', kept: EditStorage<QueuedRequest> = requests) => {
    const network = { state: 'up' as 'up' | 'down' | 'deaf' }
    const fetchOver: typeof fetch = async (input, init) => {
      if (network.state === 'down') throw new TypeError('no network')
      const answer = await fetch(input, init)
      await answer.clone().arrayBuffer()
      if (network.state === 'deaf' && init?.method === 'POST') throw new TypeError('the answer was lost')
      return answer
    }
    const offline = createOffline({ storage, requests: kept, tabs })
    const late: LateAnswer[] = []
    offline.onAnswered((answer) => late.push(answer))
    const userId = typeof person === 'string' ? () => person : person
    const client = server.openTab(person, { offline, userId, fetch: fetchOver })
    const close = (id: string, version: number, status = 'closed') =>
      client.fetch(`${server.url}/close/${id}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Authorization: 'Bearer secret' },
        body: JSON.stringify({ version, status }),
        queue: `Close ${id}`,
      })
    return { network, offline, client, late, close, requests }
  }
}

const statusOf = async (id: string) =>
  (await server.sql(`select name, status, version from projects where id = ${id}`)).rows[0]

test('with the server there it is answered as ever, and nothing is left behind', async () => {
  const id = await server.createProject()
  const page = createBrowser()()
  const before = seen.length
  const answer = await page.close(id, 1).catch((error) => error)
  // The header that the app gave is that of a session: each try signs in anew.
  expect(answer.status).toBe(200)
  expect(seen.slice(before)).toMatchObject([{ person: 'alice', authorization: 'Bearer alice' }])
  expect((await answer.json()).data).toMatchObject({ version: 2, fields: { status: 'closed' } })
  expect([await page.requests.all('alice'), page.late]).toEqual([[], []])
})

test('without a network it waits, outlives its page, and the next page sends it and receives the answer', async () => {
  const id = await server.createProject()
  const open = createBrowser()
  const page = open()
  page.network.state = 'down'
  const answer = await page.close(id, 1)
  expect(answer.status).toBe(202)
  expect(await answer.json()).toMatchObject({ queued: { isKept: true } })
  expect(page.offline.unsent.get().requests).toMatchObject([{ label: `Close ${id}`, refusal: null }])
  expect(JSON.stringify(await page.requests.all('alice'))).not.toContain('secret')
  page.client.close()

  const next = open()
  await waitFor(() => next.late.length === 1, { what: 'the answer' })
  expect(next.late[0]).toMatchObject({ request: { label: `Close ${id}` }, response: { status: 200 } })
  expect(await statusOf(id)).toMatchObject({ status: 'closed', version: '2' })
  await waitFor(() => next.offline.unsent.get().requests.length === 0, { what: 'nothing unsent' })
})

test('one whose answer was lost is sent again under its key, and done once', async () => {
  const id = await server.createProject()
  const page = createBrowser()()
  const before = seen.length
  page.network.state = 'deaf'
  expect((await page.close(id, 1)).status).toBe(202)
  page.network.state = 'up'
  page.offline.retry()
  await waitFor(() => page.late.length === 1, { what: 'the answer' })
  const keys = seen.slice(before).map(({ key }) => key)
  expect([keys.length >= 2, new Set(keys).size]).toEqual([true, 1])
  expect(page.late[0]?.response.status).toBe(200)
  expect(await statusOf(id)).toMatchObject({ version: '2' })
})

test('it is sent behind the save that was asked for before it, and before the one after it', async () => {
  const [id, other] = [await server.createProject(), await server.createProject()]
  const page = createBrowser()()
  const [editor, second] = [id, other].map((each) => page.client.editor<Project>('project', each))
  for (const one of [editor, second]) one?.subscribe(() => {})
  await waitFor(() => editor?.get().record && second?.get().record, { what: 'the records' })
  page.network.state = 'down'
  editor?.change('name', 'Tunnel')
  await editor?.save()
  await page.close(id, 2)
  await page.close(other, 1, 'paused')
  second?.change('name', 'Dam')
  await second?.save()
  page.network.state = 'up'
  page.offline.retry()
  await waitFor(() => page.late.length === 2, { what: 'both answers' })
  expect(page.late.map(({ response }) => response.status)).toEqual([200, 200])
  expect(await statusOf(id)).toEqual({ name: 'Tunnel', status: 'closed', version: '3' })
  await waitFor(() => page.offline.unsent.get().entries.length === 0, { what: 'the last save' })
  const written = await server.sql(`select record_id, version from noclobber.changes
    where table_name = 'public.projects' and record_id in ('${id}', '${other}') and version > 1 order by seq`)
  expect(
    written.rows.map((row: { record_id: string; version: string }) => `${row.record_id} ${row.version}`),
  ).toEqual([`${id} 2`, `${id} 3`, `${other} 2`, `${other} 3`])
})

test('a refused one waits for its owner, holds nothing else up, and is sent again or discarded when they say so', async () => {
  const [id, other] = [await server.createProject(), await server.createProject()]
  const page = createBrowser()()
  page.network.state = 'down'
  await page.close(id, 9)
  await page.close(other, 1)
  page.network.state = 'up'
  page.offline.retry()
  await waitFor(() => page.late.length === 2, { what: 'both answers' })
  expect(page.late.map(({ response }) => response.status)).toEqual([409, 200])
  const { requests } = page.offline.unsent.get()
  expect(requests).toMatchObject([
    { label: `Close ${id}`, refusal: { status: 409, detail: expect.any(String) } },
  ])
  const key = requests[0]?.key ?? ''
  page.offline.resend(key)
  await waitFor(() => page.late.length === 3, { what: 'the second refusal' })
  await page.offline.discard(key)
  expect(page.offline.unsent.get()).toMatchObject({ requests: [], discardedRequests: [{ key }] })
  page.offline.undoDiscard(key)
  await waitFor(() => page.late.length === 4, { what: 'the third refusal' })
  await page.offline.clear()
  expect([await page.requests.all('alice'), page.offline.unsent.get().requests]).toEqual([[], []])
})

test('nobody gets, shows or sends what another person left, and its caller is not answered for the next', async () => {
  const id = await server.createProject()
  const open = createBrowser()
  let person: string | null = 'alice'
  const page = open(() => person)
  page.network.state = 'down'
  await page.close(id, 1)
  const before = seen.length
  person = 'bob'
  page.client.reconnect()
  page.network.state = 'up'
  page.offline.retry()
  const own = await page.close(id, 1, 'paused')
  expect([own.status, page.offline.unsent.get().requests]).toEqual([200, []])
  expect(seen.slice(before).map((one) => one.person)).toEqual(['bob'])
  expect(await page.requests.all('alice')).toHaveLength(1)
  person = 'alice'
  page.client.reconnect()
  await waitFor(() => page.late.length === 1, { what: 'Alice’s answer' })
  expect(page.late[0]?.response.status).toBe(409)
  person = null
  expect((await page.close(id, 1)).status).toBe(401)
})

test('storage that fails is said in the answer, and the request is sent by this page', async () => {
  const id = await server.createProject()
  const broken = createMemoryStorage<QueuedRequest>()
  const page = createBrowser()('alice', { ...broken, put: async () => Promise.reject(new Error('barred')) })
  page.network.state = 'down'
  expect(await (await page.close(id, 1)).json()).toMatchObject({ queued: { isKept: false } })
  expect(page.offline.unsent.get().storage).toBe('barred')
  page.network.state = 'up'
  page.offline.retry()
  await waitFor(() => page.late.length === 1, { what: 'the answer' })
  expect(await statusOf(id)).toMatchObject({ status: 'closed' })
})

test('what can’t wait is refused at once: reads, bodies that are no text, other origins, a client without offline', async () => {
  const { client } = createBrowser()()
  const post = { method: 'POST', queue: 'Post' }
  const address = `${server.url}/close/1`
  for (const [asked, said] of [
    [client.fetch(address, { queue: 'Read' }), 'only reads'],
    [client.fetch(address, { ...post, body: new Blob(['a']) }), 'no text'],
    [client.fetch(new Request(address, { method: 'POST' }), post), 'a Request'],
    [client.fetch('http://127.0.0.1:1/hook', post), 'another origin'],
    [server.openTab('alice').fetch(address, post), 'without `offline`'],
  ] as const)
    await expect(asked).rejects.toThrow(said)
})

test('what is asked for in one millisecond keeps its order', () => {
  const clock = { now: () => 1_800_000_000_000, after: () => () => {} }
  const asked = Array.from({ length: 100 }, () => askedAt(clock))
  expect(asked[0]).toBe(clock.now())
  expect(asked).toEqual([...new Set(asked)].toSorted((a, b) => a - b))
})
