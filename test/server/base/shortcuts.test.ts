// Each shortcut off, by its option or because its library has other inner parts: the same results, and one line in the log.
import { once } from 'node:events'
import { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type Request } from 'express'
import createKnex from 'knex'
import { createAppServer, type Logger, type Shortcuts } from 'noclobber/server'
import { describe, expect, test } from 'vitest'
import { createShortcuts } from '../../../server/base/shortcuts.ts'
import type { Statement } from '../../../server/db/statement.ts'
import { type AppOptions, startApp, type TestApp } from '../../support/app.ts'
import { atEnd } from '../../support/at-end.ts'

type Name = keyof Shortcuts
const NAMES: Name[] = ['frames', 'statements', 'routes']

const keptLog = () => {
  const lines: unknown[] = []
  const keep = (details: object) => void ('shortcut' in details && lines.push(details.shortcut))
  const log: Logger = { info: keep, warn: keep, error: keep }
  return { log, lines }
}

/** What went the libraries' own way. */
const countOwn = (): Record<Name, number> => ({ frames: 0, statements: 0, routes: 0 })

type RawClient = new (...values: unknown[]) => { acquireRawConnection(): Promise<object> }
const PgClient: RawClient = createKnex({ client: 'pg' }).client.constructor

/** pg's client as Knex uses it, and as pg-native is: without an inner connection. */
const clientThat = (counts: Record<Name, number>, hides: boolean) =>
  class extends PgClient {
    override async acquireRawConnection() {
      const connection = await super.acquireRawConnection()
      const sent = new Set<string>()
      return new Proxy(connection, {
        get: (target, key) => {
          if (key === 'connection' && hides) return undefined
          const value = Reflect.get(target, key)
          if (typeof value !== 'function') return value
          return (...values: unknown[]) => {
            const query = key === 'query' ? (values[0] as Partial<Statement> & { submit?: unknown }) : {}
            // The first time each goes this way, whose answer has its columns; and the feed's reading of the log always.
            if (query?.name && !query.submit && !/^\s*with k as|k\(xid, seq\)/.test(query.text ?? '')) {
              if (sent.has(query.name)) counts.statements += 1
              sent.add(query.name)
            }
            return Reflect.apply(value, target, values)
          }
        },
      })
    }
  } as unknown as NonNullable<AppOptions['client']>

/** An Express on which `request.params` is another's to set than ours: objects of Express's routes have no prototype. */
const appThat = (counts: Record<Name, number>, hides: boolean) =>
  express().use((request, response, next) => {
    response.on('finish', () => {
      if ((request as Request).route) counts.routes += 1
    })
    let params: object = {}
    if (hides)
      Object.defineProperty(request, 'params', {
        get: () => params,
        set: (given) => {
          if (Object.getPrototypeOf(given) === null) params = given
        },
      })
    next()
  })

/** An engine.io whose connections hide the inner parts of ws. */
const watchEngine = ({ io }: TestApp, counts: Record<Name, number>, hides: boolean) => {
  io.engine.on('connection', (conn) => {
    conn.on('packetCreate', ({ data }: { data?: unknown }) => {
      if (String(data).includes('RecordUpdated')) counts.frames += 1
    })
    if (!hides) return
    const { transport } = conn
    transport.socket = new Proxy(transport.socket, {
      get: (target, key) => {
        if (key === '_sender') return undefined
        const value = Reflect.get(target, key)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  })
}

/** Reads, saves and events on a server with these shortcuts, and what of it went the libraries' own way. */
const used = async (shortcuts: Partial<Shortcuts>, hidden: Name | null) => {
  const own = countOwn()
  const { log, lines } = keptLog()
  const app = await startApp({
    ...{ shortcuts, log, pool: { max: 1 } },
    client: clientThat(own, hidden === 'statements'),
    makeApp: () => appThat(own, hidden === 'routes'),
  })
  watchEngine(app, own, hidden === 'frames')
  const { id } = await app.make('project', { name: 'Bridge' })
  const watchers = [await app.socket({ as: 'bob' }), await app.socket({ as: 'vera' })]
  for (const watcher of watchers) await watcher.watch(['project', id])
  Object.assign(own, countOwn())
  const results: unknown[] = []
  for (let version = 1; version <= 4; version += 1) {
    const body = { client_version: version, changes: { name: `Bridge ${version}`, budget: version / 4 } }
    const saved = await app.call('PATCH', `/records/project/${id}`, { body })
    const stale = await app.call('PATCH', `/records/project/${id}`, { body })
    const read = await app.call('GET', `/records/project/${id}`)
    results.push([
      saved.status,
      stale.status,
      stale.body.code,
      read.body.data.fields,
      read.headers.get('etag'),
    ])
    for (const watcher of watchers) {
      const { changed_fields, type } = await watcher.receives('RecordUpdated', { version: version + 1 })
      results.push([changed_fields, type])
    }
  }
  return { results, own, lines }
}

const ALL_OFF = { frames: false, statements: false, routes: false }
const withAll = await used({}, null)

test('on, nothing that repeats goes the libraries’ own way', () => {
  expect(withAll.lines).toEqual([])
  expect(withAll.own).toEqual(countOwn())
})

test('off by their options, all goes the libraries’ own way, with the same results', async () => {
  const without = await used(ALL_OFF, null)
  expect(without.results).toEqual(withAll.results)
  expect([without.own.frames, without.own.routes]).toEqual([8, 12])
  expect(without.own.statements).toBeGreaterThan(8)
  expect(without.lines).toEqual([])
})

describe('where its library has other inner parts', () => {
  test.each(NAMES)('%s turn themselves off, say so once, and all works', async (name) => {
    const { results, own, lines } = await used({}, name)
    expect(results).toEqual(withAll.results)
    expect(lines).toEqual([name])
    expect(own[name]).toBeGreaterThan(7)
  })

  test('a server for an app is Node’s own, and says so', async () => {
    class Other extends IncomingMessage {
      readonly isOther = true
    }
    const { log, lines } = keptLog()
    const app = express().get('/', (request, response) => {
      response.json('isOther' in request)
    })
    const server = createAppServer(app, { log, IncomingMessage: Other }).listen(0, '127.0.0.1')
    atEnd(() => server.close())
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).json()).toBe(true)
    expect(lines).toEqual(['prototypes'])
  })
})

test('a name that is no shortcut, and a value that is no boolean, are mistakes', () => {
  const { log } = keptLog()
  expect(() => createShortcuts({ frame: false } as never, log)).toThrow('There is no shortcut "frame"')
  expect(() => createShortcuts({ frames: 'no' } as never, log)).toThrow('shortcuts.frames must be a boolean')
})
