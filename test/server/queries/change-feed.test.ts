// GET /changes: what a follower gets, page by page and while it waits; and what it never gets.
import pg from 'pg'
import { expect, inject, onTestFinished, test } from 'vitest'
import { readCursors } from '../../../server/log/cursor-key.ts'
import type { WireChange } from '../../../server/protocol/index.ts'
import { type ChangeApp, startChangeApp } from '../../support/change-app.ts'
import { postgresUrl } from '../../support/postgres.ts'

const names = (changes: WireChange[]) =>
  changes.map(({ event, type, id, version }) => `${event} ${type} ${id} v${version}`)

/** Asks until there is no more, and gives all that came. */
const drain = async (app: ChangeApp, cursor: string, query = '', token = 'ann') => {
  const all: WireChange[] = []
  for (let next = cursor; ; ) {
    const { status, body } = await app.ask(`?cursor=${next}${query}`, token)
    expect(status).toBe(200)
    expect(body.reset).toBeUndefined()
    all.push(...body.data)
    next = body.cursor
    if (!body.more) return { all, cursor: next }
  }
}

test('without a cursor it begins at the present; from there each change comes once', async () => {
  const app = await startChangeApp()
  await app.sql(`insert into notes (tenant_id, title) values ('a', 'before')`)
  const { body: present } = await app.ask('')
  expect(present).toEqual({ data: [], cursor: expect.any(String), more: false })
  await app.sql(`insert into notes (tenant_id, title) values ('a', 'one')`)
  await app.sql(`update notes set title = 'two', internal = 'x' where id = 2`)
  await app.sql(`delete from notes where id = 2`)
  const { body } = await app.ask(`?cursor=${present.cursor}`)
  expect(names(body.data)).toEqual(['created note 2 v1', 'updated note 2 v2', 'deleted note 2 v3'])
  expect(body.data[1]).toEqual({
    event: 'updated',
    tenant_id: 'a',
    type: 'note',
    id: '2',
    version: 2,
    changed_fields: ['title'],
    updated_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{6}Z$/),
    updated_by: { id: 'postgres', name: 'postgres', kind: 'database' },
    tab_id: null,
  })
  expect((await app.ask(`?cursor=${body.cursor}`)).body.data).toEqual([])
})

test('a slow transaction is neither skipped nor doubled, whatever was read before it committed', async () => {
  const app = await startChangeApp()
  const slow = await app.connect()
  const { body: start } = await app.ask('')
  await slow.query('begin')
  await slow.query(`insert into notes (tenant_id, title) values ('a', 'slow')`)
  await app.sql(`insert into notes (tenant_id, title) values ('a', 'quick')`)
  const first = await drain(app, start.cursor)
  expect(names(first.all)).toEqual(['created note 2 v1'])
  const between = await drain(app, first.cursor)
  expect(between.all).toEqual([])
  await slow.query('commit')
  const second = await drain(app, between.cursor)
  expect(names(second.all)).toEqual(['created note 1 v1'])
  expect((await drain(app, second.cursor)).all).toEqual([])
})

test('pages within one large batch hold each change once, with commits going on between them', async () => {
  const app = await startChangeApp()
  const { body: start } = await app.ask('')
  const slow = await app.connect()
  await slow.query('begin')
  await slow.query(`insert into notes (id, tenant_id) values (5000, 'a')`)
  await app.sql(`insert into notes (id, tenant_id) select n, 'a' from generate_series(1, 1200) n`)
  await slow.query(`insert into notes (id, tenant_id) values (5001, 'a')`)
  const seen: string[] = []
  let cursor = start.cursor
  for (let page = 0; ; page += 1) {
    const { body } = await app.ask(`?cursor=${cursor}&limit=100`)
    expect(body.data.length).toBeLessThanOrEqual(100)
    seen.push(...names(body.data))
    cursor = body.cursor
    if (page === 3) await slow.query('commit')
    if (page === 5) await app.sql(`update notes set title = 'again' where id <= 50`)
    if (!body.more && page > 5) break
  }
  seen.push(...names((await drain(app, cursor)).all))
  expect(new Set(seen).size).toBe(seen.length)
  expect(seen.length).toBe(1200 + 2 + 50)
})

