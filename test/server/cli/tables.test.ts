// The command line on tracked tables: what a second `track` would lose, what `status` shows, and what a role lacks.
import { tmpdir } from 'node:os'
import { expect, onTestFinished, test } from 'vitest'
import { runCommand } from '../../../server/cli/run.ts'
import { type ChangeApp, startChangeApp } from '../../support/change-app.ts'
import { freshDatabase } from '../../support/postgres.ts'
import { oneIn } from '../../support/short-run.ts'

/** Runs one command line: its exit code, and what it wrote. */
const runOn = async (url: string, ...args: string[]) => {
  const out: string[] = []
  const err: string[] = []
  const code = await runCommand(args, {
    out: (line) => void out.push(line),
    err: (line) => void err.push(line),
    env: { DATABASE_URL: url },
    cwd: tmpdir(),
    signal: new AbortController().signal,
  })
  return { code, out: out.join('\n'), err: err.join('\n') }
}

/** Orders, and lines of them that are tracked with all the options that there are. */
const LINES = [
  ...['--tenant', 'tenant_id', '--lists', 'order_id,client_id', '--ignore', 'seen at', '--history', 'values'],
  ...['--part-of', 'orders=order_id', '--part-field', 'lines'],
]

const startOrders = async (): Promise<ChangeApp> => {
  const app = await startChangeApp()
  await app.sql('create table orders (id integer primary key, tenant_id text)')
  await app.sql(`create table lines (id integer primary key, tenant_id text, order_id integer, client_id integer,
    "seen at" timestamptz)`)
  expect(await runOn(app.databaseUrl, 'track', 'orders', '--tenant', 'tenant_id')).toMatchObject({ code: 0 })
  expect(await runOn(app.databaseUrl, 'track', 'lines', ...LINES)).toMatchObject({ code: 0, err: '' })
  return app
}

const triggersOf = (app: ChangeApp) =>
  app.sql(
    `select tgname, pg_get_triggerdef(oid) from pg_trigger where tgrelid = 'lines'::regclass order by 1`,
  )

test('track doesn’t take away the options that a table has, and says which they are', async () => {
  const app = await startOrders()
  const before = await triggersOf(app)
  const refused = await runOn(app.databaseUrl, 'track', 'public.lines', '--tenant', 'tenant_id')
  expect(refused).toMatchObject({ code: 2, out: '' })
  expect(refused.err.split('\n')).toEqual([
    'public.lines is tracked already, with other options. This would change: --lists client_id,order_id → none; ' +
      '--ignore seen at → none; --history values → none; --part-of public.orders=order_id → none; --part-field lines → none.',
    'As it is tracked now: npx noclobber track public.lines --tenant tenant_id --lists order_id,client_id ' +
      `--ignore 'seen at' --history values --part-of public.orders=order_id --part-field lines`,
    'Nothing was done. Give the same options, or --replace to have it tracked with these alone.',
  ])
  expect(await triggersOf(app)).toEqual(before)

  const copied = [...LINES.slice(0, 2), '--lists', 'client_id,order_id', ...LINES.slice(4)]
  const same = copied.map((part) => part.replace('orders=', 'public.orders='))
  expect(await runOn(app.databaseUrl, 'track', 'lines', ...same)).toMatchObject({ code: 0, err: '' })

  expect(await runOn(app.databaseUrl, 'track', 'lines', '--replace')).toMatchObject({ code: 0, err: '' })
  const replaced = JSON.parse((await runOn(app.databaseUrl, 'status', '--json')).out)
  expect(replaced.tables.find(({ table }: { table: string }) => table === 'public.lines')).toMatchObject({
    tenant: null,
    lists: [],
    ignore: [],
    history: 'fields',
    partOf: null,
  })
  expect(await runOn(app.databaseUrl, 'track', 'lines', '--history', 'values')).toMatchObject({
    code: 2,
    err: expect.stringContaining('This would change: --history none → values.'),
  })
})

