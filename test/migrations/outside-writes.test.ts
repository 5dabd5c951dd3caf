// Writes that never saw this library: SQL by hand, roles without rights on the log, services that name themselves,
// TRUNCATE. Each has its versions, its log, its event and its writer's name.
import pg from 'pg'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { startApp, type TestApp } from '../support/app.ts'

let app: TestApp
beforeAll(async () => {
  app = await startApp()
})

const connect = async () => {
  const client = new pg.Client({ connectionString: app.database.url })
  await client.connect()
  onTestFinished(() => client.end())
  return client
}

test('a role without any right on the log writes, and is named', async () => {
  const role = `${app.database.name}_clerk`
  await app.sql(`create role ${role}`)
  onTestFinished(async () => {
    await app.sql(`drop owned by ${role}`)
    await app.sql(`drop role ${role}`)
  })
  await app.sql(`grant select, update, insert, delete on projects to ${role}`)
  const record = await app.make('project', { name: 'Bridge' })
  const watcher = await app.socket()
  await watcher.watch(['project', record.id])
  const clerk = await connect()
  await clerk.query(`set session authorization ${role}`)
  await expect(clerk.query('select from noclobber.record_changes')).rejects.toThrow(/permission denied/)
  await clerk.query(`update projects set name = 'Tunnel' where id = $1`, [record.id])
  expect(await watcher.receives('RecordUpdated', { version: 2 })).toMatchObject({
    changed_fields: ['name'],
    updated_by: { id: role, name: role, kind: 'database' },
  })
  const { rows } = await clerk.query(
    `insert into projects (tenant_id, name) select 'acme', 'p' from generate_series(1, 60) returning version`,
  )
  expect(rows.every(({ version }) => version === '1')).toBe(true)
  await clerk.query(`delete from projects where name = 'p'`)
})

test('what logs one row is planned once for all statements', async () => {
  const client = await connect()
  const { rows } = await client.query(
    `insert into projects (tenant_id, name) select 'acme', 'Planned ' || n from generate_series(1, 12) n returning id`,
  )
  const write = async ({ id }: { id: number }) => {
    await client.query(`update projects set name = name || '.' where id = $1`, [id])
    await client.query(`insert into projects (tenant_id, name) values ('acme', 'One')`)
    await client.query('delete from projects where id = $1', [id])
  }
  const last = rows.pop()
  for (const row of rows) await write(row)
  const plans: string[] = []
  const inserts: string[] = []
  client.on('notice', ({ message = '' }) => {
    plans.push(...(message.match(/attrelid = \S+/g) ?? []))
    if (message.includes('Insert on noclobber.record_changes')) inserts.push(message)
  })
  await client.query(`load 'auto_explain'`)
  await client.query(`select set_config(s.name, s.value, false) from (values ('auto_explain.log_min_duration', '0'),
    ('auto_explain.log_nested_statements', 'on'), ('auto_explain.log_verbose', 'on'),
    ('client_min_messages', 'log')) s(name, value)`)
  await write(last)
  // A plan that was made for this statement alone names the table's number in the place of the parameter.
  const ofOurs = plans.filter((plan) => plan.includes('$') || plan.includes("'"))
  expect(ofOurs.length).toBeGreaterThan(1)
  expect(ofOurs.filter((plan) => plan.includes("'"))).toEqual([])
  // Such a plan of a log row would have values in the place of its parameters.
  expect(inserts).toHaveLength(3)
  expect(inserts.filter((plan) => !/\$\d/.test(plan.split('Insert on')[1] ?? ''))).toEqual([])
})

describe('a service names itself', () => {
  test('by a plain name for the session', async () => {
    const record = await app.make('project', { name: 'Road' })
    const client = await connect()
    await client.query(`set noclobber.actor = 'nightly billing'`)
    await client.query(`update projects set status = 'done' where id = $1`, [record.id])
    const { body } = await app.call('GET', `/records/project/${record.id}`)
    expect(body.data.updated_by).toEqual({ id: 'nightly billing', name: 'nightly billing', kind: 'service' })
  })

  test('by JSON for one transaction, which the next one does not inherit', async () => {
    const record = await app.make('project', { name: 'Rail' })
    const client = await connect()
    const actor = JSON.stringify({ id: 'svc-1', name: 'Billing', kind: 'service' })
    await client.query('begin')
    await client.query(`select set_config('noclobber.actor', $1, true)`, [actor])
    await client.query(`update projects set status = 'done' where id = $1`, [record.id])
    await client.query('commit')
    await client.query(`update projects set status = 'active' where id = $1`, [record.id])
    const { body } = await app.call('GET', `/records/project/${record.id}/history`)
    expect(body.data.map((entry: { updated_by: object }) => entry.updated_by)).toMatchObject([
      { kind: 'database' },
      { id: 'svc-1', name: 'Billing', kind: 'service' },
      { kind: 'user' },
    ])
  })
})