test('shows nothing that the asker may not see, and of no column that is not declared', async () => {
  const app = await startChangeApp()
  await app.sql(
    `insert into notes (tenant_id, title, secret) values ('a', 'open', false), ('a', 'kept', true), ('b', 'theirs', false)`,
  )
  await app.sql(`update notes set internal = 'only this'`)
  await app.sql(`insert into labels (word) values ('for all')`)
  await app.sql(`delete from notes where id = 2`)
  await app.sql('create table outsiders (id integer primary key)')
  await app.sql(`insert into noclobber.record_changes (table_name, record_id, version, event, updated_at)
    values ('public.outsiders', '1', 1, 'created', now())`)
  const art = (await drain(app, 'start', '', 'art')).all
  expect(names(art)).toEqual(['created note 1 v1', 'updated note 1 v2', 'created label 1 v1'])
  expect(art.map(({ changed_fields }) => changed_fields)).toEqual([[], [], []])
  const ann = (await drain(app, 'start', '', 'ann')).all
  expect(names(ann)).toContain('deleted note 2 v3')
  expect(names(ann)).toHaveLength(6)
  const bea = (await drain(app, 'start', '', 'bea')).all
  expect(names(bea)).toEqual(['created note 3 v1', 'updated note 3 v2', 'created label 1 v1'])
  expect(names((await drain(app, 'start', '&type=label', 'bea')).all)).toEqual(['created label 1 v1'])
  expect((await app.ask('', 'nobody')).status).toBe(401)
})

test('a follower passes thousands of changes that are not for it', async () => {
  const app = await startChangeApp()
  const { body: start } = await app.ask('')
  await app.sql(`insert into notes (tenant_id) select 'b' from generate_series(1, 12000)`)
  await app.sql(`insert into notes (id, tenant_id) values (20000, 'a')`)
  expect(names((await drain(app, start.cursor)).all)).toEqual(['created note 20000 v1'])
})

test('waits for a change that the asker may see, and for no other', async () => {
  const app = await startChangeApp()
  const { body: start } = await app.ask('', 'art')
  const waiting = app.ask(`?cursor=${start.cursor}&wait=20`, 'art')
  await app.sql(`insert into notes (tenant_id) values ('b')`)
  await app.sql(`insert into notes (tenant_id, secret) values ('a', true)`)
  await app.sql(`insert into notes (tenant_id) values ('a')`)
  const { body } = await waiting
  expect(names(body.data)).toEqual(['created note 3 v1'])
})

test('waits no longer than it was asked to, and answers with the way on', async () => {
  const app = await startChangeApp()
  const begun = performance.now()
  const { body } = await app.ask('?wait=1')
  expect(performance.now() - begun).toBeGreaterThan(900)
  expect(body).toEqual({ data: [], cursor: expect.any(String), more: false })
})

test('anyone who signs out while waiting learns nothing more', async () => {
  const app = await startChangeApp()
  const { body: start } = await app.ask('')
  const waiting = app.ask(`?cursor=${start.cursor}&wait=20`)
  app.signedOut.add('ann')
  await app.sql(`insert into notes (tenant_id) values ('a')`)
  expect((await waiting).status).toBe(401)
})

test('stopping the server ends the waiting', async () => {
  const app = await startChangeApp()
  const waiting = app.ask('?wait=25')
  const ended = waiting.then(() => 'ended')
  await app.ask('')
  await app.records.stop()
  expect(await ended).toBe('ended')
})

