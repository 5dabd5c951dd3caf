// Lists of records that the asker may mostly not read: what is in a hidden record shows in no answer and in no work.
import { once } from 'node:events'
import type { Socket } from 'node:net'
import fc from 'fast-check'
import { defineRecordType } from 'noclobber/server'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type Person, startApp, TYPES } from '../../support/app.ts'

const HIDDEN = 4_000
const note = defineRecordType<Person>('note', {
  table: 'notes',
  fields: { owner: z.string(), body: z.string().default('') },
  search: ['body'],
  can: ({ id }, _action, { fields }) => fields.owner === id,
})
const types = [note, ...TYPES.filter(({ name }) => name !== 'note')]
const app = await startApp({ types, limits: { judgedRows: 5_000 } })
const { call, make, sql } = app
await sql(
  `insert into notes (tenant_id, owner, body) select 'acme', 'bob', 'hidden' || n from generate_series(1, ${HIDDEN}) n`,
)

type Sent = { text: string; values: unknown[] }
let sent: Sent[] = []
let onSent: (statement: Sent) => Promise<void> | void = () => {}
const watched = new WeakSet<object>()
const { client } = app.knex
const acquire = client.acquireConnection
client.acquireConnection = async (...args: unknown[]) => {
  const connection = await acquire.apply(client, args)
  if (watched.has(connection)) return connection
  watched.add(connection)
  const query = connection.query
  connection.query = async (statement: Sent, ...rest: unknown[]) => {
    sent.push({ text: statement.text, values: statement.values })
    const result = await query.call(connection, statement, ...rest)
    await onSent(statement)
    return result
  }
  return connection
}

const list = async (query: string, as = 'alice') => {
  sent = []
  const { status, body } = await call('GET', `/records/note?${query}`, { as })
  expect([query, status]).toEqual([query, 200])
  return body
}
/** What stands the same in each answer: without the position, and how far the node had read. */
const withoutCursor = ({
  cursor: _,
  as_of: _asOf,
  behind_ms: _behindMs,
  ...answer
}: Record<string, unknown>) => answer

describe('a list', () => {
  test('of hidden records costs the same few statements, whatever is asked for', async () => {
    await list('limit=1')
    const [plain, count] = [withoutCursor(await list('limit=1')), sent.length]
    expect(plain).toEqual({ data: [], next: null, recheck: true })
    expect(count).toBeLessThanOrEqual(20)
    const looks = sent
    const word = fc.oneof(
      fc.constantFrom('hidden', 'hidden17', 'idd', 'bob', 'nowhere'),
      fc.string({ maxLength: 9 }),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          limit: fc.constantFrom(1, 2, 100, 1_000),
          owner: fc.option(word, { nil: undefined }),
          body: fc.option(word, { nil: undefined }),
          search: fc.option(word, { nil: undefined }),
          sort: fc.constantFrom('id', '-id', 'body', '-body', 'updated_at', '-version', 'owner'),
        }),
        async (asked) => {
          const query = new URLSearchParams()
          for (const [name, value] of Object.entries(asked))
            if (value !== undefined) query.set(name, `${value}`)
          expect(withoutCursor(await list(query.toString()))).toEqual(plain)
          // Nothing that was asked for has reached a statement that looks at a hidden record.
          const seen = sent.filter(({ text }) => text.includes('noclobber_omitted'))
          expect(seen.length).toBe(looks.filter(({ text }) => text.includes('noclobber_omitted')).length)
          for (const { text } of seen)
            expect(text).not.toMatch(/ilike|"body" =|"owner" =|order by t\."(?!id")/)
        },
      ),
      { numRuns: 25 },
    )
  }, 60_000)

  test('that is too long to be authorized at once goes on, also with no rows, and gives each record once', async () => {
    const own = await startApp({ types, limits: { judgedRows: 1_000 } })
    await own.sql(`insert into notes (tenant_id, owner, body)
      select 'acme', case when n % 900 = 0 then 'alice' else 'bob' end, 'n' || n from generate_series(1, 6000) n`)
    const wanted = (await own.sql("select body from notes where owner = 'alice'"))
      .map(({ body }) => body)
      .sort()
    for (const query of [
      'limit=2',
      'limit=1&sort=-id',
      'limit=2&sort=body',
      'limit=1000&search=n&sort=-body',
    ]) {
      const bodies: string[] = []
      const sizes: number[] = []
      for (let after = ''; ; ) {
        const { status, body } = await own.call('GET', `/records/note?${query}${after}`)
        expect(status).toBe(200)
        sizes.push(body.data.length)
        bodies.push(...body.data.map(({ fields }: { fields: { body: string } }) => fields.body))
        expect(body.in_parts).toBe(query.includes('body') ? true : undefined)
        if (body.next === null) break
        after = `&after=${body.next}`
      }
      expect([query, bodies.sort()]).toEqual([query, wanted])
      expect(sizes.length).toBeGreaterThanOrEqual(6)
    }
  }, 60_000)

  test('counts what may be read alone, by the same work; of too many it says that it doesn’t know', async () => {
    for (const query of [
      'count=exact',
      'count=exact&search=hidden',
      'count=exact&filter[body][contains]=idd',
    ]) {
      expect((await list(`limit=1&${query}`)).count).toBe(0)
      expect(sent.filter(({ text }) => text.startsWith('select count')).length).toBe(0)
    }
    expect((await list('limit=1&count=exact&search=hidden1', 'bob')).count).toBe(1_111)
    const few = await startApp({ types, database: app.database, limits: { judgedRows: 1_000 } })
    const { body } = await few.call('GET', '/records/note?limit=1&count=exact', { as: 'bob' })
    expect(body.count).toBe(null)
  })

  test('says where it goes on without naming what lies there', async () => {
    const own = await startApp({ types, limits: { judgedRows: 500 } })
    await own.sql(`insert into notes (tenant_id, owner, body)
      select 'acme', 'bob', 'word' || n from generate_series(1, 600) n`)
    const { body } = await own.call('GET', '/records/note?limit=1')
    const [{ id }] = (await own.sql('select id from notes order by id offset 499 limit 1')) as [
      { id: string },
    ]
    const inside = Buffer.from(body.next, 'base64url').toString('latin1')
    expect(body.data).toEqual([])
    expect(inside).not.toContain(id)
    expect(inside).not.toContain('word')
  })

  test('by an open field is found by it, and by no other', async () => {
    const open = { ...note, openFields: ['body', 'updated_at'] }
    const own = await startApp({
      types: [open, ...TYPES.filter(({ name }) => name !== 'note')],
      limits: { judgedRows: 500 },
    })
    await own.sql(`insert into notes (tenant_id, owner, body)
      select 'acme', case when n = 2500 then 'alice' else 'bob' end, 'n' || n from generate_series(1, 3000) n`)
    const found = await own.call('GET', '/records/note?body=n2500&sort=-updated_at')
    expect([found.body.data.length, found.body.next, found.body.in_parts]).toEqual([1, null, undefined])
    const hidden = await own.call('GET', '/records/note?body=n2501')
    expect([hidden.body.data, hidden.body.next]).toEqual([[], null])
  })

  test('is given up when its asker goes', async () => {
    const sockets: Socket[] = []
    // A request may come over a connection that was there before.
    app.server.prependListener('request', ({ socket }) => sockets.push(socket))
    const abort = new AbortController()
    const looks = () => sent.filter(({ text }) => text.includes('noclobber_omitted')).length
    onSent = async () => {
      if (looks() !== 2) return
      abort.abort()
      await Promise.all(sockets.filter(({ destroyed }) => !destroyed).map((socket) => once(socket, 'close')))
    }
    sent = []
    const { signal } = abort
    const headers = { authorization: 'Bearer alice', connection: 'close' }
    await expect(fetch(`${app.origin}/api/v1/records/note`, { headers, signal })).rejects.toThrow()
    onSent = () => {}
    for (let n = 0; n < 10; n += 1) expect((await call('GET', '/records/task')).status).toBe(200)
    expect(looks()).toBe(2)
  })
})

