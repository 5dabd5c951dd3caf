// Each refusal says what it is about: another origin's page, a failed sign-in, a step of setting up. The log says it too.
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import createKnex from 'knex'
import { createRecordServer, defineRecordType, type Logger } from 'noclobber/server'
import { createServer } from 'vite'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { startApp } from '../../support/app.ts'
import { atEnd } from '../../support/at-end.ts'
import { freshDatabase } from '../../support/postgres.ts'

interface Line {
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects
  details: any
  message: string
}

const keeping = () => {
  const lines: Line[] = []
  const keep = (details: object, message: string) => void lines.push({ details, message })
  const log: Logger = { info: () => {}, warn: keep, error: keep }
  return { lines, log }
}

test('a page of another origin is refused with both hosts and the cure, logged once for each pair', async () => {
  const { lines, log } = keeping()
  const app = await startApp({ log })
  const { id } = await app.make('project', { name: 'a' })
  const save = (origin: string, to = app.origin) =>
    fetch(`${to}/api/v1/records/project/${id}`, {
      method: 'PATCH',
      headers: { authorization: 'Bearer alice', 'content-type': 'application/json', origin },
      body: '{"client_version":1,"changes":{"name":"b"}}',
    })
  const foreign = await save('https://app.example.com')
  const { code, detail } = (await foreign.json()) as { code: string; detail: string }
  expect([foreign.status, code]).toEqual([403, 'cross_origin'])
  expect(detail).toContain('The page is of https://app.example.com')
  expect(detail).toContain(`its request came to ${app.origin}`)
  expect(detail).toContain('list the page')
  await save('https://app.example.com')
  await save('https://other.example.com')
  const options = { extraHeaders: { origin: 'https://app.example.com' } }
  await expect(app.socket({ options })).rejects.toThrow()
  expect(lines.map(({ details: { page, host } }) => [page, host])).toEqual([
    ['https://app.example.com', app.origin],
    ['https://other.example.com', app.origin],
  ])

  // Vite's proxy, in its short form, sends the host that it proxies to.
  const vite = await createServer({
    configFile: false,
    logLevel: 'silent',
    optimizeDeps: { noDiscovery: true },
    server: { port: 0, host: '127.0.0.1', proxy: { '/api': app.origin }, watch: null, hmr: false },
  })
  atEnd(() => vite.close())
  await vite.listen()
  const page = String(vite.resolvedUrls?.local[0]).replace(/\/$/, '')
  const proxied = (await (await save(page, page)).json()) as { detail: string }
  expect(proxied.detail).toMatch(
    new RegExp(`The page is of ${page}, its request came to ${app.origin}.*Vite: changeOrigin: false`),
  )
})

test('a preflight of another origin is logged, where the browser shows no answer', async () => {
  const { lines, log } = keeping()
  const app = await startApp({ log })
  const headers = { origin: 'https://app.example.com', 'access-control-request-method': 'PATCH' }
  const answer = await fetch(`${app.origin}/api/v1/records/project/1`, { method: 'OPTIONS', headers })
  expect(answer.status).toBe(403)
  expect(lines).toMatchObject([{ details: { page: 'https://app.example.com', host: app.origin } }])
})

test('what authenticate throws is answered as that, over HTTP and to a socket, and is logged', async () => {
  const { lines, log } = keeping()
  const app = await startApp({ log })
  app.people.set('bob', new RangeError('The token is odd.'))
  app.people.set('vera', Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }))
  const thrown = await app.call('GET', '/records/project', { as: 'bob' })
  expect([thrown.status, thrown.body.code]).toEqual([500, 'internal'])
  expect(thrown.body.detail).toContain('`authenticate` of the app threw')
  const away = await app.call('GET', '/records/project', { as: 'vera' })
  expect([away.status, away.body.code, away.body.title]).toEqual([
    503,
    'unavailable',
    'Signing in is not possible',
  ])
  expect(`${away.body.title}${away.body.detail}`).not.toMatch(/database/i)
  const refused = await app.socket({ as: 'bob' }).catch((error) => error.data)
  expect(refused).toMatchObject({ code: 'internal', detail: thrown.body.detail })
  const failed = new TypeError('fetch failed', { cause: Object.assign(new Error(''), { code: 'ENOTFOUND' }) })
  const late = new DOMException('The operation was aborted due to timeout', 'TimeoutError')
  const coded = (code: string) => Object.assign(new Error(code), { code })
  for (const error of [
    failed,
    late,
    coded('UND_ERR_CONNECT_TIMEOUT'),
    coded('ERR_JWKS_TIMEOUT'),
    coded('P1001'),
  ]) {
    app.people.set('vera', error)
    expect((await app.call('GET', '/records/project', { as: 'vera' })).status, String(error)).toBe(503)
  }
  expect(lines.map(({ details }) => details.err.message)).toEqual([
    'The token is odd.',
    'connect',
    'The token is odd.',
    ...['fetch failed', 'The operation was aborted due to timeout'],
    ...['UND_ERR_CONNECT_TIMEOUT', 'ERR_JWKS_TIMEOUT', 'P1001'],
  ])
})

test('a server that is not set up names the step, and its log the table or the right', async () => {
  const database = await freshDatabase()
  const owner = createKnex({ client: 'pg', connection: database.url, pool: { min: 0, max: 2 } })
  atEnd(() => owner.destroy())
  const actor = { id: 'a', name: 'A', tenantId: '' }
  const answered = async (url: string) => {
    const { lines, log } = keeping()
    const knex = createKnex({ client: 'pg', connection: url, pool: { min: 0, max: 2 } })
    const records = createRecordServer({
      knex,
      log,
      types: [defineRecordType('boat', { table: 'boats', fields: { name: z.string() } })],
      authenticate: () => actor,
    })
    const server = createHttpServer(records.handler).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/records/boat`)
    const { code, detail } = (await answer.json()) as { code: string; detail: string }
    await records.stop()
    server.closeAllConnections()
    server.close()
    await knex.destroy()
    return {
      said: `${answer.status} ${code}: ${detail}`,
      logged: lines.map(({ details }) => String(details.err)),
    }
  }
  await owner.raw('create table boats (id integer primary key, name text not null)')
  const untracked = await answered(database.url)
  expect(untracked.said).toMatch(/^500 internal: This server is not set up.*trackTable/)
  expect(untracked.logged).toEqual([expect.stringContaining("table boats: it isn't tracked")])

  const role = `sailor_${Date.now()}`
  await owner.raw(`create role ${role} login password 'sailor'`)
  const url = new URL(database.url)
  Object.assign(url, { username: role, password: 'sailor' })
  const unread = await answered(url.href)
  expect(unread.said).toMatch(/^500 internal: This server is not set up.*GRANT/)
  expect(unread.logged).toEqual([expect.stringContaining('lacks rights on schema noclobber')])
  await owner.raw(`drop role ${role}`)

  await owner.raw('drop schema noclobber cascade')
  const missing = await answered(database.url)
  expect(missing.said).toMatch(/^500 internal: This server is not set up.*migrate\(knex\)/)
})
