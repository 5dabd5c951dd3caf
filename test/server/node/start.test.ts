// A start that can't succeed says so within its time, with the cause, and goes on trying.
import express from 'express'
import createKnex from 'knex'
import { createRecordServer } from 'noclobber/server'
import type pg from 'pg'
import { expect, test } from 'vitest'
import { askCatalogue } from '../../../server/db/own-settings.ts'
import { statement } from '../../../server/db/statement.ts'
import { startApp, TYPES } from '../../support/app.ts'
import { atEnd } from '../../support/at-end.ts'
import { startFaultProxy } from '../../support/fault-proxy.ts'
import { freshDatabase } from '../../support/postgres.ts'

const serverOn = (connection: string, startMs = 30_000) => {
  const knex = createKnex({
    client: 'pg',
    connection,
    pool: { min: 0, max: 2 },
    acquireConnectionTimeout: 1_000,
  })
  const records = createRecordServer({
    log: null,
    knex,
    types: [],
    authenticate: () => null,
    limits: { startMs },
  })
  atEnd(async () => {
    await records.stop()
    await knex.destroy()
  })
  return records
}

test('a database that nobody serves, and one that is there later', async () => {
  const own = await startApp()
  const proxy = await startFaultProxy(Number(new URL(own.database.url).port))
  const records = serverOn(proxy.urlFor(own.database.url), 200)
  proxy.set('hole')
  await expect(records.start()).rejects.toThrow(/could not start within 200 ms, and goes on trying/)
  expect(await records.health()).toMatchObject({ status: 'unavailable', checks: { database: { ok: false } } })
  proxy.set('pass')
  for (;;)
    if (
      await records.start().then(
        () => true,
        () => false,
      )
    )
      break
  expect((await records.health()).checks.database.ok).toBe(true)
})

test.each([
  ['a wrong password', { password: 'wrong' }, /could not start, and goes on trying: password authentication/],
  ['a role that is not there', { username: 'nobody_at_all' }, /goes on trying: .*nobody_at_all/],
  [
    'a database that is not there',
    { pathname: '/nowhere' },
    /goes on trying: database "nowhere" does not exist/,
  ],
])('%s is said at once, and not that a pool is full', async (_, wrong, said) => {
  const { url } = await freshDatabase()
  const starting = serverOn(Object.assign(new URL(url), wrong).href, 3_600_000).start()
  await expect(starting).rejects.toThrow(said)
})

test('what the pool does to each connection is done to the feed’s own', async () => {
  const own = await startApp()
  const knex = createKnex({
    client: 'pg',
    connection: `${own.database.url}?application_name=before`,
    pool: {
      max: 2,
      afterCreate: (connection: { query(text: string, done: () => void): void }, done: () => void) =>
        connection.query(`set application_name = 'after create'`, done),
    },
  })
  const records = createRecordServer({ log: null, knex, types: [], authenticate: () => null })
  atEnd(async () => {
    await records.stop()
    await knex.destroy()
  })
  await records.start()
  const names = await own.sql(
    `select application_name as name from pg_stat_activity where datname = current_database() and application_name in ('before', 'after create')`,
  )
  // The pool's and the feed's, at least.
  expect(names.length).toBeGreaterThanOrEqual(2)
  expect(new Set(names.map(({ name }) => name))).toEqual(new Set(['after create']))
})

test('what was forgotten is said where the server is made', async () => {
  const { knex } = await startApp()
  const make = (given: object) => () =>
    createRecordServer({ log: null, knex, types: [], authenticate: () => null, ...given })
  expect(make({ knex: undefined })).toThrow('either a `knex` or a `pool`')
  expect(make({ types: undefined })).toThrow('`types`, a list')
  expect(make({ authenticate: undefined })).toThrow('`authenticate`, a function')
  const records = make({})()
  atEnd(() => records.stop())
  expect(() => records.attach(express() as never)).toThrow('attach takes the HTTP server, not the app')
})

test('a database without the change log is said to have none, with the next step', async () => {
  const { url } = await freshDatabase({ migrated: false })
  await expect(serverOn(url).start()).rejects.toThrow(
    /no change log.*migrate\(knex\) of noclobber\/migrations.*npx noclobber init/s,
  )
})

test('the tables of all types are looked at by one statement', async () => {
  const own = await startApp()
  const asked: string[] = []
  const knex = createKnex({
    client: 'pg',
    connection: own.database.url,
    pool: {
      min: 0,
      max: 1,
      afterCreate: (connection: pg.Client, done: (error: unknown, connection: pg.Client) => void) => {
        const query = connection.query.bind(connection) as (...given: unknown[]) => unknown
        Object.assign(connection, {
          query: (...given: [{ text?: string }]) => {
            asked.push(given[0].text ?? '')
            return query(...given)
          },
        })
        done(null, connection)
      },
    },
  })
  const records = createRecordServer({ log: null, knex, types: TYPES, authenticate: () => null })
  atEnd(async () => {
    await records.stop()
    await knex.destroy()
  })
  await records.start()
  expect(TYPES.length).toBeGreaterThan(5)
  expect(asked.filter((text) => /has_column_privilege.* as constraints/s.test(text))).toHaveLength(1)

  // Compiling such a statement takes seconds where PostgreSQL can, and a role's limits are meant for requests.
  const names = `'jit', 'statement_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout'`
  const query = statement(
    `select jsonb_object_agg(name, setting order by name) as set from pg_settings where name in (${names})`,
  )
  const as = { jit: 'on', statement_timeout: '3000', idle_in_transaction_session_timeout: '4000' }
  const newer = Number((await knex.raw('show server_version_num')).rows[0].server_version_num) >= 170_000
  await knex.raw(Object.entries(as).reduce((sql, [name, value]) => `${sql}set ${name} = '${value}';`, ''))
  if (newer) await knex.raw(`set transaction_timeout = '5s'`)
  const before = { ...as, ...(newer && { transaction_timeout: '5000' }) }
  const within = { jit: 'off', statement_timeout: '10000', idle_in_transaction_session_timeout: '0' }
  expect((await askCatalogue(knex, query, []))[0]?.set).toEqual({
    ...within,
    ...(newer && { transaction_timeout: '0' }),
  })
  expect((await knex.raw(query.text)).rows[0].set).toEqual(before)
  await knex.transaction(async (transaction) => {
    expect((await askCatalogue(transaction, query, []))[0]?.set).toEqual(before)
  })
  await knex.raw('set statement_timeout = 0')
  expect((await askCatalogue(knex, query, []))[0]?.set.statement_timeout).toBe('0')
})
