// `noclobber sql`: what it prints makes of an empty database what migrate and trackTable make of one.
import { migrate, trackTable } from 'noclobber/migrations'
import { doctor } from 'noclobber/server'
import pg from 'pg'
import { afterAll, expect, test } from 'vitest'
import { runCommand } from '../../../server/cli/run.ts'
import { freshDatabase } from '../../support/postgres.ts'

const TABLES = `create table orders (id uuid primary key default gen_random_uuid(), tenant_id text not null, "a?b" text);
  create table lines (id serial primary key, tenant_id text not null, order_id uuid references orders)`

const opened: pg.Pool[] = []
afterAll(() => Promise.all(opened.map((pool) => pool.end())))

const openDatabase = async () => {
  const { url } = await freshDatabase({ migrated: false })
  const pool = new pg.Pool({ connectionString: url, max: 2 })
  opened.push(pool)
  await pool.query(TABLES)
  return { url, pool }
}

const printed = async (url: string, ...args: string[]) => {
  const out: string[] = []
  const err: string[] = []
  const env = { DATABASE_URL: url }
  const terminal = {
    out: (line: string) => out.push(line),
    err: (line: string) => err.push(line),
    env,
    cwd: '/',
  }
  const code = await runCommand(args, { ...terminal, signal: new AbortController().signal } as never)
  expect([code, err]).toEqual([0, []])
  return out.join('\n')
}

const FUNCTIONS = `select p.proname, md5(p.prosrc) as source from pg_proc p where p.pronamespace = 'noclobber'::regnamespace order by 1, 2`
const TRIGGERS = `select c.relname, g.tgname, pg_get_triggerdef(g.oid) as definition from pg_trigger g join pg_class c on c.oid = g.tgrelid
  where not g.tgisinternal and c.relname in ('orders', 'lines') order by 1, 2`
const COLUMNS = `select table_name, column_name, data_type, column_default, is_nullable from information_schema.columns
  where table_name in ('orders', 'lines') order by 1, 2`

test('the printed scripts do what the functions do', async () => {
  const [byHand, byCode] = [await openDatabase(), await openDatabase()]
  await migrate(byCode.pool)
  await trackTable(byCode.pool, 'orders', { tenant: 'tenant_id', ignore: ['a?b'], history: 'values' })
  await trackTable(byCode.pool, 'lines', {
    tenant: 'tenant_id',
    lists: ['order_id'],
    partOf: { table: 'orders', column: 'order_id' },
  })
  await byHand.pool.query(await printed(byHand.url, 'sql'))
  const ofOrders = ['sql', 'orders', '--tenant', 'tenant_id', '--ignore', 'a?b', '--history', 'values']
  const script = await printed(byHand.url, ...ofOrders)
  const columns = await byHand.pool.query(COLUMNS)
  expect(columns.rows.map(({ column_name }) => column_name)).not.toContain('version')
  await byHand.pool.query(script)
  const ofLines = ['--tenant', 'tenant_id', '--lists', 'order_id', '--part-of', 'orders=order_id']
  await byHand.pool.query(await printed(byHand.url, 'sql', 'lines', ...ofLines))
  for (const text of [FUNCTIONS, TRIGGERS, COLUMNS])
    expect((await byHand.pool.query(text)).rows).toEqual((await byCode.pool.query(text)).rows)
  const { ok, findings } = await doctor(byHand.pool, { tables: ['orders', 'lines'] })
  expect([ok, findings.filter(({ level }) => level === 'problem')]).toEqual([true, []])
  await migrate(byHand.pool)
  await byHand.pool.query(`insert into orders (tenant_id) values ('acme')`)
  expect((await byHand.pool.query('select version::int from orders')).rows).toEqual([{ version: 1 }])
})

test('a script that Git has checked out with CRLF makes a log in which nothing is altered', async () => {
  const { url, pool } = await openDatabase()
  const withCrlf = (script: string) => script.replaceAll('\n', '\r\n')
  await pool.query(withCrlf(await printed(url, 'sql')))
  await pool.query(withCrlf(await printed(url, 'sql', 'orders', '--tenant', 'tenant_id')))
  const { findings } = await doctor(pool, { tables: ['orders'] })
  expect(findings.filter(({ level }) => level === 'problem')).toEqual([])
  await migrate(pool)
  await pool.query(`insert into orders (tenant_id) values ('acme'); update orders set "a?b" = 'x'`)
  expect((await pool.query('select version::int from orders')).rows).toEqual([{ version: 2 }])
})
