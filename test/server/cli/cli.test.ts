// The command line against a real database and a real server: what it prints, what it changes, how it ends.
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { seeAbout } from '../../../server/base/setup-error.ts'
import { runCommand } from '../../../server/cli/run.ts'
import { type ChangeApp, startChangeApp } from '../../support/change-app.ts'
import { freshDatabase } from '../../support/postgres.ts'
import { waitFor } from '../../support/wait-for.ts'

/** A terminal that keeps what is written to it. */
const openTerminal = (env: Record<string, string> = {}, cwd = tmpdir()) => {
  const out: string[] = []
  const err: string[] = []
  const stopping = new AbortController()
  const terminal = {
    out: (line: string) => void out.push(line),
    err: (line: string) => void err.push(line),
    env,
    cwd,
    signal: stopping.signal,
  }
  return { out, err, stop: () => stopping.abort(), run: (...args: string[]) => runCommand(args, terminal) }
}

const at = (app: ChangeApp) =>
  openTerminal({ DATABASE_URL: app.databaseUrl, NOCLOBBER_URL: app.url, NOCLOBBER_TOKEN: 'ann' })

test('says what there is, and what a command takes', async () => {
  const terminal = openTerminal()
  expect(await terminal.run('--help')).toBe(0)
  for (const name of [
    'new',
    'init',
    'track',
    'untrack',
    'uninstall',
    'sql',
    'status',
    'doctor',
    'changes',
    'prune',
    'create',
    'set',
    'delete',
  ]) {
    expect(terminal.out.join('\n')).toContain(`  ${name} `)
    const help = openTerminal()
    expect(await help.run(name, '--help')).toBe(0)
    expect(help.out[0]).toMatch(`Usage: noclobber ${name}`)
    expect(help.out.join('\n')).toContain('--json')
    const again = openTerminal()
    expect(await again.run('help', name)).toBe(0)
    expect(again.out).toEqual(help.out)
  }
})

test('a wrong call is 2, and says how it is right', async () => {
  const env = { DATABASE_URL: 'postgres://127.0.0.1:1/none' }
  for (const [args, said] of [
    [[], 'Usage:'],
    [['nonsense'], 'There is no command nonsense.\nUsage:'],
    [['help', 'trak'], 'There is no command trak.\nUsage:'],
    [['doctor', '--nonsense'], 'nonsense'],
    [['track'], 'Name one table'],
    [['track', 'notes', '--history', 'all'], '--history is fields or values'],
    [['set', 'note', '1'], 'Say what to set'],
    [['set', 'note', '1', 'title'], 'no assignment'],
    [['set', 'note', '1', 'title:=x'], 'not JSON'],
    [['set', 'note', '1', 'title=x'], 'NOCLOBBER_URL'],
    [['create'], 'Name a type'],
    [['create', 'note'], 'Say what to set'],
    [['delete', 'note'], 'Name a record'],
  ] as const) {
    const terminal = openTerminal(env)
    expect([args, await terminal.run(...args)]).toEqual([args, 2])
    expect(terminal.err.join('\n')).toContain(said)
  }
  expect(await openTerminal().run('status')).toBe(2)
})

test('what can’t be reached is 3, and is reported without the password', async () => {
  const database = openTerminal({ DATABASE_URL: 'postgres://me:secret@127.0.0.1:1/none' })
  expect(await database.run('status')).toBe(3)
  expect(database.err.join('\n')).toContain('127.0.0.1:1/none')
  expect(database.err.join('\n')).not.toContain('secret')
  const server = openTerminal({ NOCLOBBER_URL: 'http://127.0.0.1:1/api/v1' })
  expect(await server.run('set', 'note', '1', 'title=x')).toBe(3)
})

