// The change set that a save precomputes is what comparing the rows would have found: over values of every kind, where a
// trigger of the app's own changes more, where one comes while the server runs, and where SQL pretends to be us.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { trackTable } from '../../migrations/index.ts'
import { TRIGGER_ARGUMENTS } from '../../migrations/trigger-arguments.ts'
import { type Person, startApp } from '../support/app.ts'

const app = await startApp()
const SEED = Number(process.env.NOCLOBBER_SEED ?? Date.now() % 2 ** 31)

const GHOST = '{"id":"ghost","name":"Ghost","kind":"service"}'

const last = async (table: string, id: string) => {
  const [row] = await app.sql(
    `select c.version, c.changed_fields, c.scopes, c.tenant_id, c.updated_by, c.tab_id from noclobber.changes c
     where c.table_name = ? and c.record_id = ? order by c.version desc limit 1`,
    [`public.${table}`, id],
  )
  return row
}

/** What a save of this table sends its triggers to be recognized. */
const tagOf = async (table: string): Promise<string> => {
  const [row] = await app.sql(
    `select (${TRIGGER_ARGUMENTS})[5] as tag from pg_trigger g where g.tgrelid = ?::regclass and g.tgname = 'zz_noclobber_update'`,
    [table],
  )
  expect(row.tag).toMatch(/^[0-9a-f]{12}$/)
  return row.tag
}

const samples = {
  amount: fc.constantFrom('0', '2.5', '2.50', '-17', '1e3', null),
  whole: fc.constantFrom('0', '9007199254740993', null),
  day: fc.constantFrom('2026-01-02', null),
  moment: fc.constantFrom('2026-01-02T03:04:05.678901Z', '2026-01-02T04:04:05.678901+01:00', null),
  document: fc.constantFrom({ a: [1, 'two'] }, { a: [1, 'two', null] }, null),
  ratio: fc.constantFrom(0, -0, 0.1, null),
  code: fc.constantFrom('ab', 'ab   ', 'abcde', null),
}

test(`the fields named are those whose values differ, seed ${SEED}`, async () => {
  const record = await app.make('sample', {})
  let version = 1
  const change = fc.record(samples, { requiredKeys: [] })
  await fc.assert(
    fc.asyncProperty(change, async (changes) => {
      const names = Object.keys(samples)
      const texts = names.map((name) => `${name}::text as ${name}`).join(', ')
      const [before] = await app.sql(`select ${texts} from samples where id = ?`, [record.id])
      const { status, body } = await app.call('PATCH', `/records/sample/${record.id}`, {
        body: { client_version: version, changes },
      })
      expect(status, JSON.stringify(body)).toBe(200)
      const [after] = await app.sql(`select ${texts} from samples where id = ?`, [record.id])
      const differ = names.filter((name) => before[name] !== after[name])
      expect(body.data.version).toBe(version + (differ.length > 0 ? 1 : 0))
      version = body.data.version
      if (differ.length > 0)
        expect((await last('samples', record.id)).changed_fields.sort()).toEqual(differ.sort())
      expect(Number((await last('samples', record.id)).version)).toBe(version)
    }),
    { seed: SEED, numRuns: 150 },
  )
})

test('a list receives a save in it, with the writer and the tab', async () => {
  const task = await app.make('task', { project_id: 7, title: 'Pour' })
  await app.call('PATCH', `/records/task/${task.id}`, {
    body: { client_version: 1, changes: { title: 'Pour again' } },
    headers: { 'x-tab-id': 'tab-of-alice' },
  })
  expect(await last('tasks', task.id)).toMatchObject({
    version: '2',
    changed_fields: ['title'],
    scopes: { project_id: ['7'] },
    tenant_id: 'acme',
    updated_by: { id: 'alice', kind: 'user' },
    tab_id: 'tab-of-alice',
  })
  await app.call('PATCH', `/records/task/${task.id}`, {
    body: { client_version: 2, changes: { project_id: 8 } },
  })
  expect((await last('tasks', task.id)).scopes.project_id.sort()).toEqual(['7', '8'])
})

