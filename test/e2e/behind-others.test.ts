// The page of one origin with its API behind what apps put before it, in a real browser: helmet's default policy and compression(),
// Node's own HTTP/2, and a proxy that speaks HTTP/2. By sockets and by event streams it reads, follows and saves.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import type { AddressInfo } from 'node:net'
import compression from 'compression'
import express, { type Express } from 'express'
import helmet from 'helmet'
import { createRecordServer } from 'noclobber/server'
import type { Browser } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { startApp, type TestApp, TYPES } from '../support/app.ts'
import { atEnd } from '../support/at-end.ts'
import { buildPage } from '../support/built-page.ts'
import { certificate } from '../support/certificate.ts'
import { launchBrowser } from '../support/chromium.ts'
import { startNginx } from '../support/nginx.ts'
import { isWithout } from '../support/programs.ts'
import { waitFor } from '../support/wait-for.ts'

const PAGE =
  '<!doctype html><title>Page</title><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>'

let app: TestApp
let browser: Browser
let files: Map<string, string>

/** Answers with the page or one of its scripts; `false`: neither. */
const servePage = (
  request: Pick<IncomingMessage, 'url'>,
  response: Pick<ServerResponse, 'setHeader' | 'end'>,
): boolean => {
  const { pathname } = new URL(request.url ?? '/', 'http://page')
  const code = pathname === '/' ? PAGE : files.get(pathname)
  if (code === undefined) return false
  response.setHeader('Content-Type', pathname === '/' ? 'text/html' : 'text/javascript')
  response.end(code)
  return true
}

/** Another node on the app's database: its own sockets need a server of their own. */
const anotherNode = () => {
  const records = createRecordServer({
    log: null,
    knex: app.knex,
    types: TYPES,
    authenticate: ({ headers }) => {
      const name = /(?:^|; )session=([^;]+)/.exec(headers.cookie ?? '')?.[1] ?? ''
      const person = app.people.get(name)
      return person instanceof Error ? null : (person ?? null)
    },
  })
  atEnd(() => records.stop())
  return records
}

const portOf = (server: { address(): AddressInfo | string | null }) => (server.address() as AddressInfo).port

/** The routes of a node of its own and the page, after what an app has before them; gives the port. */
const listen = async (before: Express) => {
  const records = anotherNode()
  before.use('/api/v1', records.router).use((request, response, next) => {
    if (!servePage(request, response)) next()
  })
  const server = createServer(before).listen(0, '127.0.0.1')
  await once(server, 'listening')
  records.attach(server)
  return portOf(server)
}

const onExpress = async () =>
  `http://127.0.0.1:${await listen(express().use(helmet(), compression({ threshold: 0 })))}`

const onHttp2 = async () => {
  const records = anotherNode()
  const answer = (
    request: IncomingMessage | Http2ServerRequest,
    response: ServerResponse | Http2ServerResponse,
  ) => {
    if (!servePage(request, response as ServerResponse)) records.handler(request, response)
  }
  const server = createSecureServer({ ...certificate, allowHTTP1: true }, answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  records.attach(server)
  return `https://127.0.0.1:${portOf(server)}`
}

const behindProxy = async () => {
  const own = express()
    .set('trust proxy', 'loopback')
    .get('/healthz', (_request, response) => void response.sendStatus(200))
    .use(helmet())
  return (await startNginx([`http://127.0.0.1:${await listen(own)}`], { http2: true })).url
}

beforeAll(async () => {
  ;[browser, files, app] = [await launchBrowser(), await buildPage('other-origin'), await startApp()]
})

describe.each([
  ['Express with helmet and compression', onExpress, 'http/1.1'],
  ['Node’s HTTP/2', onHttp2, 'h2'],
  ...(isWithout('nginx') ? [] : [['nginx with HTTP/2', behindProxy, 'h2'] as const]),
] as const)('%s', (_name, start, protocol) => {
  let origin: string
  beforeAll(async () => {
    origin = await start()
  })

  it.each(['cookie', 'stream'])('by %s: reads, follows, saves', async (way) => {
    const { id } = await app.make('project', { name: 'Bridge' })
    const context = await browser.newContext({ ignoreHTTPSErrors: true })
    await context.addCookies([{ name: 'session', value: 'alice', url: origin }])
    const page = await context.newPage()
    const consoleErrors: string[] = []
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') consoleErrors.push(message.text())
    })
    await page.goto(`${origin}/?way=${way}`)
    await page.evaluate((id) => window.open_(id), id)
    await waitFor(() => page.evaluate(() => window.shown().name === 'Bridge'), { what: 'the record' })
    await waitFor(() => page.evaluate(() => window.shown().status === 'live'), { what: 'the connection' })
    await app.call('PATCH', `/records/project/${id}`, {
      ...{ as: 'bob', body: { client_version: 1, changes: { name: 'Tunnel' } } },
    })
    await waitFor(() => page.evaluate(() => window.shown().name === 'Tunnel'), { what: 'Bob’s save' })
    expect(await page.evaluate(() => window.save('Dam'))).toBe('saved')
    const used = () =>
      page.evaluate(() =>
        performance
          .getEntriesByType('resource')
          .filter(({ name }) => name.includes('/records/project/'))
          .map((entry) => (entry as PerformanceResourceTiming).nextHopProtocol),
      )
    expect(new Set(await used())).toEqual(new Set([protocol]))
    expect(consoleErrors).toEqual([])
    await context.close()
  })
})
