// Nobody learns of what they may not read: not by an answer, not by a difference between answers, not by an event.
import fc from 'fast-check'
import { defineRecordType } from 'noclobber/server'
import { afterEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type CallOptions, type Person, startApp, TYPES } from '../../support/app.ts'
import { clientOf } from '../../support/app-socket.ts'
import { byRun } from '../../support/short-run.ts'
import { waitFor } from '../../support/wait-for.ts'
import { withoutAge } from '../../support/without-age.ts'

const failing = new Set<string>()
const app = await startApp({
  limits: { messagesPerSecond: 100_000 },
  origins: ['https://listed.example'],
  types: [
    ...TYPES.filter(({ name }) => name !== 'tag'),
    defineRecordType<Person>('tag', {
      table: 'tags',
      fields: { label: z.string() },
      can: (_person, _action, { fields }) => {
        if (failing.has(String(fields.label).trim())) throw new Error('this permission is broken')
        return true
      },
    }),
  ],
})
const { call, make, sql } = app
afterEach(() => {
  app.people.set('vera', { id: 'vera', name: 'Vera', tenantId: 'acme', role: 'viewer' })
  app.people.set('bob', { id: 'bob', name: 'Bob', tenantId: 'acme', role: 'editor' })
})

/** The whole answer, as it came, but for the Date. */
const whole = async (method: string, path: string, options: CallOptions) => {
  const { status, headers, text } = await call(method, path, options)
  return { status, headers: [...headers].filter(([name]) => name !== 'date'), text: withoutAge(text) }
}

const ROUTES: [method: string, suffix: string, options: CallOptions][] = [
  ['GET', '', {}],
  ['GET', '', { headers: { 'if-none-match': '"1"' } }],
  ['GET', '', { headers: { 'if-none-match': '*' } }],
  ['GET', '?version=1', {}],
  ['GET', '?as_of=2026-05-03T10:00:00Z', {}],
  ['GET', '/version', {}],
  ['GET', '/version', { headers: { 'if-none-match': '"1"' } }],
  ['GET', '/history', {}],
  ['GET', '/history?limit=1&before=2', {}],
  ['PATCH', '', { body: { client_version: 1, changes: { body: 'x' } } }],
  ['PATCH', '', { body: { client_version: 9, changes: { body: 'x' } } }],
  ['PATCH', '', { body: { client_version: 1, changes: {} } }],
  ['PATCH', '', { body: { client_version: 1, changes: { nothing: 1, id: 2 } } }],
  ['PATCH', '', { body: { client_version: 1, changes: { body: 'x' }, mutation_id: 'm', on_stale: 'merge' } }],
  ['PATCH', '', { body: { changes: { body: 'x' } }, headers: { 'if-match': '"1"' } }],
  ['POST', '/restore', { body: { client_version: 1, to_version: 1 } }],
  ['POST', '/restore', { body: { client_version: 9, to_version: 1, fields: ['nothing'], mutation_id: 'm' } }],
  ['DELETE', '', { body: { client_version: 1 } }],
  ['DELETE', '', { body: { client_version: 9 } }],
  ['DELETE', '', { headers: { 'if-match': '"1"', 'idempotency-key': 'm' } }],
]

