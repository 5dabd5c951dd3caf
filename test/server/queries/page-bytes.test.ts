// Answers of many records have a budget of bytes: whatever is asked for at once, a node with a small heap lives on, and
// paging gives every record once.
import { spawn } from 'node:child_process'
import createKnex from 'knex'
import { trackTable } from 'noclobber/migrations'
import { expect, test } from 'vitest'
import { freePort } from '../../../scripts/free-port.js'
import { atEnd } from '../../support/at-end.ts'
import { bundleOf } from '../../support/bundled-node.ts'
import { freshDatabase } from '../../support/postgres.ts'
import { waitFor } from '../../support/wait-for.ts'

// More than twice the heap, if thirty people got them all.
const RECORDS = 36
const BYTES = 900_000
const PAGE = 4_000_000

const database = await freshDatabase()
const knex = createKnex({ client: 'pg', connection: database.url })
atEnd(() => knex.destroy())
for (const table of ['letters', 'own_letters'])
  await knex.raw(`create table ${table} (id integer primary key, owner text not null, body text not null)`)
await trackTable(knex, 'letters', { history: 'values' })
await trackTable(knex, 'own_letters')

const [entry, port] = await Promise.all([bundleOf('large-records-node'), freePort()])
const child = spawn(process.execPath, ['--max-old-space-size=256', entry], {
  env: { ...process.env, DATABASE_URL: database.url, PORT: String(port) },
  stdio: ['ignore', 'inherit', 'inherit'],
})
atEnd(() => child.kill('SIGKILL'))
const ask = async (path: string, person = 'ann', init: RequestInit = {}) => {
  const headers = { 'x-person': person, 'content-type': 'application/json' }
  const response = await fetch(`http://127.0.0.1:${port}/api/v1${path}`, { headers, ...init })
  const text = await response.text()
  return { status: response.status, length: text.length, body: JSON.parse(text) }
}
await waitFor(async () => (await ask('/records/letter').catch(() => null))?.status === 200, {
  what: 'the node',
})

const before = (await ask('/records/letter')).body.cursor
const feed = (await ask('/changes')).body.cursor
const filled = `select n, case when n % 2 = 0 then 'ann' else 'bob' end, repeat(md5(n::text), ${BYTES / 32})
  from generate_series(1, ${RECORDS}) n`
for (const table of ['letters', 'own_letters']) await knex.raw(`insert into ${table} ${filled}`)

/** Follows to the end; gives the lengths of the answers and the ids that came. */
const follow = async (first: string, next: (body: never) => string | null) => {
  const lengths: number[] = []
  const ids: number[] = []
  for (let path: string | null = first; path !== null; ) {
    const { status, length, body } = await ask(path)
    expect([path.slice(0, 40), status]).toEqual([path.slice(0, 40), 200])
    lengths.push(length)
    ids.push(...body.data.map(({ id, version }: { id?: string; version: number }) => Number(id ?? version)))
    path = next(body as never)
  }
  return { lengths, ids: ids.sort((a, b) => a - b) }
}
const all = Array.from({ length: RECORDS }, (_, n) => n + 1)
const pages = (path: string) =>
  follow(path, ({ next }: { next: string | null }) => (next === null ? null : `${path}&after=${next}`))

test('pages, deltas and the change feed end where they are full, and give each record once', async () => {
  const list = await pages('/records/letter?limit=1000&sort=-updated_at')
  expect(list.ids).toEqual(all)
  const own = await pages('/records/own_letter?limit=1000&sort=owner')
  expect(own.ids).toEqual(all.filter((n) => n % 2 === 0))
  const delta = await follow(
    `/records/letter?cursor=${before}`,
    ({ more, cursor }: { more: boolean; cursor: string }) =>
      more ? `/records/letter?cursor=${cursor}` : null,
  )
  expect(delta.ids).toEqual(all)
  const changes = await follow(
    `/changes?limit=1000&type=letter&cursor=${feed}`,
    ({ more, cursor }: { more: boolean; cursor: string }) =>
      more ? `/changes?limit=1000&type=letter&cursor=${cursor}` : null,
  )
  expect([...new Set(changes.ids)]).toEqual(all)
  for (const { lengths } of [list, own, delta, changes]) {
    expect(Math.max(...lengths)).toBeLessThan(PAGE * 1.1)
    expect(lengths.length).toBeGreaterThan(3)
  }
}, 120_000)