describe('a delta', () => {
  test('counts and names no hidden change', async () => {
    const { cursor } = await list('limit=1')
    const hidden = await make('note', { owner: 'bob', body: 'a' }, 'bob')
    const mine = await make('note', { owner: 'alice', body: 'b' })
    for (const body of ['c', 'd', 'e']) await make('note', { owner: 'bob', body }, 'bob')
    await sql('delete from notes where id = ?', [hidden.id])
    const delta = await list(`limit=1&cursor=${cursor}`)
    expect([delta.data.map(({ id }: { id: string }) => id), delta.removed, delta.more]).toEqual([
      [mine.id],
      [],
      false,
    ])
    const after = await list(`limit=1&cursor=${delta.cursor}`)
    expect([after.data, after.removed, after.more]).toEqual([[], [], false])
    await sql('delete from notes where id = ?', [mine.id])
  })

  test('of hidden changes costs the same, whatever is asked for', async () => {
    const { cursor } = await list('limit=1')
    await sql(`update notes set body = body || ' again' where owner = 'bob' and body like 'hidden1%'`)
    const counts: number[] = []
    for (const query of [
      '',
      '&body=hidden1 again',
      '&search=again',
      '&search=nowhere',
      '&owner=bob&limit=1',
    ]) {
      const delta = await list(`cursor=${cursor}${query}`)
      expect([query, delta.data, delta.removed, delta.more]).toEqual([query, [], [], false])
      counts.push(sent.length)
    }
    expect(new Set(counts).size).toBe(1)
  })
})

test('the change feed says that there is more only of what may be read', async () => {
  const { cursor } = (await call('GET', '/changes')).body
  const ids: string[] = []
  for (const owner of ['bob', 'alice', 'bob', 'alice', 'bob'])
    ids.push((await make('note', { owner, body: 'x' }, owner)).id)
  const first = (await call('GET', `/changes?limit=1&cursor=${cursor}`)).body
  expect([first.data[0].id, first.more]).toEqual([ids[1], true])
  const second = (await call('GET', `/changes?limit=1&cursor=${first.cursor}`)).body
  expect([second.data[0].id, second.more]).toEqual([ids[3], false])
  expect((await call('GET', `/changes?cursor=${second.cursor}`)).body).toMatchObject({
    data: [],
    more: false,
  })
})
