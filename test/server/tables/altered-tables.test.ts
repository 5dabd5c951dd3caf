// Tables that are altered while servers run: the next request already finds them as they are, or is refused by a sentence. None is
// answered 500, and none writes anything else than was sent.
import createKnex from 'knex'
import { trackTable } from 'noclobber/migrations'
import { defineRecordType, type Logger } from 'noclobber/server'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { type Person, startApp } from '../../support/app.ts'
import { waitFor } from '../../support/wait-for.ts'

const any = z.any().optional()

const errors: string[] = []
const log: Logger = {
  info: () => {},
  warn: () => {},
  error: (details) => errors.push(String((details as { err?: Error }).err?.message)),
}

const COLUMNS =
  'moment timestamptz, local_time timestamp, day date, amount numeric, ratio float8, whole int, label text'

const app = await startApp({
  types: [
    defineRecordType<Person>('thing', {
      table: 'things',
      fields: {
        moment: any,
        local_time: any,
        day: any,
        amount: any,
        ratio: any,
        whole: any,
        label: any,
      },
      importKey: 'id',
      can: () => true,
    }),
  ],
  // The session's zone isn't UTC.
  prepare: async (knex) => {
    await knex.raw(`create table things (id text primary key, ${COLUMNS})`)
    await trackTable(knex, 'things')
    await knex.raw(
      `do $$ begin execute format('alter database %I set timezone = %L', current_database(), 'Asia/Tokyo'); end $$`,
    )
    // Sessions that are open have the former zone.
    await knex.raw(`set timezone = 'Asia/Tokyo'`)
  },
  pool: { min: 0, max: 3 },
  // Only a failed statement makes it look again.
  limits: { tablesMs: 3_600_000 },
  log,
})
let next = 1

/** A record whose statements all connections have prepared. */
const made = async () => {
  const id = String(next++)
  const fields = {
    moment: '2026-01-01T10:00:00Z',
    local_time: '2026-01-01T10:00:00',
    day: '2026-01-01',
    amount: 1.5,
    ratio: 1.5,
    whole: 1,
    label: 'a',
  }
  await app.call('POST', '/records/thing', { body: { id, fields } })
  const { body } = await app.call('GET', `/records/thing/${id}`)
  return { id, version: Number(body.data.version), path: `/records/thing/${id}` }
}
const stored = async (id: string, column: string) =>
  (await app.sql(`select ${column}::text as text from things where id = ?`, [id]))[0].text

/** In each of these the session's zone, or rounding, would make another value of what is sent. */
const CHANGES: [column: string, type: string, value: unknown, becomes: string][] = [
  ['moment', 'timestamp', '2026-03-01T10:00:00Z', '2026-03-01 10:00:00'],
  ['moment', 'timestamptz', '2026-03-01T10:00:00Z', '2026-03-01 19:00:00+09'],
  ['local_time', 'timestamptz', '2026-03-01T10:00:00', '2026-03-01 19:00:00+09'],
  ['local_time', 'timestamp', '2026-03-01T10:00:00', '2026-03-01 10:00:00'],
  ['day', 'timestamptz', '2026-03-01', '2026-03-01 09:00:00+09'],
  ['day', 'date', '2026-03-01', '2026-03-01'],
  ['amount', 'float8', 2.25, '2.25'],
  ['amount', 'numeric', 2.25, '2.25'],
  ['ratio', 'numeric', 2.25, '2.25'],
  ['ratio', 'float8', 2.25, '2.25'],
  ['whole', 'text', 7, '7'],
  ['whole', 'int', 8, '8'],
  ['label', 'varchar(10)', 'short', 'short'],
  ['label', 'text', 'again', 'again'],
]

type Made = Awaited<ReturnType<typeof made>>

const WAYS = {
  'a save': async ({ path, version }: Made, changes: object) =>
    app.call('PATCH', path, { body: { client_version: version, changes } }),
  'a save with a mutation id': async ({ path, version }: Made, changes: object) =>
    app.call('PATCH', path, { body: { client_version: version, changes, mutation_id: `m${next++}` } }),
  'a bulk edit': async ({ id, version }: Made, changes: object) =>
    app.call('PATCH', '/records/thing', { body: { changes, records: [{ id, client_version: version }] } }),
  'an import': async ({ id }: Made, changes: object) =>
    app.call('POST', '/records/thing/import', {
      text: `${JSON.stringify({ id, ...changes })}\n`,
      headers: { 'content-type': 'application/x-ndjson' },
    }),
}