test('missing, foreign, forbidden, and deleted foreign or forbidden answer alike to the byte, on every route', async () => {
  const foreign = await make('note', { owner: 'gina' }, 'gina')
  const forbidden = await make('note', { owner: 'bob' }, 'bob')
  const deletedForeign = await make('note', { owner: 'gina' }, 'gina')
  const deletedForbidden = await make('note', { owner: 'bob' }, 'bob')
  await call('DELETE', `/records/note/${deletedForeign.id}`, { as: 'gina', body: { client_version: 1 } })
  await call('DELETE', `/records/note/${deletedForbidden.id}`, { as: 'bob', body: { client_version: 1 } })
  const missing = '00000000-0000-4000-8000-000000000000'
  for (const [method, suffix, options] of ROUTES) {
    const expected = await whole(method, `/records/note/${missing}${suffix}`, options)
    expect(expected.status).toBe(404)
    for (const { id } of [foreign, forbidden, deletedForeign, deletedForbidden, { id: 'no uuid' }]) {
      expect(await whole(method, `/records/note/${id}${suffix}`, options)).toEqual(expected)
    }
    expect(await whole(method, `/records/undeclared/1${suffix}`, options)).toEqual(expected)
  }
  const ids = [missing, foreign.id, forbidden.id, deletedForeign.id, deletedForbidden.id, 'no uuid']
  const records = ids.map((id) => ({ type: 'note', id, version: 1 }))
  const versions = await call('POST', '/records/versions', { body: { records } })
  const watched = await (await app.socket()).ask('watch', { records })
  const alike = (entries: { id: string }[]) =>
    new Set(entries.map((entry) => JSON.stringify({ ...entry, id: '' })))
  expect(versions.body.data).toHaveLength(6)
  expect(alike(versions.body.data).size).toBe(1)
  expect(watched.records).toEqual(records.map(({ type, id }) => ({ type, id, ok: false, code: 'not_found' })))
})

test('a list shows neither rows nor positions of what may not be read', async () => {
  const mine: string[] = []
  const others: string[] = []
  for (const [at, owner] of ['bob', 'alice', 'bob', 'bob', 'alice', 'bob', 'alice', 'bob'].entries()) {
    const { id } = await make('note', { owner, body: `listed ${at}` }, owner)
    if (owner === 'alice') mine.push(id)
    else others.push(id)
  }
  others.push((await make('note', { owner: 'gina', body: 'listed' }, 'gina')).id)
  const shown: string[] = []
  let pages = 0
  for (let after = ''; after !== 'end'; pages += 1) {
    const { body, text } = await call('GET', `/records/note?sort=body&limit=1${after && `&after=${after}`}`)
    for (const { id } of body.data) shown.push(id)
    const position = Buffer.from(body.next ?? '', 'base64url').toString('latin1')
    for (const secret of ['bob', 'listed', ...others]) expect(position).not.toContain(secret)
    for (const secret of ['"bob"', ...others]) expect(text).not.toContain(secret)
    after = body.next ?? 'end'
  }
  expect([shown, pages]).toEqual([mine, 3])
})

test('a watcher of lists receives nothing of what they may not read, at any moment', async () => {
  const alice = await app.socket({ as: 'alice' })
  await alice.watchList('note')
  await alice.watchList('note', { owner: 'bob' })
  const { id } = await make('note', { owner: 'bob' }, 'bob')
  await call('PATCH', `/records/note/${id}`, {
    as: 'bob',
    body: { client_version: 1, changes: { body: 'x' } },
  })
  expect(await alice.flushed()).toEqual([])
  await call('PATCH', `/records/note/${id}`, {
    as: 'bob',
    body: { client_version: 2, changes: { owner: 'everybody' } },
  })
  expect(await alice.receives('RecordUpdated')).toMatchObject({ id, version: 3 })
  await call('PATCH', `/records/note/${id}`, {
    as: 'bob',
    body: { client_version: 3, changes: { owner: 'bob' } },
  })
  await call('DELETE', `/records/note/${id}`, { as: 'bob', body: { client_version: 4 } })
  expect(await alice.flushed()).toHaveLength(1)
})

test('a record that stops being readable leaves with AccessRevoked and without its event', async () => {
  const { id } = await make('note', { owner: 'everybody' }, 'bob')
  const alice = await app.socket({ as: 'alice' })
  await alice.watch(['note', id])
  // The creation itself may be sent only now, by the feed.
  await alice.forget()
  await call('PATCH', `/records/note/${id}`, {
    as: 'bob',
    body: { client_version: 1, changes: { owner: 'bob' } },
  })
  expect(await alice.receives('AccessRevoked')).toEqual({ records: [{ type: 'note', id }], lists: [] })
  await call('PATCH', `/records/note/${id}`, {
    as: 'bob',
    body: { client_version: 2, changes: { body: 'x' } },
  })
  expect((await alice.flushed()).map(({ name }) => name)).toEqual(['AccessRevoked'])
})

