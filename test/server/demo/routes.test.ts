// The demo's buttons write, so they are for editors; and the demo answers this machine alone.
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import createKnex from 'knex'
import { beforeAll, expect, test } from 'vitest'
import { createDemoApp } from '../../../server/demo/app.ts'
import { prepareDatabase } from '../../../server/demo/seed.ts'
import { atEnd } from '../../support/at-end.ts'
import { startDemo } from '../../support/demo.ts'
import { freshDatabase } from '../../support/postgres.ts'

let origin: string
let changes: () => Promise<number>

beforeAll(async () => {
  const { url } = await freshDatabase({ migrated: false })
  const knex = createKnex({ client: 'pg', connection: url })
  atEnd(() => knex.destroy())
  await prepareDatabase(knex)
  const demo = createDemoApp({ knex, databaseUrl: url })
  const server = demo.app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const stop = await demo.start(server)
  atEnd(stop)
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  changes = async () => {
    const { rows } = await knex.raw('select count(*)::int as count from noclobber.changes')
    return rows[0].count
  }
})

const send = async (person: string | null, method: string, path: string, body: object) => {
  const answer = await fetch(`${origin}/demo${path}`, {
    method,
    body: JSON.stringify(body),
    headers: {
      'content-type': 'application/json',
      ...(person && { authorization: `Bearer demo:${person}` }),
    },
  })
  return answer.status
}

const BUTTONS: [method: string, path: string, body: object][] = [
  ['POST', '/play', { act: 'status', id: '1' }],
  ['POST', '/play', { act: 'rename', id: '1' }],
  ['POST', '/play', { act: 'agent', id: '1' }],
  ['POST', '/play', { act: 'sql', id: '1' }],
  ['POST', '/tasks', { count: 20_000 }],
  ['POST', '/busy', { rate: 20, seconds: 1 }],
  ['DELETE', '/busy', {}],
  ['POST', '/access', { user: 'bob', project: '1', open: false }],
]

test.each(BUTTONS)(
  '%s %s %j: a reader may not, nobody may not, and nothing is written',
  async (method, path, body) => {
    const before = await changes()
    expect(await send('vera', method, path, body)).toBe(403)
    expect(await send(null, method, path, body)).toBe(401)
    expect(await changes()).toBe(before)
  },
)

test('an editor may, where they see the project', async () => {
  for (const act of ['status', 'rename', 'sql'])
    expect(await send('alice', 'POST', '/play', { act, id: '1' })).toBe(200)
  const before = await changes()
  for (const act of ['status', 'rename', 'sql']) {
    expect(await send('gina', 'POST', '/play', { act, id: '1' })).toBe(404)
    await send('bob', 'POST', '/access', { user: 'alice', project: '1', open: false })
    expect(await send('alice', 'POST', '/play', { act, id: '1' })).toBe(404)
  }
  expect(await changes()).toBe(before)
})

const outside = Object.values(networkInterfaces())
  .flat()
  .find((address) => address?.family === 'IPv4' && !address.internal)?.address

test.runIf(outside)('it listens on 127.0.0.1 alone, and elsewhere if HOST says so', async () => {
  const reaches = async (url: string) => {
    const { port } = new URL(url)
    return fetch(`http://${outside}:${port}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    )
  }
  expect(await reaches((await startDemo()).url)).toBe(false)
  expect(await reaches((await startDemo({ HOST: '0.0.0.0' })).url)).toBe(true)
})
