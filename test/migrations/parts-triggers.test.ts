// A parent whose table has triggers of the app: they run as the writer of the parts, by that role's search path, as if it
// had updated the parent. Where it may not, nothing of the app's runs with the log's rights.
import createKnex from 'knex'
import { trackTable } from 'noclobber/migrations'
import pg from 'pg'
import { beforeAll, expect, test } from 'vitest'
import { atEnd } from '../support/at-end.ts'
import { freshDatabase } from '../support/postgres.ts'

const { url, name } = await freshDatabase()
const knex = createKnex({ client: 'pg', connection: url, pool: { min: 0, max: 4 } })
atEnd(() => knex.destroy())
const clerk = `${name}_clerk`

beforeAll(async () => {
  await knex.raw(`create role ${clerk};
    create table settings (tax numeric); insert into settings values (0.19);
    create table orders (id int primary key, tenant_id text not null default 't', tax numeric, seen_by text, total int default 0);
    create table lines (id int primary key, tenant_id text not null default 't', order_id int references orders on delete cascade, price int);
    create table books (id int primary key, title text);
    create table chapters (id int primary key, book_id int);
    create function tax() returns trigger language plpgsql as $$ begin
      new.tax := (select s.tax from settings s); new.seen_by := current_user; return new; end $$;
    create trigger tax before insert or update on orders for each row execute function tax();
    create function total() returns trigger language plpgsql as $$ begin
      update orders o set total = (select sum(price) from lines l where l.order_id = o.id) where o.id = new.order_id; return null; end $$;
    grant select, insert, update, delete on lines, chapters to ${clerk}; grant select on settings, orders, books to ${clerk}`)
  await trackTable(knex, 'orders', { tenant: 'tenant_id' })
  await trackTable(knex, 'lines', {
    tenant: 'tenant_id',
    partOf: { column: 'order_id', table: 'orders', field: 'lines' },
  })
  await trackTable(knex, 'books')
  await trackTable(knex, 'chapters', { partOf: { column: 'book_id', table: 'books', field: 'chapters' } })
  await knex.raw(
    `insert into orders (id) values (1), (2); update orders set tax = 0; insert into books values (1, 'a')`,
  )
})
atEnd(async () => {
  await knex.raw(`drop owned by ${clerk}; drop role ${clerk}`)
})

const asClerk = async () => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  atEnd(() => client.end())
  await client.query(`set session authorization ${clerk}`)
  return client
}
const order = async (id: number) => {
  const { rows } = await knex.raw(
    `select o.version::int, o.tax::float, o.seen_by, (select c.changed_fields from noclobber.changes c
       where c.table_name = 'public.orders' and c.record_id = o.id::text and c.version = o.version) as fields from orders o where id = ?`,
    [id],
  )
  return rows[0]
}

test("the parent's trigger sees its own names and the writer's role", async () => {
  const before = await order(1)
  const { rowCount } = await knex.raw('insert into lines (id, order_id, price) values (1, 1, 5)')
  expect(rowCount).toBe(1)
  const { rows } = await knex.raw('select current_user as me')
  expect(await order(1)).toMatchObject({ version: before.version + 1, tax: 0.19, seen_by: rows[0].me })
  expect((await order(1)).fields).toContain('lines')
  await knex.raw('update lines set order_id = 2, price = 6 where id = 1')
  expect((await order(1)).version).toBe(before.version + 2)
  await knex.raw('delete from lines')
  await knex.raw('insert into lines select i, $$t$$, 2, 1 from generate_series(10, 60) i')
  await knex.raw('truncate lines')
  expect((await order(2)).version).toBe(5)
})

test('a writer that may not update the parent: refused with the grant that it needs, and then written as itself', async () => {
  const client = await asClerk()
  const before = await order(1)
  const insert = (id: number) =>
    client.query('insert into lines (id, order_id, price) values ($1, 1, 5)', [id])
  await expect(insert(200)).rejects.toMatchObject({
    message: expect.stringMatching(/may not update public\.orders, or tax kept the update back/),
    hint: expect.stringContaining('GRANT SELECT, UPDATE (updated_at) ON public.orders'),
  })
  expect(await order(1)).toEqual(before)
  await knex.raw(`grant update (updated_at) on orders to ${clerk}`)
  await insert(201)
  expect(await order(1)).toMatchObject({ version: before.version + 1, seen_by: clerk })
})

test('a parent without triggers of the app is raised for writers that may not update it, or not see it', async () => {
  const client = await asClerk()
  const version = async () => Number((await knex('books').first('version')).version)
  await client.query('insert into chapters values (1, 1)')
  expect(await version()).toBe(2)
  await knex.raw(`grant update on books to ${clerk}; alter table books enable row level security`)
  await client.query('insert into chapters values (2, 1)')
  expect(await version()).toBe(3)
  const { rows } = await knex.raw(
    `select distinct changed_fields as fields from noclobber.changes where table_name = 'public.books' and event = 'updated'`,
  )
  expect(rows).toEqual([{ fields: ['chapters'] }])
  await knex.raw('alter table books disable row level security')
})

test('a trigger that keeps the update of a parent back refuses the part', async () => {
  await knex.raw(`create function closed() returns trigger language plpgsql as $$ begin return null; end $$;
    create trigger closed before update on books for each row when (old.title = 'closed') execute function closed();
    insert into books values (2, 'closed')`)
  await expect(knex.raw('insert into chapters values (3, 2)')).rejects.toThrow(
    /A part of public\.books 2 can't be written/,
  )
  await knex.raw('insert into chapters values (3, 1)')
})

test('parts that write their parent, whose trigger writes parts: each version once, in order', async () => {
  await knex.raw(`create trigger total after insert or update of price on lines for each row execute function total();
    create function mark() returns trigger language plpgsql as $$ begin
      update lines set price = price where order_id = new.id; return null; end $$;
    create trigger mark after update of total on orders for each row when (old.total is distinct from new.total) execute function mark()`)
  await knex.raw('insert into lines (id, order_id, price) values (300, 2, 7)')
  const { rows } = await knex.raw(
    `select c.version::int as version from noclobber.changes c where c.table_name = 'public.orders' and c.record_id = '2' order by xid, seq`,
  )
  const versions = rows.map((row: { version: number }) => row.version)
  expect(versions).toEqual([...versions].sort((one, other) => one - other))
  expect(new Set(versions).size).toBe(versions.length)
  expect((await order(2)).version).toBe(versions.at(-1))
  expect((await knex.raw(`select current_setting('noclobber.part', true) as left`)).rows[0].left ?? '').toBe(
    '',
  )
})

test('a setting that somebody else makes raises nothing', async () => {
  const version = async () => Number((await knex('books').where({ id: 1 }).first('version')).version)
  const before = await version()
  await knex.transaction(async (transaction) => {
    await transaction.raw(`select set_config('noclobber.part', e'mark\\n{"1":${before}}', true)`)
    await transaction.raw('update books set updated_at = updated_at where id = 1')
  })
  expect(await version()).toBe(before)
})