test('a record that moves to another tenant is deleted for the one and created for the other', async () => {
  const { id } = await make('project', { name: 'moving' })
  const [alice, gina] = [await app.socket({ as: 'alice' }), await app.socket({ as: 'gina' })]
  await alice.watch(['project', id])
  await gina.watchList('project')
  await alice.forget()
  await sql(`update projects set tenant_id = 'globex' where id = ?`, [id])
  await alice.receives('RecordDeleted', { id, version: 2, tenant_id: 'acme' })
  await gina.receives('RecordCreated', { id, version: 2, tenant_id: 'globex' })
  await call('PATCH', `/records/project/${id}`, {
    as: 'gina',
    body: { client_version: 2, changes: { name: 'theirs' } },
  })
  expect(await alice.flushed()).toHaveLength(1)
  expect((await call('GET', `/records/project/${id}/history`, { as: 'gina' })).body.data).toMatchObject([
    { version: 3, event: 'updated' },
    { version: 2, event: 'created' },
  ])
  expect((await call('GET', `/records/project/${id}`)).status).toBe(410)
})

describe('a permission or a session that is taken away', () => {
  test('ends the watching within 5 s, and says so', async () => {
    const { id } = await make('project', { name: 'x' })
    const vera = await app.socket({ as: 'vera' })
    await vera.watch(['project', id])
    await vera.watchList('project')
    await vera.forget()
    app.people.set('vera', { id: 'vera', name: 'Vera', tenantId: 'acme', role: 'none' })
    expect(await vera.receives('AccessRevoked', {}, 10_000)).toEqual({
      records: [{ type: 'project', id }],
      lists: [],
    })
    await call('PATCH', `/records/project/${id}`, { body: { client_version: 1, changes: { name: 'y' } } })
    expect((await vera.flushed()).map(({ name }) => name)).toEqual(['AccessRevoked'])
  })

  test('ends the connection within 5 s where nobody is signed in any more, by each way of signing in', async () => {
    const byKey = (name: string) => app.socket({ options: { auth: {}, extraHeaders: { 'x-api-key': name } } })
    const leaving = [await app.socket({ as: 'bob' }), await byKey('bob')]
    const staying = [await app.socket({ as: 'alice' }), await byKey('alice'), await byKey('gina')]
    app.people.delete('bob')
    await waitFor(() => leaving.every(({ socket }) => !socket.connected), {
      what: 'the end of the session',
      deadlineMs: 10_000,
    })
    for (const { socket } of staying) expect(socket.connected).toBe(true)
  })

  test('ends though another person’s session or permission cannot be looked up', async () => {
    await sql(`insert into tags (id, label) values ('broken', 'broken')`)
    const [alice, vera] = [await app.socket({ as: 'alice' }), await app.socket({ as: 'vera' })]
    await alice.watch(['tag', 'broken'])
    await vera.watch(['tag', 'broken'])
    const bob = await app.socket({ as: 'bob' })
    const { id } = await make('note', { owner: 'everybody' })
    await bob.watch(['note', id])
    failing.add('broken')
    app.people.set('vera', new Error('the session store is down'))
    app.people.set('bob', { id: 'bob', name: 'Bob', tenantId: 'acme', role: 'none' })
    await bob.receives('AccessRevoked')
    await alice.receives('AccessRevoked')
    expect(vera.socket.connected).toBe(true)
    failing.clear()
  })
})