test('history, versions and bulk edits stay within it too', async () => {
  for (let n = 0; n < 6; n += 1) await knex.raw(`update letters set body = body || ? where id = 1`, [`${n}`])
  const history = await follow('/records/letter/1/history?limit=500', ({ next }: { next: string | null }) =>
    next === null ? null : `/records/letter/1/history?limit=500&before=${next}`,
  )
  expect(history.ids).toEqual([1, 2, 3, 4, 5, 6, 7])
  expect(Math.max(...history.lengths)).toBeLessThan(PAGE * 1.1)
  const held = all.map((n) => ({ type: 'own_letter', id: String(n), version: 9 }))
  const versions = await ask('/records/versions', 'ann', {
    method: 'POST',
    body: JSON.stringify({ records: held }),
  })
  expect(versions.body.data.length).toBe(RECORDS)
  const records = all.map((n) => ({ id: String(n), client_version: 99 }))
  const bulk = { changes: { owner: 'x' }, records }
  const stale = await ask('/records/letter', 'ann', { method: 'PATCH', body: JSON.stringify(bulk) })
  expect([stale.status, stale.body.records.length]).toEqual([409, RECORDS])
  expect(stale.length).toBeLessThan(PAGE * 1.1)
  expect(stale.body.records.at(0).current.fields.body.length).toBeGreaterThan(BYTES * 0.99)
  expect(stale.body.records.at(-1)).toMatchObject({
    outcome: 'stale_record',
    current: null,
    current_version: 1,
  })
}, 120_000)

test('a record that is larger than a page is a page', async () => {
  await knex.raw(`insert into letters values (1000, 'ann', repeat('x', 5000000)), (1001, 'ann', 'short')`)
  const { body } = await ask('/records/letter?limit=1000&sort=-id')
  expect(body.data.map(({ id }: { id: string }) => id)).toEqual(['1001'])
  const next = await ask(`/records/letter?limit=1000&sort=-id&after=${body.next}`)
  expect(next.body.data.map(({ id }: { id: string }) => id)).toEqual(['1000'])
  expect((await ask(`/records/letter?limit=1&sort=-id&after=${next.body.next}`)).body.data[0].id).toBe(
    String(RECORDS),
  )
  await knex.raw('delete from letters where id >= 1000')
}, 60_000)

test('thirty people who ask for everything at once end no node with a heap of 256 MB', {
  tags: 'full',
  timeout: 180_000,
}, async () => {
  const paths = [
    '/records/letter?limit=1000',
    '/records/own_letter?limit=1000&sort=owner',
    `/records/letter?cursor=${before}`,
    `/changes?limit=1000&cursor=${feed}`,
    '/records/letter/1/history?limit=500',
  ]
  const answers = await Promise.all(
    Array.from({ length: 30 }, (_, n) => ask(paths[n % paths.length] as string, `person${n}`)),
  )
  for (const { status, body } of answers)
    expect([200, 429, 404]).toContain(status === 200 ? status : (body.status as number))
  expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(20)
  const here = (await ask('/changes')).body.cursor
  await knex.raw('delete from letters where id > 18')
  const gone = await follow(
    `/changes?limit=1000&cursor=${here}`,
    ({ more, cursor }: { more: boolean; cursor: string }) =>
      more ? `/changes?limit=1000&cursor=${cursor}` : null,
  )
  expect(Math.max(...gone.lengths)).toBeLessThan(PAGE * 1.1)
  expect(child.exitCode).toBeNull()
  expect((await ask('/records/letter?limit=1')).status).toBe(200)
})