test('each change of a session has the name that is set when it is written', async () => {
  const role = `${app.database.name}_porter`
  await app.sql(`create role ${role}; grant select, update on projects to ${role}`)
  onTestFinished(async () => {
    await app.sql(`drop owned by ${role}; drop role ${role}`)
  })
  const { id } = await app.make('project', { name: 'Crane' })
  const client = await connect()
  let count = 0
  const writer = async () => {
    count += 1
    const { rows } = await client.query('update projects set name = $2 where id = $1 returning updated_by', [
      id,
      `Crane ${count}`,
    ])
    return rows[0].updated_by
  }
  const { rows } = await client.query('select session_user as name')
  const database = { id: rows[0].name, name: rows[0].name, kind: 'database' }
  const service = (name: string) => ({ id: name, name, kind: 'service' })

  await client.query(`begin; set local noclobber.actor = e'{"id":"u7","name":"Uma"}\n{}\nelsewhere'`)
  expect(await writer()).toMatchObject({ id: 'u7', name: 'Uma' })
  await client.query('commit')
  expect(await writer()).toEqual(database)
  await client.query(`set noclobber.actor = 'billing'`)
  expect(await writer()).toEqual(service('billing'))
  await client.query(`set noclobber.actor = '{"name":"imports","kind":"import"}'`)
  expect(await writer()).toEqual({ id: 'imports', name: 'imports', kind: 'import' })
  await client.query('reset noclobber.actor')
  expect(await writer()).toEqual(database)
  await client.query(`set session authorization ${role}`)
  expect(await writer()).toEqual({ id: role, name: role, kind: 'database' })
  await client.query('reset session authorization')
  expect(await writer()).toEqual(database)
})

test('a writer is never taken for the one before, whatever search path plans it', async () => {
  const record = await app.make('project', { name: 'Lock' })
  const client = await connect()
  const update = (name: string) =>
    client.query("update public.projects set name = $2 where id = $1 returning updated_by->>'id' as by", [
      Number(record.id),
      name,
    ])
  await client.query("set noclobber.actor = 'alice-job'")
  await update('Lock 2')
  await client.query("set search_path = pg_catalog, public; set noclobber.actor = 'bob-job'")
  await update('Lock 2')
  await client.query('reset search_path')
  expect((await update('Lock 3')).rows).toEqual([{ by: 'bob-job' }])
})

test('a claim to be a save is logged for the table that it is made on', async () => {
  const record = await app.make('project', { name: 'Gate' })
  const client = await connect()
  const { rows } = await client.query(`select encode(tgargs, 'escape') as args from pg_trigger
    where tgrelid = 'projects'::regclass and tgname = 'zz_noclobber_stamp'`)
  const tag = rows[0].args.split('\\000').at(-2)
  await client.query('select set_config($1, $2, false)', [
    'noclobber.actor',
    `{"id":"ceo","name":"The CEO","kind":"user"}\n{}\n${tag}\n\n\n\n{"salary"}`,
  ])
  await client.query('update projects set notes = $2 where id = $1', [Number(record.id), 'mine'])
  expect(await app.sql(`select table_name from noclobber.changes where updated_by->>'id' = 'ceo'`)).toEqual([
    { table_name: 'public.projects' },
  ])
})

test('a statement of many rows leaves the session’s settings as they were', async () => {
  await app.sql(`insert into projects (tenant_id, name) select 'acme', 'many' from generate_series(1, 60)`)
  const client = await connect()
  const settings = ['jit', 'enable_mergejoin', 'enable_sort', 'work_mem']
  const read = async () =>
    (
      await client.query(
        `select ${settings.map((name) => `current_setting('${name}')`).join(" || ' ' || ")} as all`,
      )
    ).rows[0].all
  for (const values of ['on off on 1MB', 'off on off 64MB']) {
    await client.query('begin')
    for (const [at, value] of values.split(' ').entries())
      await client.query(`set local ${settings[at]} = '${value}'`)
    await client.query(`update projects set notes = '${values}' where name = 'many'`)
    expect(await read()).toBe(values)
    await client.query('commit')
  }
})

