// Erased on request: what was typed into a record, and who typed, is afterwards in no table of the log, and everything goes on.
import { tmpdir } from 'node:os'
import { trackTable } from 'noclobber/migrations'
import pg from 'pg'
import { expect, test } from 'vitest'
import { runCommand } from '../../../server/cli/run.ts'
import { erasePerson, eraseRecord } from '../../../server/index.ts'
import type { WireRecord } from '../../../server/protocol/index.ts'
import type { Person } from '../../support/app.ts'
import { startContracts } from '../../support/contracts.ts'

const app = await startContracts()
await app.sql(`create table rooms (id integer primary key, tenant_id text, changed_by text)`)
await trackTable(app.knex, 'rooms', { tenant: 'tenant_id', columns: { updatedBy: 'changed_by' } })
const { pathOf, save } = app

/** The tables, of the log's and of others, in which a text stands anywhere. */
const tablesWith = async (text: string, schema = 'noclobber') => {
  const tables = await app.sql(
    `select c.oid::regclass::text as name from pg_class c where c.relkind in ('r', 'p') and c.relnamespace = ?::regnamespace`,
    [schema],
  )
  const found: string[] = []
  for (const { name } of tables) {
    const [row] = await app.sql(
      `select exists (select from ${name} t where to_jsonb(t)::text like ?) as is_there`,
      [`%${text}%`],
    )
    if (row?.is_there) found.push(String(name))
  }
  return found.sort()
}

let number = 0
const aSecret = () => {
  number += 1
  return `secret ${number} ${Math.random()}`
}

test('a record’s values are gone from the log, its responses and its proposals; versions and the feed go on', async () => {
  const secret = aSecret()
  const { body: start } = await app.call('GET', '/changes')
  const made = await app.call('POST', '/records/contract', {
    body: { fields: { name: secret }, mutation_id: `make ${secret}` },
  })
  const one: WireRecord = made.body.data
  const bulk = {
    changes: { name: `${secret} too` },
    records: [{ id: one.id, client_version: 7 }],
    on_stale: 'skip',
    mutation_id: `many ${number}`,
  }
  expect((await app.call('PATCH', '/records/contract', { body: bulk })).text).toContain(secret)
  const two = await save(one, { name: 'plain' })
  await app.call('POST', `${pathOf(one)}/proposals`, {
    body: { client_version: 2, changes: { name: secret }, note: secret, mutation_id: `propose ${number}` },
  })
  const other: WireRecord = await app.make('contract', { name: 'another one' })
  expect(await tablesWith(secret)).toEqual([
    'noclobber.mutations',
    'noclobber.proposals',
    'noclobber.record_changes',
  ])
  const erased = await eraseRecord(app.knex, 'contracts', one.id)
  expect(erased).toEqual({ changes: 2, proposals: 1, responses: 2, records: 0 })
  await app.sql('delete from noclobber.mutations where mutation_id = ?', [`make ${secret}`])
  expect(await tablesWith(secret)).toEqual([])
  expect(await tablesWith('another one')).toEqual(['noclobber.record_changes'])
  const { body: history } = await app.call('GET', `${pathOf(one)}/history`)
  expect(
    history.data.map(({ version, values }: { version: number; values?: object }) => [version, values]),
  ).toEqual([
    [2, undefined],
    [1, undefined],
  ])
  expect((await app.call('GET', `${pathOf(one)}?version=1`)).body.code).toBe('no_longer_known')
  expect((await save(two, { name: 'goes on' })).version).toBe(3)
  await app.call('DELETE', pathOf(one), { body: { client_version: 3 } })
  const { body: feed } = await app.call('GET', `/changes?cursor=${start.cursor}`)
  await eraseRecord(app.knex, 'contracts', one.id)
  expect(await tablesWith('goes on')).toEqual([])
  expect((await app.call('GET', '/deleted/contract')).text).not.toContain(`"id":"${one.id}"`)
  expect(feed.data.map(({ id, version }: WireRecord) => `${id} v${version}`)).toEqual([
    ...['1', '2'].map((version) => `${one.id} v${version}`),
    `${other.id} v1`,
    ...['3', '4'].map((version) => `${one.id} v${version}`),
  ])
  // Who was away when it was deleted looks at everything anew; who knows of it goes on.
  expect((await app.call('GET', `/changes?cursor=${start.cursor}`)).body.reset).toBe(true)
  expect((await app.call('GET', `/changes?cursor=${feed.cursor}`)).body.reset).toBeUndefined()
  expect((await app.call('GET', `${pathOf(other)}?version=1`)).status).toBe(200)
  await expect(eraseRecord(app.knex, 'nothing', '1')).rejects.toThrow('There is no table')
})

test('a replay of an erased creation gets what the record has now, and makes no second one', async () => {
  const body = { fields: { name: aSecret() }, mutation_id: `again ${number}` }
  const { body: first } = await app.call('POST', '/records/contract', { body })
  await eraseRecord(app.knex, 'contracts', first.data.id)
  const replayed = await app.call('POST', '/records/contract', { body })
  expect(replayed.body).toEqual(first)
  expect((await app.sql('select id from contracts where name = ?', [body.fields.name])).length).toBe(1)
})