test('what a trigger of the app changes besides is found, also when it came while the server ran', async () => {
  const record = await app.make('project', { name: 'Weir', notes: 'dry' })
  const save = async (version: number, changes: object) => {
    const { status } = await app.call('PATCH', `/records/project/${record.id}`, {
      body: { client_version: version, changes },
    })
    expect(status).toBe(200)
    return (await last('projects', record.id)).changed_fields.sort()
  }
  expect(await save(1, { name: 'Weir 2' })).toEqual(['name'])
  await app.sql(`create function note_it() returns trigger language plpgsql as $$
    begin new.notes := 'noted ' || new.name; return new; end $$`)
  await app.sql('create trigger note_it before update on projects for each row execute function note_it()')
  expect(await save(2, { name: 'Weir 3' })).toEqual(['name', 'notes'])
  expect(await save(3, { name: 'Weir 4' })).toEqual(['name', 'notes'])
  const later = await startApp({ database: app.database })
  const answer = await later.call('PATCH', `/records/project/${record.id}`, {
    body: { client_version: 4, changes: { name: 'Weir 5' } },
  })
  expect(answer.status).toBe(200)
  expect((await last('projects', record.id)).changed_fields.sort()).toEqual(['name', 'notes'])
})

test('SQL that pretends to be a node’s save is compared, and each record is logged once', async () => {
  const record = await app.make('sample', { amount: '1' })
  const other = await app.make('sample', { amount: '1' })
  const task = await app.make('task', { project_id: 7, title: 'Pour' })
  await app.knex.transaction(async (transaction) => {
    await transaction.raw(`select set_config('noclobber.actor', ?, true)`, [
      `${GHOST}\n{}\n${await tagOf('samples')}\n\n\n\n{"label"}`,
    ])
    await transaction.raw(
      'update samples set amount = 5, version = 70, updated_by = null where id in (?, ?)',
      [record.id, other.id],
    )
    await transaction.raw('update samples set amount = 6 where id = ?', [record.id])
    await transaction.raw(`update tasks set title = 'Not what was claimed' where id = ?`, [task.id])
  })
  const logged = await app.sql(
    `select record_id, version, changed_fields, updated_by->>'id' as by from noclobber.changes
     where table_name = 'public.samples' and record_id in (?, ?) and event = 'updated' order by seq`,
    [record.id, other.id],
  )
  const row = (id: string, version: string) => ({
    ...{ record_id: id, version, changed_fields: ['amount'], by: 'ghost' },
  })
  expect(logged).toHaveLength(3)
  expect(logged).toEqual(
    expect.arrayContaining([row(record.id, '2'), row(other.id, '2'), row(record.id, '3')]),
  )
  expect(await last('tasks', task.id)).toMatchObject({
    ...{ version: '2', changed_fields: ['title'], updated_by: { id: 'ghost' } },
  })
})

test('a save is logged by the lists that its table has now, though the node knows others', async () => {
  const task = await app.make('task', { project_id: 7, title: 'Pour' })
  const save = (version: number, title: string) =>
    app.call('PATCH', `/records/task/${task.id}`, { body: { client_version: version, changes: { title } } })
  const before = await tagOf('tasks')
  await app.knex.transaction((transaction) => trackTable(transaction, 'tasks', { tenant: 'tenant_id' }))
  expect(await tagOf('tasks')).not.toBe(before)
  expect((await save(1, 'Pour again')).status).toBe(200)
  expect(await last('tasks', task.id)).toMatchObject({
    ...{ version: '2', scopes: null, changed_fields: ['title'], updated_by: { id: 'alice' } },
  })
  await app.knex.transaction((transaction) =>
    trackTable(transaction, 'tasks', { tenant: 'tenant_id', lists: ['project_id'] }),
  )
  expect(await tagOf('tasks')).toBe(before)
  expect((await save(2, 'Pour once more')).status).toBe(200)
  expect(await last('tasks', task.id)).toMatchObject({ version: '3', scopes: { project_id: ['7'] } })
})

test('an id of a page that an app hands over stays in its line', async () => {
  const record = await app.make('sample', { amount: '1' })
  await app.records.save('sample', record.id, {
    ...{ actor: app.people.get('alice') as Person, clientVersion: 1, changes: { amount: '2' } },
    tabId: 'one\n\n\n{"label"}',
  })
  expect(await last('samples', record.id)).toMatchObject({ changed_fields: ['amount'], tab_id: null })
})

test('a name claimed later in a transaction is not taken for a node’s', async () => {
  const record = await app.make('sample', { amount: '1' })
  await app.knex.transaction(async (transaction) => {
    await app.records.save('sample', record.id, {
      ...{
        actor: app.people.get('alice') as Person,
        clientVersion: 1,
        changes: { amount: '2' },
        transaction,
      },
    })
    await transaction.raw(`set local noclobber.actor = 'nightly billing'`)
    await transaction.raw('update samples set amount = 3 where id = ?', [record.id])
  })
  expect(await last('samples', record.id)).toMatchObject({
    ...{ version: '3', changed_fields: ['amount'], tab_id: null },
    updated_by: { id: 'nightly billing', kind: 'service' },
  })
})
