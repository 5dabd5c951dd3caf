// A database that lets nobody in any more, or ends what is under way: each request is 503 with Retry-After, and served again once it
// lets the server in. PostgreSQL says so by the severity of its error, whatever the code.

import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import createKnex from 'knex'
import { createRecordServer } from 'noclobber/server'
import { afterEach, expect, test } from 'vitest'
import { isUnavailable } from '../../../server/db/errors.ts'
import { type Person, startApp, TYPES, trackTables } from '../../support/app.ts'
import { atEnd } from '../../support/at-end.ts'
import { ordinaryRole } from '../../support/ordinary-role.ts'
import { freshDatabase } from '../../support/postgres.ts'
import { waitFor } from '../../support/wait-for.ts'

const database = await freshDatabase()
const owner = createKnex({ client: 'pg', connection: database.url, pool: { min: 0, max: 2 } })
atEnd(() => owner.destroy())
await trackTables(owner)
const { role, url } = await ordinaryRole((text) => owner.raw(text), database.url)
const app = await startApp({ database, databaseUrl: url })
const { id } = await app.make('project', { name: 'Bridge' })

/** What shuts the door, and what opens it again. */
const DOORS: Record<string, [shut: string, open: string]> = {
  'another password': [`alter role ${role} password 'other'`, `alter role ${role} password 'x'`],
  'a role that may not sign in': [`alter role ${role} nologin`, `alter role ${role} login`],
  'no connection left for the role': [
    `alter role ${role} connection limit 0`,
    `alter role ${role} connection limit -1`,
  ],
  'a right to connect that is gone': [
    `revoke connect on database ${database.name} from public`,
    `grant connect on database ${database.name} to public`,
  ],
}
const endAll = () =>
  owner.raw('select pg_terminate_backend(pid) from pg_stat_activity where usename = ?', [role])
const read = () => app.call('GET', `/records/project/${id}`)
const save = async () => {
  const [{ version }] = (await owner.raw('select version::int from projects where id = ?', [id])).rows
  return app.call('PATCH', `/records/project/${id}`, {
    body: { client_version: version, changes: { notes: String(version) } },
  })
}

afterEach(async () => {
  await waitFor(async () => (await save()).status === 200, { what: 'a save' })
})

test.each(Object.entries(DOORS))('%s is 503, until it is mended', async (_name, [shut, open]) => {
  await owner.raw(shut)
  await endAll()
  const answers = await Promise.all([
    read(),
    save(),
    read(),
    app.call('POST', '/records/project', { body: { fields: { name: 'x' } } }),
  ])
  await owner.raw(open)
  for (const { status, body, headers } of answers) {
    expect([status, body.code], JSON.stringify(body)).toEqual([503, 'unavailable'])
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
  }
})

const version = async () => Number((await owner.raw('show server_version_num')).rows[0].server_version_num)

test.each([
  ['transaction_timeout', 170_000],
  ['idle_in_transaction_session_timeout', 140_000],
])('%s in the middle of an import is 503, and nothing of it is written', async (setting, since) => {
  if ((await version()) < since) return
  const count = async () => (await owner.raw('select count(*)::int as n from projects')).rows[0].n
  const before = await count()
  await owner.raw(`alter role ${role} set ${setting} = '30ms'`)
  await endAll()
  const file = Array.from({ length: 8_000 }, (_, at) => `p${at}`).join('\n')
  const answer = await waitFor(
    async () => {
      const { status, text } = await app.call('POST', '/records/project/import', {
        text: `name\n${file}\n`,
        headers: { 'content-type': 'text/csv' },
      })
      return status >= 500 ? { status, text } : null
    },
    { what: 'an import that is ended' },
  )
  await owner.raw(`alter role ${role} reset ${setting}`)
  await endAll()
  expect(answer.status, answer.text).toBe(503)
  expect(await count()).toBe(before)
})

test('a socket of the system that is not there, and a certificate that is not trusted, are no failure of the server', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nc-'))
  atEnd(() => rm(folder, { recursive: true }))
  const listener = createServer((socket) => void socket.once('data', () => socket.end('N')))
  listener.listen(0, '127.0.0.1')
  atEnd(() => void listener.close())
  await once(listener, 'listening')
  const { port } = listener.address() as { port: number }
  for (const connection of [
    { host: folder, database: 'x' },
    { host: '127.0.0.1', port, database: 'x', ssl: true },
    { host: 'no-such-host.invalid', database: 'x' },
    { connectionString: database.url.replace(database.name, 'no_such_database') },
  ]) {
    const knex = createKnex({ client: 'pg', connection, pool: { min: 0, max: 1 } })
    const error = await knex.raw('select 1').catch((caught: unknown) => caught)
    expect([isUnavailable(error), String(error)]).toEqual([true, String(error)])
    const records = createRecordServer<Person>({
      log: null,
      knex,
      types: TYPES,
      authenticate: () => null,
      limits: { startMs: 100 },
    })
    await expect(records.start()).rejects.toThrow()
    await records.stop()
    await knex.destroy()
  }
})