test('columns of other names are options like others: track, sql, status, doctor', async () => {
  const app = await startOrders()
  await app.sql('create table posts (id integer primary key, lock_version integer, "updated at" timestamp)')
  const columns = ['--version-column', 'lock_version', '--updated-at-column', 'updated at', '--no-updated-by']
  const { out: script } = await runOn(app.databaseUrl, 'sql', 'posts', ...columns)
  expect(script).toContain('alter column "lock_version" set default 1')
  expect(await runOn(app.databaseUrl, 'track', 'posts', ...columns)).toMatchObject({ code: 0, err: '' })
  expect(await runOn(app.databaseUrl, 'track', 'posts', ...columns)).toMatchObject({ code: 0, err: '' })
  expect((await runOn(app.databaseUrl, 'track', 'posts')).err).toContain(
    `As it is tracked now: npx noclobber track posts --version-column lock_version --updated-at-column 'updated at' --no-updated-by`,
  )
  const status = await runOn(app.databaseUrl, 'status')
  expect(status.out).toContain(
    'public.posts, key id, no tenant, version in lock_version, updatedAt in updated at, updatedBy nowhere',
  )
  await app.sql('drop trigger zz_noclobber_insert on posts')
  expect((await runOn(app.databaseUrl, 'doctor')).out).toContain(
    `trackTable(knex, 'public.posts', { columns: { version: 'lock_version', updatedAt: 'updated at', updatedBy: null } })`,
  )
  expect(await runOn(app.databaseUrl, 'track', 'posts', '--no-updated-at', ...columns)).toMatchObject({
    code: 2,
    err: expect.stringContaining('exclude each other'),
  })
})

test('track without a log says both ways to it', async () => {
  const { url } = await freshDatabase({ migrated: false })
  expect(await runOn(url, 'track', 'orders')).toMatchObject({
    code: 1,
    err: expect.stringContaining('npx noclobber init'),
  })
})

test('status shows the options of each table, and a log that is empty', async () => {
  const app = await startOrders()
  const status = await runOn(app.databaseUrl, 'status')
  expect(status.out).toMatch(/^log {6}empty, \d+ kB$/m)
  expect(status.out).toContain(
    'table    public.lines, key id, tenant tenant_id, lists by order_id and client_id, ignores seen at, ' +
      'history of values, part of public.orders by order_id',
  )
  expect(status.out).toContain('table    public.notes, key id, tenant tenant_id\n')
  const { tables } = JSON.parse((await runOn(app.databaseUrl, 'status', '--json')).out)
  expect(tables).toContainEqual({
    table: 'public.lines',
    key: 'id',
    tenant: 'tenant_id',
    lists: ['order_id', 'client_id'],
    columns: {},
    ignore: ['seen at'],
    history: 'values',
    partOf: { table: 'public.orders', column: 'order_id', field: 'lines' },
    triggers: 23,
  })
})

test('changes of a table that nobody tracks or tracked is a wrong call', async () => {
  const app = await startChangeApp()
  await app.sql(`insert into labels (word) values ('one')`)
  expect(await runOn(app.databaseUrl, 'changes', '--tables', 'labels,nope')).toEqual({
    code: 2,
    out: '',
    err: 'No table nope is tracked. Tracked: public.labels, public.notes.\nSee: noclobber changes --help',
  })
  await app.sql('drop table labels')
  const dropped = await runOn(app.databaseUrl, 'changes', '--tables', 'labels')
  expect(dropped).toMatchObject({ code: 0, out: expect.stringContaining('public.labels 1 v1') })
})

test('a role without rights is named, and where the GRANTs are', async () => {
  const app = await startChangeApp()
  const role = `noclobber_poor_${process.pid}_${Date.now()}`
  await app.sql(`create role ${role} login password 'poor'`)
  onTestFinished(async () => {
    await app.sql(`drop owned by ${role}`)
    await app.sql(`drop role ${role}`)
  })
  const url = new URL(app.databaseUrl)
  url.username = role
  url.password = 'poor'
  const docs = `The GRANTs are in docs/operating.md, "Rights of the server's role".`
  for (const command of ['status', 'doctor', 'changes', 'prune'])
    expect([command, await runOn(url.href, command)]).toEqual([
      command,
      {
        code: 1,
        out: '',
        err: `Role ${role} lacks rights on schema noclobber: permission denied for schema noclobber. ${docs}`,
      },
    ])
  await app.sql(`grant usage on schema noclobber to ${role}`)
  const inside = await runOn(url.href, 'status')
  expect(inside.err).toMatch(
    new RegExp(`^Role ${role} lacks rights on schema noclobber: .* (table|view) \\w+\\. The GRANTs`),
  )
  expect((await runOn(url.href, 'doctor')).err).toContain(`lacks rights on schema noclobber`)
  await app.sql(`grant select on all tables in schema noclobber to ${role}`)
  expect(await runOn(url.href, 'track', 'labels')).toEqual({
    code: 1,
    out: '',
    err: expect.stringMatching(
      /^Table labels can't be tracked: the change log belongs to \w+, and \w+ is no member of it\./,
    ),
  })
})