test('a person’s name is gone everywhere, the versions of what they wrote stay, and others’ names too', async () => {
  const one: WireRecord = await app.make('contract', { name: 'by Bob' }, 'bob')
  const two = await save(one, { name: 'by Bob again' }, 'bob')
  const three: WireRecord = await app.make('contract', { name: 'by Alice' })
  const gone: WireRecord = await app.make('contract', { name: 'deleted by Alice' }, 'bob')
  await app.call('DELETE', pathOf(gone), { body: { client_version: 1 } })
  await app.sql(`insert into rooms values (1, 'acme')`)
  const asBob = `alter table rooms disable trigger user; update rooms set changed_by = 'bob'; alter table rooms enable trigger user`
  await app.sql(`${asBob}; delete from rooms`)
  expect(await tablesWith('"changed_by": "bob"')).toEqual(['noclobber.record_changes'])
  await app.call('POST', `${pathOf(three)}/proposals`, {
    as: 'bob',
    body: { client_version: 1, changes: { name: 'proposed' }, note: 'Bob thinks so', mutation_id: 'by-bob' },
  })
  expect(await tablesWith('"Bob"')).toEqual([
    'noclobber.mutations',
    'noclobber.proposals',
    'noclobber.record_changes',
  ])
  expect(await tablesWith('"Bob"', 'public')).not.toEqual([])
  const before = await app.sql('select id, version, updated_at from contracts order by id')
  const erased = await erasePerson(app.knex, { id: 'bob', tenantId: 'acme' })
  expect(erased.records).toBeGreaterThan(0)
  for (const text of ['"Bob"', '"bob"', 'Bob thinks so']) {
    expect(await tablesWith(text)).toEqual([])
    expect(await tablesWith(text, 'public')).toEqual([])
  }
  expect(await app.sql('select id, version, updated_at from contracts order by id')).toEqual(before)
  expect((await tablesWith('"Alice"')).length).toBeGreaterThan(0)
  const { body: history } = await app.call('GET', `${pathOf(one)}/history`)
  expect(history.data.map(({ updated_by }: WireRecord) => updated_by)).toEqual([null, null])
  const { body: proposals } = await app.call('GET', `${pathOf(three)}/proposals`)
  expect(proposals.data[0]).toMatchObject({ note: null, proposed_by: null, changes: { name: 'proposed' } })
  expect(await save(two, { name: 'goes on' })).toMatchObject({ version: 3, updated_by: { id: 'alice' } })
  // What Bob wrote last, and Alice deleted, still comes back.
  const { body: deleted } = await app.call('GET', '/deleted/contract')
  expect(deleted.data[0]).toMatchObject({ id: gone.id, version: 2, updated_by: { id: 'alice' } })
  const back = await app.call('POST', `${pathOf(gone)}/restore`, { body: { client_version: 2 } })
  expect(back.body.data.fields).toEqual(gone.fields)
  const [triggers] = await app.sql(`select count(*)::int as off from pg_trigger where tgenabled = 'D'`)
  expect(triggers).toEqual({ off: 0 })
})

test('the command line erases, and says how much', async () => {
  const secret = aSecret()
  const one: WireRecord = await app.make('contract', { name: secret })
  const run = async (...args: string[]) => {
    const lines: string[] = []
    const code = await runCommand(['erase', ...args], {
      out: (line) => void lines.push(line),
      err: (line) => void lines.push(line),
      env: { DATABASE_URL: app.database.url },
      cwd: tmpdir(),
      signal: new AbortController().signal,
    })
    return [code, ...lines]
  }
  const [code, line] = await run('contracts', one.id)
  expect([code, line]).toEqual([0, 'Erased from 1 changes, 0 proposals, 0 stored responses and 0 records.'])
  expect(await tablesWith(secret)).toEqual([])
  for (const args of [
    [],
    ['contracts'],
    ['contracts', '1', '--person', 'bob'],
    ['contracts', '1', '--tenant', 'acme'],
  ])
    expect((await run(...args))[0]).toBe(2)
})

test('a save that is under way while its writer or its record is erased leaves nothing behind', async () => {
  const actor: Person = { id: 'leaver', name: aSecret(), tenantId: 'acme', role: 'editor' }
  const [name, value] = [actor.name, aSecret()]
  const record: WireRecord = await app.make('contract', { name: 'plain' })
  const held = async (erase: () => Promise<unknown>, changes: Record<string, unknown>) => {
    let commit = () => {}
    const isHeld = new Promise<void>((resolve) => {
      commit = resolve
    })
    let written = () => {}
    const isWritten = new Promise<void>((resolve) => {
      written = resolve
    })
    const saving = app.knex.transaction(async (transaction) => {
      const { version } = (await app.call('GET', pathOf(record))).body.data
      const saved = await app.records.save('contract', record.id, {
        actor,
        clientVersion: version,
        changes,
        transaction,
      })
      expect(saved.outcome).toBe('saved')
      written()
      await isHeld
    })
    await isWritten
    let isErased = false
    const erasing = erase().then(() => {
      isErased = true
    })
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(isErased).toBe(false)
    commit()
    await saving
    await erasing
  }
  await held(() => erasePerson(app.knex, { id: 'leaver', tenantId: 'acme' }), { name: 'by the leaver' })
  expect([await tablesWith(name), await tablesWith(name, 'public')]).toEqual([[], []])
  await held(() => eraseRecord(app.knex, 'contracts', record.id), { name: value })
  expect(await tablesWith(value)).toEqual([])
  expect((await app.call('GET', pathOf(record))).body.data.fields.name).toBe(value)
  // Within a transaction of the caller's it waits for nobody, itself least of all.
  const client = new pg.Client({ connectionString: app.database.url })
  await client.connect()
  try {
    await client.query('begin')
    await eraseRecord(client, 'contracts', record.id)
    await client.query('commit')
  } finally {
    await client.end()
  }
})