test.each(Object.keys(WAYS) as (keyof typeof WAYS)[])(
  '%s writes what was sent, whatever type its column has come to have',
  async (way) => {
    for (const [column, type, value, becomes] of CHANGES) {
      const record = await made()
      // At once, so that every connection has the statements.
      await Promise.all(Array.from({ length: 9 }, () => app.call('GET', record.path)))
      await app.sql(`alter table things alter ${column} type ${type} using ${column}::${type}`)
      const answer = await WAYS[way](record, { [column]: value })
      const again = answer.status === 503 ? await WAYS[way](record, { [column]: value }) : answer
      expect([column, type, again.status, again.status === 200 ? '' : again.text]).toEqual([
        column,
        type,
        200,
        '',
      ])
      expect([column, type, await stored(record.id, column)]).toEqual([column, type, becomes])
      // Only what can't be read twice has to be sent again.
      if (way !== 'an import') expect([column, type, answer.status]).toEqual([column, type, 200])
    }
  },
)

test('reads, lists, deltas and versions meet no 500 after an alteration, and events go on', async () => {
  const { id, path } = await made()
  const watcher = await app.socket()
  await watcher.ask('watch', { records: [{ type: 'thing', id }], lists: [{ type: 'thing' }] })
  const first = await app.call('GET', '/records/thing?limit=5')
  for (const type of ['numeric', 'text', 'int']) {
    await app.sql(`alter table things alter whole type ${type} using whole::${type}`)
    for (const asked of [
      path,
      `${path}/version`,
      `${path}/history`,
      '/records/thing?limit=5',
      `/records/thing?cursor=${first.body.cursor}`,
      '/records/thing?whole=1',
    ])
      expect([type, asked, (await app.call('GET', asked)).status]).toEqual([type, asked, 200])
    await app.sql(`alter table things alter whole type bigint using whole::bigint`)
    const [{ version }] = await app.sql(
      `update things set label = label || '.' where id = ? returning version::int`,
      [id],
    )
    await watcher.receives('RecordUpdated', { id, version })
  }
})

test('a column that was renamed is refused with what to do, said at /readyz, and served again when it fits', async () => {
  const { id, path, version } = await made()
  const save = { body: { client_version: version, changes: { label: 'b' } } }
  await app.sql('alter table things rename label to caption')
  const edit = { changes: { label: 'x' }, records: [{ id, client_version: version }] }
  const asked: [string, string, object][] = [
    ['PATCH', path, save],
    ['GET', path, {}],
    ['POST', '/records/thing', { body: { id: '9999', fields: { label: 'x' } } }],
    ['GET', '/records/thing', {}],
    ['PATCH', '/records/thing', { body: edit }],
    [
      'POST',
      '/records/thing/import',
      { text: `id,label\n${id},x\n`, headers: { 'content-type': 'text/csv' } },
    ],
  ]
  for (const [method, at, options] of asked) {
    const answer = await app.call(method, at, options)
    expect([method, at, answer.status, answer.body]).toEqual([
      method,
      at,
      503,
      expect.objectContaining({
        code: 'unavailable',
        detail: expect.stringContaining('does not fit it any more'),
      }),
    ])
  }
  expect(errors.join()).toContain('it has no column label')
  const { checks, status } = await app.records.health()
  expect([status, checks.tables.detail]).toEqual([
    'unavailable',
    expect.stringContaining('it has no column label'),
  ])
  await app.sql('alter table things rename caption to label')
  expect((await app.call('PATCH', path, save)).status).toBe(200)
})

test('an error of the app’s own trigger is no alteration', async () => {
  const { path, version } = await made()
  await app.sql(`create function broken() returns trigger language plpgsql as $$ begin perform missing from nowhere; return new; end $$;
    create trigger a_broken before update on things for each row execute function broken()`)
  const { status, body } = await app.call('PATCH', path, {
    body: { client_version: version, changes: { label: 'z' } },
  })
  expect([status, body.detail]).toEqual([500, expect.not.stringContaining('does not fit')])
  await app.sql('drop function broken cascade')
})

test('a transaction of the caller’s that meets one fails, and the next passes', async () => {
  const { id, version } = await made()
  const actor = { id: 'alice', name: 'Alice', tenantId: 'acme', role: 'editor' as const }
  const knex = createKnex({ client: 'pg', connection: app.database.url, pool: { min: 0, max: 1 } })
  const save = () =>
    knex.transaction((transaction) =>
      app.records.save('thing', id, {
        actor,
        clientVersion: version,
        changes: { moment: '2026-05-01T10:00:00Z' },
        transaction,
      }),
    )
  await app.sql('alter table things alter moment type timestamp')
  await expect(save()).rejects.toThrow()
  await waitFor(async () => (await save().catch(() => ({ outcome: 'failed' }))).outcome !== 'failed', {
    what: 'a save',
  })
  await knex.destroy()
  expect(await stored(id, 'moment')).toBe('2026-05-01 10:00:00')
})