test('what is no cursor is malformed, what is another database’s begins anew', async () => {
  const app = await startChangeApp()
  const other = await startChangeApp()
  const { body } = await app.ask('')
  const foreign = await app.ask(`?cursor=${(await other.ask('')).body.cursor}`)
  expect(foreign).toEqual({
    status: 200,
    body: { data: [], cursor: expect.any(String), more: false, reset: true },
  })
  const { encode, decode } = await readCursors(app.knex)
  const future = encode({ ...decode(body.cursor), snapshot: '99999999:99999999:' } as never)
  expect((await app.ask(`?cursor=${future}`)).body.reset).toBe(true)
  const text = (snapshot: string) =>
    Buffer.from(`${decode(body.cursor)?.epoch} ${snapshot}`).toString('base64url')
  const garbage = ['', 'x', '%00', 'AQ', body.cursor.slice(0, -3), `${body.cursor}AAAA`, 'A'.repeat(13_000)]
  const odd = [
    '0:0:',
    '5:4:',
    '5:9:4',
    '5:9:9',
    '5:9:7,6',
    '4294967296:4294967296:',
    '9'.repeat(20).concat(':1:'),
  ]
  for (const cursor of [...garbage, ...odd.map(text)]) {
    expect([cursor, (await app.ask(`?cursor=${cursor}`)).status]).toEqual([cursor, 400])
  }
  for (const query of [
    '?limit=0',
    '?limit=1001',
    '?wait=26',
    '?wait=-1',
    '?wait=x',
    '?type=nothing',
    '?type=note,',
    '?cursor=a&cursor=b',
  ]) {
    expect([query, (await app.ask(query)).status]).toEqual([query, 400])
  }
  const unsealed = await app.ask(`?cursor=${text(decode(body.cursor)?.snapshot ?? '')}`)
  expect([unsealed.status, unsealed.body.reset]).toEqual([200, true])
})

test('a log that came by a restore is history: it is not sent again and again', async () => {
  const app = await startChangeApp()
  await app.sql(`insert into noclobber.record_changes (xid, table_name, record_id, version, event, tenant_id, updated_at)
    values ('9000000000', 'public.notes', '1', 1, 'created', 'a', now())`)
  await app.sql(`update noclobber.log_horizon set xid = '8000000000', seq = 7`)
  const restored = await startChangeApp({ databaseUrl: app.databaseUrl })
  await restored.sql(`insert into notes (tenant_id) values ('a')`)
  const { body: start } = await restored.ask('')
  expect(start.reset).toBeUndefined()
  const { all, cursor } = await drain(restored, start.cursor)
  expect(all).toEqual([])
  expect((await drain(restored, cursor)).all).toEqual([])
})

test('a cursor from before a copy or a restore into another database is refused, and rebuilt from there', async () => {
  const app = await startChangeApp()
  await app.sql(`insert into notes (tenant_id) values ('a'), ('a')`)
  const { cursor } = (await app.ask('')).body
  await app.sql(`update notes set title = 'after the cursor'`)
  await app.records.stop()
  await app.knex.destroy()
  const name = `${inject('databasePrefix')}_copy`
  const admin = new pg.Client({ connectionString: postgresUrl() })
  await admin.connect()
  await admin.query(`create database ${name} template ${new URL(app.databaseUrl).pathname.slice(1)}`)
  onTestFinished(async () => {
    await admin.query(`drop database ${name} with (force)`)
    await admin.end()
  })
  const copy = await startChangeApp({ databaseUrl: app.databaseUrl.replace(/\/\w+$/, `/${name}`) })
  const { body } = await copy.ask(`?cursor=${cursor}`)
  expect([body.reset, body.data]).toEqual([true, []])
  await copy.sql(`update notes set title = 'in the copy' where id = 1`)
  // Above all that the original gives meanwhile.
  expect(names((await drain(copy, body.cursor)).all)).toEqual([
    expect.stringMatching(/^updated note 1 v\d{5,}$/),
  ])
  expect((await drain(copy, 'start')).all).toHaveLength(5)
})

test('a change that can’t be authorized is skipped, and the rest flows', async () => {
  const app = await startChangeApp()
  await app.sql(`insert into notes (tenant_id, title) values ('a', 'one'), ('a', 'poison'), ('a', 'three')`)
  await app.sql(`insert into noclobber.record_changes (table_name, record_id, version, event, tenant_id, scopes, updated_by, updated_at, old_row)
    values ('public.notes', 'no number', -3, 'updated', 'a', '"odd"', '[]', now(), null),
      ('public.notes', '3', 9, 'deleted', 'a', '7', '1', now(), '{"title": "three"}'),
      ('public.notes', '4', 9, 'deleted', 'a', null, '1', now(), null)`)
  const { all } = await drain(app, 'start')
  expect(names(all)).toEqual(['created note 1 v1', 'created note 3 v1', 'deleted note 3 v9'])
})