test('an address where something else answers is distinguished from one where nobody does', async () => {
  const app = await startChangeApp()
  const { origin } = new URL(app.url)
  for (const base of [origin, `${origin}/api`]) {
    const terminal = openTerminal({ NOCLOBBER_URL: base })
    expect(await terminal.run('set', 'note', '1', 'title=x')).toBe(3)
    expect(terminal.err).toEqual([
      `Something answered 404 at ${base}, but not the records' router. Give the address where it is mounted, such as ${origin}/api/v1.`,
    ])
  }
  const proxy = createServer((asked, response) =>
    asked.url?.startsWith('/api/')
      ? response.writeHead(502).end('<html>')
      : response.writeHead(200).end('{"ok":true}'),
  ).listen(0, '127.0.0.1')
  onTestFinished(() => void proxy.close())
  await once(proxy, 'listening')
  const base = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}/api/v1`
  const terminal = openTerminal({ NOCLOBBER_URL: base })
  expect(await terminal.run('set', 'note', '1', 'title=x')).toBe(3)
  expect(terminal.err).toEqual([`${base} can't be reached: what stands before it answered 502.`])
  const other = openTerminal({ NOCLOBBER_URL: new URL(base).origin })
  expect(await other.run('set', 'note', '1', 'title=x')).toBe(3)
  expect(other.err[0]).toContain(
    `not the records' router. Give the address where it is mounted, such as ${base}.`,
  )
})

test('init and track write migrations that Knex can run', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'noclobber-cli-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  await writeFile(join(dir, 'package.json'), '{"type":"module"}')
  const terminal = openTerminal({}, dir)
  expect(await terminal.run('init', '--json')).toBe(0)
  expect(
    await terminal.run(
      ...['track', 'app.notes', '--write', '--tenant', 'tenant_id', '--lists', 'a, b', '--history', 'values'],
    ),
  ).toBe(0)
  for (const again of [['init'], ['track', 'app.notes', '--write']]) {
    expect(await terminal.run(...again)).toBe(1)
    expect(terminal.err.at(-1)).toMatch(/^migrations\/\d+_\w+\.js is there already, and nothing was written/)
  }
  expect(await terminal.run('init', '--yes', '--ts', '--dir', join(dir, 'db'))).toBe(0)
  const { file } = JSON.parse(terminal.out[0] as string)
  expect(file).toMatch(/^migrations\/\d{14}_noclobber\.js$/)
  expect(await readFile(join(dir, file), 'utf8')).toContain('export const up = (knex) => migrate(knex)')
  const [track] = (await readdir(join(dir, 'migrations'))).filter((name) =>
    name.endsWith('track_app_notes.js'),
  )
  expect(await readFile(join(dir, 'migrations', track as string), 'utf8')).toContain(
    `trackTable(knex, "app.notes", {"tenant":"tenant_id","lists":["a","b"],"history":"values"})`,
  )
})

test('what init and track write runs in a package of modules and in one of CommonJS', async () => {
  for (const type of ['module', 'commonjs']) {
    const dir = await mkdtemp(join(tmpdir(), 'noclobber-cli-'))
    onTestFinished(() => rm(dir, { recursive: true }))
    await writeFile(join(dir, 'package.json'), JSON.stringify({ type }))
    const terminal = openTerminal({}, dir)
    expect(await terminal.run('init', '--yes')).toBe(0)
    expect(await terminal.run('track', 'lines', '--write', '--part-of', 'orders=order_id')).toBe(0)
    const files = await readdir(join(dir, 'migrations'))
    for (const file of files) {
      const checked = await promisify(execFile)(process.execPath, ['--check', join(dir, 'migrations', file)])
      expect(checked.stderr).toBe('')
      const text = await readFile(join(dir, 'migrations', file), 'utf8')
      expect(text.includes('exports.up')).toBe(type === 'commonjs')
    }
    const track = files.find((file) => file.endsWith('track_lines.js')) as string
    expect(await readFile(join(dir, 'migrations', track), 'utf8')).toContain(
      `trackTable(knex, "lines", {"partOf":{"table":"orders","column":"order_id"}})`,
    )
  }
})

