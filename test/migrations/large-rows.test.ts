// A small change of a row with large values stores the small change: the triggers leave values that PostgreSQL keeps out
// of line where they are.
import { randomBytes } from 'node:crypto'
import type { Knex } from 'knex'
import { trackTable } from 'noclobber/migrations'
import { expect, test } from 'vitest'
import { startApp } from '../support/app.ts'
import { oneIn } from '../support/short-run.ts'

const LARGE = randomBytes(450_000).toString('hex')

const prepare = async (knex: Knex) => {
  await knex.raw(`create table books (id int primary key, title text, body text);
    create table visited (id int primary key, title text, body text, seen int, opened int);
    create table pages (id int primary key, book_id int references books, label text)`)
  await trackTable(knex, 'books')
  await trackTable(knex, 'visited', { ignore: ['seen', 'opened'], history: 'values' })
  await trackTable(knex, 'pages', { partOf: { column: 'book_id', table: 'books' } })
}
const app = await startApp({ prepare })

/** How much a table, with its values out of line and its indexes, grows meanwhile. */
const growthOf = async (table: string, work: () => Promise<unknown>) => {
  const size = async () => (await app.sql('select pg_total_relation_size(?)::int as bytes', [table]))[0].bytes
  const before = await size()
  await work()
  return (await size()) - before
}

const times = async (count: number, work: (at: number) => Promise<unknown>) => {
  for (let at = 1; at <= count; at += 1) await work(at)
}

const SMALL = 500_000

test('saves of a small field', async () => {
  const [{ id }] = await app.sql(
    `insert into projects (tenant_id, name, notes) values ('acme', 'Large', ?) returning id`,
    [LARGE],
  )
  const save = async (version: number, more: object) => {
    const body = { client_version: version, changes: { name: `Name ${version}` }, ...more }
    expect((await app.call('PATCH', `/records/project/${id}`, { body })).status).toBe(200)
  }
  expect(await growthOf('projects', () => times(30, (at) => save(at, {})))).toBeLessThan(SMALL)
})

test.each(oneIn(3, ['nightly\nbilling', 'nightly billing', '']))(
  'updates by SQL, the writer set to %j',
  async (writer) => {
    const [{ id }] = await app.sql(`insert into books select count(*), 'Large', ? from books returning id`, [
      LARGE,
    ])
    const update = (set: string) =>
      app.knex.transaction(async (transaction) => {
        await transaction.raw(`select set_config('noclobber.actor', ?, true)`, [writer])
        await transaction.raw(`update books set ${set} where id = ${id}`)
      })
    const work = () =>
      times(10, async (at) => {
        await update(`title = 'Title ${at}'`)
        await update('title = title')
        await update(`title = 'Title ${at}.', version = 70, updated_at = now(), updated_by = null`)
      })
    expect(await growthOf('books', work)).toBeLessThan(SMALL)
    expect(
      await app.sql('select version::int, md5(body) = md5(?) as same from books where id = ?', [LARGE, id]),
    ).toEqual([{ version: 21, same: true }])
  },
)

test('updates of a table with housekeeping columns and kept values', async () => {
  await app.sql(`insert into visited values (1, 'Large', ?)`, [LARGE])
  const work = () =>
    times(15, async (at) => {
      await app.sql('update visited set seen = ?, opened = ?', [at, at])
      await app.sql('update visited set title = ?, seen = null', [`Title ${at}`])
    })
  expect(await growthOf('visited', work)).toBeLessThan(SMALL)
  expect(await app.sql('select version::int from visited')).toEqual([{ version: 16 }])
})

test('changes of parts', async () => {
  await app.sql(`insert into books values (100, 'Large', ?)`, [LARGE])
  const work = async () => {
    await times(15, (at) => app.sql(`insert into pages values (?, 100, 'page')`, [at]))
    await times(15, (at) => app.sql('update pages set label = ? where id = ?', [`page ${at}`, at]))
  }
  expect(await growthOf('books', work)).toBeLessThan(SMALL)
  expect(await app.sql('select version::int from books where id = 100')).toEqual([{ version: 31 }])
})
