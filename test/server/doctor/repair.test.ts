// A tool that owns the schema brings a tracked table to a model that knows nothing of its columns.
import { trackTable } from 'noclobber/migrations'
import { createRecordServer, defineRecordType, doctor } from 'noclobber/server'
import pg from 'pg'
import { afterAll, expect, test } from 'vitest'
import { z } from 'zod'
import { runCommand } from '../../../server/cli/run.ts'
import { freshDatabase } from '../../support/postgres.ts'

const { url } = await freshDatabase()
const pool = new pg.Pool({ connectionString: url, max: 3 })
afterAll(() => pool.end())
await pool.query(`create table orders (id serial primary key, tenant_id text not null, title text);
  create table lines (id serial primary key, tenant_id text not null, order_id int references orders)`)
await trackTable(pool, 'orders', { tenant: 'tenant_id' })
await trackTable(pool, 'lines', {
  tenant: 'tenant_id',
  lists: ['order_id'],
  partOf: { table: 'orders', column: 'order_id' },
})
await pool.query(`insert into orders (tenant_id, title) values ('acme', 'One'), ('acme', 'Two')`)
await pool.query(`update orders set title = 'Once' where id = 1`)
await pool.query(`update orders set title = 'Twice' where id = 1`)

const versions = async () =>
  (await pool.query('select id, version::int from orders order by id')).rows.map(({ version }) => version)

const repair = async () => {
  const out: string[] = []
  const terminal = { out: (line: string) => void out.push(line), err: (line: string) => void out.push(line) }
  const code = await runCommand(['doctor', '--repair'], {
    ...{ ...terminal, env: { DATABASE_URL: url }, cwd: '/' },
    signal: new AbortController().signal,
  })
  return { code, out: out.join('\n') }
}

test.each(['version', 'updated_at', 'updated_by'])('%s can’t be dropped without CASCADE', async (column) => {
  await expect(pool.query(`alter table orders drop column ${column}`)).rejects.toMatchObject({
    code: '2BP01',
    detail: expect.stringContaining('zz_noclobber_needs_its_columns'),
  })
  await pool.query('update orders set version = 70, updated_at = now() where id = 2')
  expect(await versions()).toEqual([3, 1])
})

test('what is dropped with CASCADE is found at the start and by the doctor, and mended', async () => {
  await pool.query(`alter table orders drop column version cascade, drop column updated_at cascade`)
  await expect(pool.query(`insert into orders (tenant_id) values ('acme')`)).rejects.toThrow()
  const records = createRecordServer({
    log: null,
    pool,
    types: [defineRecordType('order', { table: 'orders', fields: { title: z.any() } })],
    authenticate: () => null,
  })
  await expect(records.start()).rejects.toThrow('version, updated_at were dropped, which its triggers need')
  await records.stop()
  const { ok, findings } = await doctor(pool)
  expect(ok).toBe(false)
  expect(findings.map(({ code }) => code)).toContain('column_missing')
  const { code, out } = await repair()
  expect([code, out]).toEqual([0, expect.stringContaining('public.orders is tracked again')])
  expect(await versions()).toEqual([3, 1])
  await pool.query(`update orders set title = 'Again' where id = 1`)
  await pool.query(`insert into lines (tenant_id, order_id) values ('acme', 2)`)
  expect(await versions()).toEqual([4, 2])
  expect(
    (await doctor(pool, { tables: ['orders', 'lines'] })).findings.filter(({ level }) => level === 'problem'),
  ).toEqual([])
})

test('a version is mended to none below the history’s floor, and where the log knows none to one above all', async () => {
  const dropVersion = () => pool.query('alter table orders drop column version cascade')
  await pool.query(
    `delete from noclobber.record_changes where table_name = 'public.orders' and record_id = '2'`,
  )
  await dropVersion()
  await repair()
  const [logged, unknown] = (await versions()) as [number, number]
  expect([logged, unknown > 10_000]).toEqual([4, true])

  await pool.query('update noclobber.log_epoch set epoch = gen_random_uuid()')
  await pool.query('select noclobber.epoch()')
  const { rows } = await pool.query(
    `select floor::int from noclobber.version_floors where relation = 'orders'::regclass order by 1 desc`,
  )
  await dropVersion()
  await repair()
  for (const version of await versions()) expect(version).toBeGreaterThanOrEqual(rows[0].floor)
  expect(rows[0].floor).toBeGreaterThan(unknown)
  await pool.query(`update orders set title = 'Still' where id = 1`)
  expect((await doctor(pool, { tables: ['orders'] })).ok).toBe(true)
})

test('a table that was made anew, without triggers, is found at the start and by health', async () => {
  const records = createRecordServer({
    log: null,
    pool,
    types: [defineRecordType('line', { table: 'lines', fields: { order_id: z.any() } })],
    authenticate: () => null,
  })
  await records.start()
  expect((await records.health()).checks.tables).toEqual({ ok: true })
  await records.stop()
  await pool.query('alter table lines rename to old_lines; create table lines (like old_lines including all)')
  const anew = createRecordServer({
    log: null,
    pool,
    types: [defineRecordType('line', { table: 'lines', fields: { order_id: z.any() } })],
    authenticate: () => null,
  })
  await expect(anew.start()).rejects.toThrow("isn't tracked")
  expect((await anew.health()).status).toBe('unavailable')
  await anew.stop()
})