test('untrack stops tracking one table, uninstall all of them and the log; rows stay', async () => {
  const app = await startOrders()
  await app.sql(`insert into orders (id, tenant_id) values (1, 'acme')`)
  const run = (...args: string[]) => runOn(app.databaseUrl, ...args)
  expect(await run('untrack', 'lines')).toMatchObject({
    ...{ code: 0, out: expect.stringMatching(/^lines is not tracked any more\. Its columns .* stay/) },
  })
  expect(await run('untrack', 'lines')).toMatchObject({ code: 1, err: 'lines is not tracked.' })
  expect((await run('untrack', 'lines', '--drop-columns')).err).toContain('alter table … drop column')
  expect(await triggersOf(app)).toEqual([])

  const planned = await run('uninstall')
  expect(planned).toMatchObject({ code: 1, out: expect.stringContaining('Would untrack:') })
  expect(planned.out).toContain('public.orders')
  expect(await app.sql('update orders set tenant_id = tenant_id returning version')).toHaveLength(1)
  expect(await run('uninstall', '--yes', '--drop-columns')).toMatchObject({
    code: 0,
    out: expect.stringContaining('The change log is gone.'),
  })
  expect(await app.sql('select * from orders')).toEqual([{ id: 1, tenant_id: 'acme' }])
  expect(
    await app.sql(
      `select to_regnamespace('noclobber') as schema, to_regclass('noclobber_migrations') as migrations`,
    ),
  ).toEqual([{ schema: null, migrations: null }])
  const nothing = { code: 0, out: 'Nothing of noclobber is in this database.' }
  expect([await run('uninstall'), await run('uninstall', '--yes')]).toMatchObject([nothing, nothing])
})

test('the doctor says that no table is tracked', async () => {
  const { url } = await freshDatabase()
  const { code, out } = await runOn(url, 'doctor')
  expect([code, out]).toEqual([0, expect.stringContaining('note  nothing_tracked')])
})

test('retention says how long a table keeps what, sets it, and takes it back', async () => {
  const app = await startOrders()
  const run = (...args: string[]) => runOn(app.databaseUrl, 'retention', ...args)
  expect(await run()).toMatchObject({ code: 0, out: 'All is kept as long as the servers say.' })
  expect(await run('lines', '--values', '90 days', '--names', '2 years')).toMatchObject({
    code: 0,
    out: 'public.lines: values 90 days, changes 2 years',
  })
  expect((await run('--json')).out).toBe('[{"table":"public.lines","values":"90 days","names":"2 years"}]')
  for (const args of [['lines'], ['--values', '1 day'], ['lines', '--default', '--names', '1 day']])
    expect((await run(...args)).code).toBe(2)
  expect((await run('lines', '--values', 'soon')).err).toContain('Not a time')
  expect(await run('lines', '--default')).toMatchObject({ out: 'All is kept as long as the servers say.' })
})

test.each(oneIn(3, [`it's "quoted"`, 'what?', 'a.b']))(
  'a table that is called %s is tracked, looked at, mended and untracked',
  async (name) => {
    const app = await startChangeApp()
    const quoted = `"${name.replaceAll('"', '""')}"`
    const sql = (text: string) => app.sql(text.replaceAll('?', '\\?'))
    const done = async (...args: string[]) =>
      expect([args, await runOn(app.databaseUrl, ...args)]).toEqual([
        args,
        expect.objectContaining({ code: 0 }),
      ])
    await sql(`create table ${quoted} (id integer primary key, label text)`)
    await done('track', quoted)
    await sql(`insert into ${quoted} values (1, 'a'); update ${quoted} set label = 'b'`)
    await done('doctor')
    await sql(`drop trigger zz_noclobber_insert on ${quoted}`)
    expect(await runOn(app.databaseUrl, 'doctor')).toMatchObject({
      code: 1,
      out: expect.stringContaining('trigger_missing'),
    })
    for (const command of ['doctor --repair', 'restored', 'status', 'doctor'])
      await done(...command.split(' '))
    await done('untrack', quoted)
  },
)