test('a permission that throws means no, and everybody else goes on', async () => {
  await sql(`insert into tags (id, label) values ('odd', 'odd'), ('even', 'even')`)
  const alice = await app.socket({ as: 'alice' })
  await alice.watch(['tag', 'odd'], ['tag', 'even'])
  failing.add('odd')
  await app.knex.transaction(async (transaction) => {
    await transaction.raw(`set local noclobber.actor = 'batch'`)
    for (const id of ['odd', 'even'])
      await transaction.raw(`update tags set label = label || ' ' where id = ?`, [id])
    await transaction.raw(`delete from tags where id = 'odd'`)
    await transaction.raw(`update tags set label = 'changed' where id = 'even'`)
  })
  expect(await alice.receives('RecordUpdated', { id: 'even' })).toMatchObject({
    version: 3,
    previous_version: 1,
  })
  failing.clear()
})

describe('another site', () => {
  const FOREIGN = ['https://evil.example', 'null', 'http://127.0.0.1', 'http://127.0.0.1.evil.example', 'x']

  test('is refused every unsafe request, cookie or not', async () => {
    const { id } = await make('project', { name: 'x' })
    for (const origin of FOREIGN) {
      for (const [method, path, body] of [
        ['POST', '/records/project', { fields: { name: 'x' } }],
        ['POST', '/records/versions', { records: [] }],
        ['PATCH', `/records/project/${id}`, { client_version: 1, changes: { name: 'y' } }],
        ['DELETE', `/records/project/${id}`, { client_version: 1 }],
      ] as const) {
        const answer = await call(method, path, {
          as: null,
          body,
          headers: { origin, cookie: 'session=alice' },
        })
        expect([origin, method, answer.status, answer.body.code]).toEqual([
          origin,
          method,
          403,
          'cross_origin',
        ])
      }
    }
    for (const origin of [app.origin, 'https://listed.example']) {
      const body = { fields: { name: 'own' } }
      const answer = await call('POST', '/records/project', {
        as: null,
        body,
        headers: { origin, cookie: 'session=alice' },
      })
      expect([origin, answer.status]).toEqual([origin, 201])
    }
    expect((await call('GET', `/records/project/${id}`)).body.data.version).toBe(1)
  })

  test('is refused a connection, over WebSocket and over polling', async () => {
    for (const transport of ['websocket', 'polling'] as const) {
      for (const origin of [...FOREIGN, 'https://listed.example']) {
        const socket = clientOf(app.origin, {
          transports: [transport],
          options: { auth: {}, extraHeaders: { origin, cookie: 'session=alice' } },
        })
        const connected = await new Promise<boolean>((resolve) => {
          socket.once('connect', () => resolve(true))
          socket.once('connect_error', () => resolve(false))
          socket.connect()
        })
        socket.disconnect()
        expect([transport, origin, connected]).toEqual([transport, origin, origin.includes('listed')])
      }
      const url = `${app.origin}/socket.io/?EIO=4&transport=polling`
      const refused = await fetch(url, {
        headers: { origin: 'https://evil.example', cookie: 'session=alice' },
      })
      expect([refused.status, await refused.text()]).toEqual([403, expect.stringContaining('cross_origin')])
    }
  })

  test('and nobody unknown connects', async () => {
    const socket = clientOf(app.origin, { as: 'mallory' })
    const error = await new Promise<Error & { data?: { code: string } }>((resolve) => {
      socket.once('connect_error', resolve as never)
      socket.connect()
    })
    expect(error.data).toMatchObject({ code: 'unauthenticated', status: 401 })
  })
})

const runs = Number(process.env.NOCLOBBER_ATTEMPTS ?? byRun({ short: 300, full: 1_000 }))
const seed = Number(process.env.NOCLOBBER_SEED ?? Date.now() % 1e9)