test('track makes rows part of others', async () => {
  const app = await startChangeApp()
  await app.sql('create table words (id integer primary key, label_id integer)')
  const terminal = at(app)
  expect(await terminal.run('track', 'words', '--part-of', 'labels')).toBe(2)
  expect(await terminal.run('track', 'words', '--part-of', 'labels=label_id', '--part-field', 'words')).toBe(
    0,
  )
  await app.sql(`insert into labels (word) values ('one')`)
  await app.sql('insert into words values (1, 1)')
  expect(await app.sql('select version from labels')).toEqual([{ version: '2' }])
})

test('track tracks a table, or says why not', async () => {
  const app = await startChangeApp()
  await app.sql('create table plain (id integer primary key, owner text)')
  await app.sql('create table keyless (word text)')
  const terminal = at(app)
  expect(await terminal.run('track', 'plain', '--tenant', 'owner')).toBe(0)
  await app.sql(`insert into plain values (1, 'a')`)
  expect(await app.sql('select version from plain')).toEqual([{ version: '1' }])
  expect(await terminal.run('track', 'keyless')).toBe(1)
  expect(terminal.err.join('\n')).toContain('primary key')
})

test('status and doctor report a healthy database, and of a broken one by exit code 1', async () => {
  const app = await startChangeApp()
  const healthy = at(app)
  await app.sql(`insert into notes (tenant_id) values ('a')`)
  expect(await healthy.run('status', '--json')).toBe(0)
  expect(JSON.parse(healthy.out[0] as string)).toMatchObject({
    log: { changes: 1 },
    tables: [
      { table: 'public.labels', key: 'id', tenant: null },
      { table: 'public.notes', key: 'id', tenant: 'tenant_id' },
    ],
  })
  expect(await healthy.run('status')).toBe(0)
  expect(await healthy.run('doctor')).toBe(0)
  expect(healthy.out.at(-1)).toBe('2 tracked tables, 0 problems, 1 note')
  await app.sql('alter table notes disable trigger zz_noclobber_update')
  const broken = at(app)
  expect(await broken.run('doctor', '--quick')).toBe(1)
  expect(broken.out.join('\n')).toMatch(
    /problem {2}trigger_disabled {2}public\.notes\n.*\n {2}→ Run: alter table/,
  )
  const { url } = await freshDatabase({ migrated: false })
  const empty = openTerminal({})
  expect(await empty.run('status', '--database', url)).toBe(1)
  expect(await empty.run('doctor', '--database', url, '--json')).toBe(1)
  expect(JSON.parse(empty.out.at(-1) as string).findings[0].code).toBe('no_log')
})

test('changes prints the log, goes on from its cursor, and follows until it is stopped', async () => {
  const app = await startChangeApp()
  await app.sql(`insert into notes (tenant_id, title) select 'a', 't' from generate_series(1, 1500)`)
  const first = at(app)
  expect(await first.run('changes', '--json')).toBe(0)
  expect(first.out).toHaveLength(1501)
  const { cursor } = JSON.parse(first.out.at(-1) as string)
  await app.sql(`update notes set title = 'x' where id = 3`)
  await app.sql(`insert into labels (word) values ('w')`)
  const second = at(app)
  expect(await second.run('changes', '--cursor', cursor, '--tables', 'notes')).toBe(0)
  expect(second.out).toEqual([
    expect.stringMatching(/^\S+ {2}updated {2}public\.notes 3 v2 {2}by postgres {2}title$/),
  ])
  expect(await second.run('changes', '--cursor', 'garbage')).toBe(2)

  const following = at(app)
  const ended = following.run('changes', '--follow', '--json', '--cursor', cursor)
  await waitFor(() => following.out.length === 2, { what: 'what was there' })
  await app.sql(`delete from notes where id = 3`)
  await waitFor(() => following.out.length === 3, { what: 'what comes' })
  following.stop()
  expect(await ended).toBe(0)
  expect(following.out.map((line) => JSON.parse(line).event)).toEqual([
    'updated',
    'created',
    'deleted',
    undefined,
  ])
})