test('operators and functions of the writer’s own are not taken for PostgreSQL’s', async () => {
  const record = await app.make('project', { name: 'Quay' })
  const client = await connect()
  const traps = [
    ...['*<>', '*=', '*<>'].map((name) => [name, 'record', 'record']),
    ...['=', '<>', '+', '<'].map((name) => [name, 'bigint', 'bigint']),
    ...['+', '='].map((name) => [name, 'bigint', 'integer']),
    ...['=', '<>'].map((name) => [name, 'timestamptz', 'timestamptz']),
    ...['=', '<>'].map((name) => [name, 'text', 'text']),
    ...[
      ['=', 'text', 'name'],
      ['=', 'jsonb', 'jsonb'],
      ['->>', 'jsonb', 'text'],
      ['->', 'jsonb', 'text'],
    ],
  ]
  const names = new Set<string>()
  await client.query('create schema traps')
  for (const [operator, left, right] of traps) {
    const name = `trap_${left}_${right}`
    const type = operator?.startsWith('->') ? 'text' : operator === '+' ? left : 'boolean'
    const made = `${name}_${type}`
    if (!names.has(made)) {
      const [one, other] = [left, right].map((side) => (side === 'record' ? 'anyelement' : side))
      await client.query(`create function traps.${made}(${one}, ${other}) returns ${type} language plpgsql as
        $$ begin raise exception 'fell into %', '${made}'; end $$`)
    }
    names.add(made)
    if (left !== 'record' && !operator?.startsWith('*'))
      await client
        .query(
          `create operator traps.${operator} (leftarg = ${left}, rightarg = ${right}, function = traps.${made})`,
        )
        .catch((error) => {
          if (error.code !== '42723') throw error
        })
  }
  for (const call of [
    'clock_timestamp()',
    'current_setting(text, boolean)',
    'string_to_array(text, text, text)',
  ])
    await client.query(`create function traps.${call} returns text language plpgsql as
      $$ begin raise exception 'fell into a function'; end $$`)
  await client.query('set search_path = traps, pg_catalog, public')
  const update = 'update public.projects set name = $2 where id operator(pg_catalog.=) $1 returning version'
  for (const [at, name] of ['Quay 2', 'Quay 3'].entries()) {
    if (at === 1) await client.query("set noclobber.actor = 'a job'")
    expect((await client.query(update, [Number(record.id), name])).rows).toEqual([
      { version: String(at + 2) },
    ])
  }
  expect((await client.query(update, [Number(record.id), 'Quay 3'])).rows).toEqual([{ version: '3' }])
})

test('a rolled-back write leaves nothing behind', async () => {
  const record = await app.make('project', { name: 'Dam' })
  const watcher = await app.socket()
  await watcher.watch(['project', record.id])
  await watcher.forget()
  const write = app.knex.transaction(async (transaction) => {
    await transaction.raw(`update projects set name = 'never' where id = ?`, [record.id])
    throw new Error('undone')
  })
  await expect(write).rejects.toThrow('undone')
  expect(await watcher.flushed()).toEqual([])
  const { body } = await app.call('GET', `/records/project/${record.id}`)
  expect(body.data).toMatchObject({ version: 1, fields: { name: 'Dam' } })
})

test('TRUNCATE deletes each record, and editors and lists receive it', async () => {
  await app.sql(
    `insert into tasks (tenant_id, project_id, title) select 'acme', 1, 't' from generate_series(1, 80)`,
  )
  const [{ id }] = await app.sql('select max(id) as id from tasks')
  const editor = await app.socket()
  const list = await app.socket()
  await editor.watch(['task', String(id)])
  await list.watchList('task')
  await list.flushed()
  await app.sql('truncate tasks')
  expect(await editor.receives('RecordDeleted', { id: String(id) })).toMatchObject({ version: 2 })
  await list.receives('RecordsImported', { count: 80 })
  const { status, body } = await app.call('GET', `/records/task/${id}`)
  expect([status, body.code]).toEqual([410, 'deleted'])
})
