// Processes that others start: workers that share one port, as PM2 and node:cluster have them, replaced while somebody saves; and a
// server on a socket that systemd has opened.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createRecordClient } from 'noclobber/client'
import { trackTable } from 'noclobber/migrations'
import { beforeAll, expect, test } from 'vitest'
import { root } from '../../architecture/sources.ts'
import { atEnd } from '../../support/at-end.ts'
import { buildPackage } from '../../support/built.ts'
import { type FreshDatabase, freshDatabase } from '../../support/postgres.ts'
import { waitFor } from '../../support/wait-for.ts'

/** As docs/production.md has it, for PM2, node:cluster and systemd. */
const PROGRAM = `
import cluster from 'node:cluster'
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'
import express from 'express'
import { createRecordServer, defineRecordType } from 'noclobber/server'
import pg from 'pg'
import { z } from 'zod'

async function serve(where) {
  const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 3 })
  const records = createRecordServer({
    pool,
    types: [defineRecordType('boat', { table: 'boats', fields: { name: z.string() } })],
    authenticate: () => ({ id: 'ann', name: 'Ann', tenantId: '' }),
  })
  const app = express()
  app.use((request, response, next) => { response.setHeader('x-pid', process.pid); next() })
  app.use('/api/v1', records.router)
  const server = createServer(app)
  records.attach(server)
  await records.start()
  await new Promise((resolve) => server.listen(where, resolve))
  process.send?.('ready')
  console.log('ready')
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, async () => {
    await records.drain({ noticeMs: 0, spreadMs: 200 })
    await records.stop()
    await pool.end()
    process.exit(0)
  })
}

if (process.env.LISTEN_FDS) await serve({ fd: 3 })
else if (!cluster.isPrimary) await serve({ port: Number(process.env.PORT), host: '127.0.0.1' })
else {
  const fork = async () => {
    const worker = cluster.fork()
    await new Promise((resolve) => worker.once('message', resolve))
    return worker
  }
  let workers = await Promise.all([fork(), fork()])
  console.log('ready')
  for await (const line of createInterface(process.stdin)) {
    if (line !== 'reload') break
    const codes = []
    for (const old of workers) {
      const next = await fork()
      const ended = new Promise((resolve) => old.once('exit', (code, signal) => resolve(signal ?? code)))
      old.process.kill('SIGINT')
      codes.push(await ended)
      workers = [...workers.filter((one) => one !== old), next]
    }
    console.log('reloaded ' + codes)
  }
  for (const worker of workers) worker.process.kill('SIGTERM')
}
`

let database: FreshDatabase
let program: string

beforeAll(async () => {
  await buildPackage()
  const folder = join(root, '.noclobber')
  await mkdir(folder, { recursive: true })
  const place = await mkdtemp(join(folder, 'managed-'))
  atEnd(() => rm(place, { recursive: true, force: true }))
  program = join(place, 'server.mjs')
  await writeFile(program, PROGRAM)
  database = await freshDatabase({
    tables: {
      name: 'boats',
      make: async (knex) => {
        await knex.raw('create table boats (id serial primary key, name text not null)')
        await trackTable(knex, 'boats')
      },
    },
  })
})

interface Started {
  child: ChildProcess
  /** Resolves with the next line that matches. */
  said(wanted: RegExp): Promise<string>
}

function start(environment: Record<string, string>, listening?: Server): Started {
  const handle = listening && (listening as unknown as { _handle: { fd: number } })._handle.fd
  const child = spawn(process.execPath, [program], {
    env: { ...process.env, DATABASE_URL: database.url, ...environment },
    stdio: ['pipe', 'pipe', 'inherit', ...(handle === undefined ? [] : [handle])],
  })
  const lines: string[] = []
  createInterface(child.stdout as NodeJS.ReadableStream).on('line', (line) => lines.push(line))
  atEnd(() => void child.kill('SIGKILL'))
  return {
    child,
    said: async (wanted) => {
      await waitFor(() => lines.some((line) => wanted.test(line)), {
        what: String(wanted),
        deadlineMs: 90_000,
      })
      return (
        lines.splice(
          lines.findIndex((line) => wanted.test(line)),
          1,
        )[0] ?? ''
      )
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

test('workers that share a port: each one’s saves are shown everywhere, and none fails while they are replaced', async () => {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}/api/v1`
  const { child, said } = start({ PORT: String(port) })
  // Two workers and the primary.
  for (let at = 0; at < 3; at++) await said(/^ready$/)

  const made = await fetch(`${url}/records/boat`, {
    ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
    body: JSON.stringify({ fields: { name: 'Gull' } }),
  })
  const { id } = (await made.json()).data
  const client = createRecordClient({ url })
  atEnd(() => client.close())
  const editor = client.editor<{ name: string }>('boat', id)
  atEnd(editor.subscribe(() => {}))
  await waitFor(() => editor.get().record && client.connection.get().status === 'live', { what: 'a socket' })

  const workers = new Set<string>()
  let version = 1
  const save = async () => {
    const answer = await fetch(`${url}/records/boat/${id}`, {
      ...{ method: 'PATCH', headers: { 'content-type': 'application/json', connection: 'close' } },
      body: JSON.stringify({ client_version: version, changes: { name: `Gull ${version + 1}` } }),
    })
    expect(answer.status).toBe(200)
    workers.add(answer.headers.get('x-pid') ?? '')
    version += 1
  }
  for (let at = 0; at < 6; at++) {
    await save()
    await waitFor(() => editor.get().record?.version === version, { what: `version ${version}` })
  }
  expect(workers.size).toBe(2)

  child.stdin?.write('reload\n')
  const reloaded = said(/^reloaded/)
  let isOver = false
  void reloaded.then(() => {
    isOver = true
  })
  while (!isOver) await save()
  expect(await reloaded).toBe('reloaded 0,0')
  expect(workers.size).toBe(4)
  await waitFor(() => editor.get().record?.version === version, { what: `version ${version}` })
  child.stdin?.end('end\n')
  await once(child, 'exit')
})

test('on a socket that was opened before it, as by systemd', async () => {
  const listening = createServer().listen(0, '127.0.0.1')
  await once(listening, 'listening')
  const url = `http://127.0.0.1:${(listening.address() as AddressInfo).port}/api/v1`
  const { child, said } = start({ LISTEN_FDS: '1' }, listening)
  // The other process has it now.
  listening.close()
  await said(/^ready$/)
  const client = createRecordClient({ url })
  atEnd(() => client.close())
  const made = await client.create('boat', { name: 'Tern' })
  if (made.outcome !== 'created') throw new Error(made.outcome)
  const editor = client.editor<{ name: string }>('boat', made.record.id)
  atEnd(editor.subscribe(() => {}))
  await waitFor(() => editor.get().record && client.connection.get().status === 'live', { what: 'a socket' })
  const other = createRecordClient({ url })
  atEnd(() => other.close())
  const saved = await other.save('boat', made.record.id, { clientVersion: 1, changes: { name: 'Swan' } })
  expect(saved.outcome).toBe('saved')
  await waitFor(() => editor.get().record?.fields.name === 'Swan', { what: 'the event' })
  child.kill('SIGTERM')
  expect((await once(child, 'exit'))[0]).toBe(0)
})