test('prune deletes what is older than the days that it is given', async () => {
  const app = await startChangeApp()
  const old = (await app.ask('')).body.cursor
  await app.sql(`insert into notes (tenant_id) select 'a' from generate_series(1, 20)`)
  await app.sql(
    `update noclobber.record_changes set updated_at = now() - interval '8 days' where record_id < '2'`,
  )
  const terminal = at(app)
  expect(await terminal.run('prune', '--json')).toBe(0)
  expect(await terminal.run('prune', '--days', '7', '--json')).toBe(0)
  expect(terminal.out.map((line) => JSON.parse(line).changes)).toEqual([0, 11])
  const late = at(app)
  expect(await late.run('changes', '--cursor', old)).toBe(1)
  expect(late.err.join()).toContain('--cursor start')
  expect(await late.run('changes', '--cursor', 'start')).toBe(0)
  expect(late.out).toHaveLength(9)
})

test('set saves on the version that it read, and reports a conflict instead of writing over it', async () => {
  const app = await startChangeApp()
  await app.sql(`insert into notes (tenant_id, title) values ('a', 'one')`)
  const terminal = at(app)
  expect(await terminal.run('set', 'note', '1', 'title=two = three', 'secret:=true')).toBe(0)
  expect(terminal.out).toEqual(['Saved note 1: version 2.'])
  expect(await app.sql('select title, secret from notes')).toEqual([{ title: 'two = three', secret: true }])
  expect(await terminal.run('set', 'note', '1', 'secret:=true')).toBe(0)
  expect(terminal.out.at(-1)).toContain('Nothing to change')

  const stale = at(app)
  expect(await stale.run('set', 'note', '1', 'title=mine', '--version', '1')).toBe(1)
  expect(stale.err[0]).toBe(
    'Not saved: You saved version 2 with another request: take the version from its answer.',
  )
  expect(stale.err[1]).toBe('Changed meanwhile: title, secret')
  expect(await stale.run('set', 'note', '1', 'title=mine', '--version', '1', '--json')).toBe(1)
  expect(JSON.parse(stale.out[0] as string)).toMatchObject({ code: 'stale_record', current_version: 2 })
  expect(await app.sql('select title from notes')).toEqual([{ title: 'two = three' }])

  const refused = at(app)
  expect(await refused.run('set', 'note', '1', 'title:=5')).toBe(1)
  expect(await refused.run('set', 'note', '99', 'title=x')).toBe(1)
  expect(await refused.run('set', 'note', '1', 'title=x', '--token', 'nobody')).toBe(1)
  expect(refused.err).toEqual([
    expect.stringMatching(/^Not saved: title: /),
    seeAbout('invalid'),
    'Not saved: There is no such record, or you may not see it.',
    seeAbout('not_found'),
    'Not saved: Sign in and try again.',
    seeAbout('unauthenticated'),
  ])

  const typed = at(app)
  expect(await typed.run('set', 'note', '1', 'secret=true', 'title:=5')).toBe(1)
  expect(typed.err.slice(1)).toEqual(['secret=true sends a text. As JSON: secret:=true', seeAbout('invalid')])
})