test(
  `${runs} generated attempts of another tenant, seed ${seed}: nothing is shown, changed or delivered`,
  async () => {
    const secret = 'unspoken-words'
    const targets = [
      ['project', (await make('project', { name: secret })).id],
      ['task', (await make('task', { project_id: 77_001, title: secret })).id],
      ['note', (await make('note', { owner: 'alice', body: secret })).id],
    ] as [string, string][]
    const gina = await app.socket({ as: 'gina' })
    const target = fc.constantFrom(...targets)
    const odd = (id: string) =>
      fc.constantFrom(
        id,
        id.toUpperCase(),
        `${id}:`,
        `acme:record:${id}`,
        `../${id}`,
        `tenant:acme:record:project:${id}`,
        '*',
        '',
      )
    const place = target.chain(([type, id]) => odd(id).map((shown): [string, string] => [type, shown]))
    const scope = fc.constantFrom(
      {},
      { project_id: '77001' },
      { owner: 'alice' },
      { tenant_id: 'acme' },
      { 'x:list:task': '1' },
      { project_id: '77001:' },
    )
    const attempt = fc.oneof(
      fc.tuple(fc.constant('request'), fc.constantFrom(...ROUTES), place),
      fc.tuple(
        fc.constant('watch'),
        fc.array(place, { maxLength: 4 }),
        fc.array(fc.tuple(fc.constantFrom('project', 'task', 'note', 'acme:list:task'), scope), {
          maxLength: 3,
        }),
      ),
      fc.tuple(
        fc.constant('list'),
        fc.constantFrom('project', 'task', 'note'),
        fc.constantFrom(
          '',
          'sort=-id',
          `name=${secret}`,
          `title=${secret}`,
          `body=${secret}`,
          'project_id=77001',
          'owner=alice',
          'tenant_id=acme',
          'limit=1000',
        ),
      ),
      fc.tuple(fc.constant('versions'), fc.array(place, { minLength: 1, maxLength: 5 }), fc.constant(0)),
    )
    await fc.assert(
      fc.asyncProperty(attempt, async ([kind, one, two]) => {
        if (kind === 'request') {
          const [[method, suffix, options], [type, id]] = [one, two] as [
            (typeof ROUTES)[number],
            [string, string],
          ]
          const at = id === '' ? `/records/${type}` : `/records/${type}/${encodeURIComponent(id)}${suffix}`
          const answer = await call(method, at, { ...options, as: 'gina' })
          expect(answer.text).not.toContain(secret)
          if (id !== '') expect(answer.status).toBe(404)
        } else if (kind === 'watch') {
          const records = (one as [string, string][]).map(([type, id]) => ({ type, id, version: 0 }))
          const lists = (two as [string, object][]).map(([type, scope]) => ({ type, scope }))
          const answer = await gina.ask('watch', { records, lists })
          for (const record of answer.records ?? []) expect(record.ok).toBe(false)
        } else if (kind === 'list') {
          expect((await call('GET', `/records/${one}?${two}`, { as: 'gina' })).text).not.toContain(secret)
        } else {
          const records = (one as [string, string][]).map(([type, id]) => ({ type, id, version: 1 }))
          const answer = await call('POST', '/records/versions', { as: 'gina', body: { records } })
          for (const entry of answer.body.data) expect(entry).toMatchObject({ version: null, deleted: false })
        }
      }),
      { numRuns: runs, seed },
    )
    for (const [type, id] of targets) {
      const changes = { project: { name: 'z' }, task: { title: 'z' }, note: { body: 'z' } }[type]
      expect(
        (await call('PATCH', `/records/${type}/${id}`, { body: { client_version: 1, changes } })).status,
      ).toBe(200)
      expect((await call('DELETE', `/records/${type}/${id}`, { body: { client_version: 2 } })).status).toBe(
        204,
      )
    }
    await make('task', { project_id: 77_001, title: 'another' })
    const received = await gina.flushed()
    const foreign = received.filter(
      ({ name, event }) => name !== 'Heartbeat' && event?.tenant_id !== 'globex',
    )
    expect(foreign).toEqual([])
  },
  60_000 + runs * 20,
)
