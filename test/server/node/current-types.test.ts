// Tables that change under a running server: what was learned of them at the start is learned again.
import createKnex from 'knex'
import { trackTable, untrackTable } from 'noclobber/migrations'
import { createRecordServer, defineRecordType } from 'noclobber/server'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { freshDatabase } from '../../support/postgres.ts'
import { waitFor } from '../../support/wait-for.ts'

const actor = { id: 'a', name: 'A', tenantId: 't' }

const serve = async (sql: string) => {
  const { url } = await freshDatabase()
  const knex = createKnex({ client: 'pg', connection: url, pool: { min: 0, max: 4 } })
  await knex.raw(sql)
  const changed: string[] = []
  const records = createRecordServer({
    knex,
    types: [
      defineRecordType('thing', {
        table: 'things',
        fields: { title: z.string(), amount: z.any().optional() },
      }),
    ],
    authenticate: () => null,
    limits: { tablesMs: 50 },
    log: {
      info: (details, message) => void changed.push(`${message} ${JSON.stringify(details)}`),
      warn: () => {},
      error: () => {},
    },
  })
  onTestFinished(async () => {
    await records.stop()
    await knex.destroy()
  })
  return { knex, records, changed }
}

const THINGS = `create table things (id text primary key, tenant_id text default 't', title text, amount integer)`

test('a table that is tracked after the start is served from then on, and its feed runs', async () => {
  const { knex, records } = await serve(THINGS)
  await expect(records.start()).rejects.toThrow(/isn't tracked/)
  const { checks } = await records.health()
  expect([checks.tables.ok, checks.tables.detail]).toEqual([
    false,
    expect.stringContaining("it isn't tracked"),
  ])
  await trackTable(knex, 'things')
  await waitFor(async () => (await records.health()).status === 'ok', { what: 'a server that is fit' })
  expect(await records.create('thing', { actor, id: '1', fields: { title: 'x' } })).toMatchObject({
    outcome: 'created',
  })
})

test('a trigger of the app’s, a tenant and a column’s type that come later', async () => {
  const { knex, records, changed } = await serve(THINGS)
  await trackTable(knex, 'things')
  await records.start()
  const create = (id: string) => records.create('thing', { actor, id, fields: { title: 'x', amount: 1 } })
  const shown = async (id: string) => {
    const found = await records.read('thing', id, { actor })
    return found.outcome === 'found' ? found.record.fields : found.outcome
  }
  const next = async (change: () => Promise<unknown>) => {
    const before = changed.length
    await change()
    await waitFor(() => changed.length > before, { what: 'the table to be looked up again' })
  }
  expect(await create('1')).toMatchObject({ outcome: 'created' })
  await next(() =>
    knex.raw(`create function loud() returns trigger language plpgsql as $$
      begin update things set title = upper(new.title) where id = new.id; return null; end $$;
      create trigger a_loud after insert on things for each row when (pg_trigger_depth() = 0) execute function loud()`),
  )
  // The answer is the row as the trigger has left it.
  expect(await create('2')).toMatchObject({
    outcome: 'created',
    record: { fields: { title: 'X' }, version: 2 },
  })
  await next(() => knex.raw('alter table things alter amount type text'))
  expect(await shown('2')).toEqual({ title: 'X', amount: '1' })
  await knex.raw(`insert into things (id, tenant_id, title) values ('3', 'other', 'theirs')`)
  expect(await shown('3')).toMatchObject({ title: 'THEIRS' })
  await next(() => trackTable(knex, 'things', { tenant: 'tenant_id' }))
  expect(await shown('3')).toBe('missing')
  expect(await shown('2')).toMatchObject({ title: 'X' })
})

test('a table that can’t be served any more is said at /readyz, until it can', async () => {
  const { knex, records } = await serve(THINGS)
  await trackTable(knex, 'things')
  await records.start()
  await knex.raw('alter table things rename title to heading')
  await waitFor(
    async () => (await records.health()).checks.tables.detail?.includes('it has no column title'),
    { what: 'the sentence' },
  )
  await knex.raw('alter table things rename heading to title')
  await waitFor(async () => (await records.health()).checks.tables.ok, { what: 'the end of it' })
  await untrackTable(knex, 'things')
  await waitFor(async () => (await records.health()).checks.tables.detail?.includes("it isn't tracked"), {
    what: 'the sentence',
  })
})