test('create makes a record, and delete deletes it on the version that it read', async () => {
  const app = await startChangeApp()
  const terminal = at(app)
  expect(await terminal.run('create', 'note', 'title=one', 'secret:=true')).toBe(0)
  expect(await terminal.run('create', 'note', 'title=two', 'secret:=false', '--json')).toBe(0)
  expect(terminal.out[0]).toBe('Created note 1: version 1.')
  expect(JSON.parse(terminal.out[1] as string)).toMatchObject({ type: 'note', id: '2', version: 1 })
  expect(await app.sql('select title, secret from notes order by id')).toEqual([
    { title: 'one', secret: true },
    { title: 'two', secret: false },
  ])
  const refused = at(app)
  expect(await refused.run('create', 'note', 'title:=5')).toBe(1)
  expect(await refused.run('create', 'note', 'title=three', 'secret:=false', '--id', '3')).toBe(1)
  expect(refused.err[0]).toMatch(/^Not saved: title: /)

  await app.sql(`update notes set title = 'changed' where id = 1`)
  const stale = at(app)
  expect(await stale.run('delete', 'note', '1', '--version', '1')).toBe(1)
  expect(stale.err[1]).toBe('Changed meanwhile: title')
  expect(await terminal.run('delete', 'note', '1')).toBe(0)
  expect(terminal.out.at(-1)).toBe('Deleted note 1, version 2.')
  expect(await stale.run('delete', 'note', '1')).toBe(1)
  expect(await app.sql('select title from notes')).toEqual([{ title: 'two' }])
})

test('names, ids, values and errors of others do not reach the terminal as they are', async () => {
  const app = await startChangeApp()
  const terminal = at(app)
  const name = 'Ann\u001b[2J\u202e\u009b1m\u200b\nDone.'
  const actor = JSON.stringify({ id: name, name, kind: 'user' })
  await app.knex.transaction(async (trx) => {
    await trx.raw(`select set_config('noclobber.actor', ?, true)`, [actor])
    await trx.raw(`insert into notes (tenant_id, title) values ('a', 'x')`)
  })
  for (const args of [
    ['changes', '--cursor', 'start'],
    ['changes', '--cursor', 'start', '--json'],
    ['changes', '--table', name],
    ['track', name],
    ['set', 'note', name, 'title=x'],
    ['set', 'note', '1', `${name}=x`],
    ['doctor', `--${name}`],
    [name],
    ['help', name],
  ])
    await terminal.run(...args)
  const said = [...terminal.out, ...terminal.err]
  expect(terminal.out.filter((line) => line.includes('Ann'))).toHaveLength(2)
  expect(said.join('')).toContain('Ann\\u001b[2J\\u202e\\u009b1m\\u200b\\u000aDone.')
  for (const line of said) expect(line).not.toMatch(/\p{Cc}|\p{Cf}/u)
})

test('times are in UTC, whatever the settings of the role are', async () => {
  const app = await startChangeApp()
  await app.sql(`insert into notes (tenant_id) values ('a')`)
  const run = async (settings: string, ...args: string[]) => {
    const options = encodeURIComponent(settings)
    const terminal = openTerminal({ DATABASE_URL: `${app.databaseUrl}?options=${options}` })
    expect(await terminal.run(...args)).toBe(0)
    return terminal.out.join('\n')
  }
  const odd = '-c datestyle=German,DMY -c timezone=Asia/Kolkata'
  for (const args of [['status'], ['status', '--json'], ['changes', '--cursor', 'start'], ['doctor']])
    expect(await run(odd, ...args)).toBe(await run('-c datestyle=ISO -c timezone=UTC', ...args))
})

test('new writes the smallest app into a folder of its own, and into no other', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'noclobber-new-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  const terminal = openTerminal({}, dir)
  expect(await terminal.run('new', 'my-app')).toBe(0)
  expect(terminal.out.join(' ')).toContain('cd my-app && npm install && npm start')
  const example = await readdir(new URL('../../../docs/examples/minimal', import.meta.url))
  expect((await readdir(join(dir, 'my-app'))).sort()).toEqual([...example, '.gitignore'].sort())
  expect(await readFile(join(dir, 'my-app/package.json'), 'utf8')).toContain('"name": "my-app"')
  await writeFile(join(dir, 'file'), '')
  for (const folder of ['my-app', 'file', 'My App', '..', ''])
    expect(await openTerminal({}, dir).run('new', folder), folder).toBe(2)
})
