// What an app does to each connection of its pool holds for those that the library opens besides. The role that logs in has
// no rights at all: whatever runs without SET ROLE fails.
import { randomBytes } from 'node:crypto'
import createKnex from 'knex'
import { trackTable } from 'noclobber/migrations'
import {
  createRecordServer,
  defineRecordType,
  doctor,
  pruneLog,
  type RecordServerOptions,
} from 'noclobber/server'
import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { atEnd } from '../../support/at-end.ts'
import { ofInterest } from '../../support/findings.ts'
import { ordinaryRole } from '../../support/ordinary-role.ts'
import { freshDatabase } from '../../support/postgres.ts'
import { oneIn } from '../../support/short-run.ts'
import { waitFor } from '../../support/wait-for.ts'

const actor = { id: 'a', name: 'A', tenantId: '' }

type Client = { query(text: string, done?: (error?: Error | null) => void): unknown }

/** A table in a schema that only a search path finds; a role that may use it, and one that may only become that role. */
const setUp = async () => {
  const { url } = await freshDatabase()
  const owner = createKnex({ client: 'pg', connection: url, pool: { min: 0, max: 1 } })
  atEnd(() => owner.destroy())
  await owner.raw('create schema shop; create table shop.things (id text primary key, title text)')
  await trackTable(owner, 'shop.things')
  const { role } = await ordinaryRole((text) => owner.raw(text), url, ['shop'])
  const login = `login_${randomBytes(6).toString('hex')}`
  await owner.raw(`create role ${login} login noinherit password 'x' in role ${role}`)
  atEnd(() => owner.raw(`drop role ${login}`))
  const at = new URL(url)
  Object.assign(at, { username: login, password: 'x' })
  return { owner, login, url: at.href, prepare: `set role ${role}; set search_path = shop, public` }
}

const serveAll = async (
  sql: Pick<RecordServerOptions, 'knex' | 'pool'>,
  { owner, login }: Awaited<ReturnType<typeof setUp>>,
) => {
  const records = createRecordServer({
    log: null,
    ...sql,
    types: [defineRecordType('thing', { table: 'things', fields: { title: z.string() } })],
    authenticate: () => null,
    limits: { pruneEveryMs: 100 },
  })
  onTestFinished(() => records.stop())
  await records.start()
  for (let n = 0; n < 30; n += 1)
    expect(await records.create('thing', { actor, id: String(n), fields: { title: 'x' } })).toMatchObject({
      outcome: 'created',
    })
  // More than a batch: it is compacted, on a connection of its own.
  await owner.raw(`update shop.things set title = 'y'`)
  await waitFor(async () => (await owner.raw('select from noclobber.change_batches')).rowCount === 0, {
    what: 'the batches to be compacted',
  })
  expect((await records.health()).status).toBe('ok')
  const given = (sql.knex ?? sql.pool) as Parameters<typeof doctor>[0]
  expect(ofInterest((await doctor(given, { listenMs: 10_000 })).findings)).toEqual([])
  await waitFor(async () => !(await pruneLog(given, { retentionMs: 0 })).busy, { what: 'its turn to prune' })
  const { rows } = await owner.raw(
    'select distinct application_name as name from pg_stat_activity where usename = ?',
    [login],
  )
  expect(rows).toEqual([{ name: 'shop server' }])
}

test('Knex: afterCreate, searchPath and application_name', async () => {
  const place = await setUp()
  const knex = createKnex({
    client: 'pg',
    connection: { connectionString: place.url, application_name: 'shop server' },
    searchPath: ['shop', 'public'],
    pool: {
      min: 0,
      max: 3,
      afterCreate: (connection: Client, done: (error?: Error | null) => void) =>
        connection.query(place.prepare, done),
    },
  })
  onTestFinished(() => knex.destroy())
  await serveAll({ knex }, place)
})

test.each(oneIn(3, ['connect', 'onConnect', 'verify']))('a pool of pg: %s', async (kind) => {
  const place = await setUp()
  const options: pg.PoolConfig & Record<string, unknown> = {
    connectionString: place.url,
    application_name: 'shop server',
    max: 3,
  }
  if (kind === 'onConnect') options.onConnect = (client: Client) => client.query(place.prepare)
  if (kind === 'verify')
    options.verify = (client: Client, done: (error?: Error) => void) =>
      client.query(place.prepare, (error) => done(error ?? undefined))
  const pool = new pg.Pool(options)
  // One that is closed before it is answered is used by nobody.
  if (kind === 'connect') pool.on('connect', (client) => void client.query(place.prepare).catch(() => {}))
  onTestFinished(() => pool.end())
  await serveAll({ pool }, place)
})

test('a start that lacks a right says which, within its time; so do health and the doctor', async () => {
  const { url } = await setUp()
  const knex = createKnex({ client: 'pg', connection: url, pool: { min: 0, max: 2 } })
  onTestFinished(() => knex.destroy())
  const records = createRecordServer({
    log: null,
    knex,
    types: [defineRecordType('thing', { table: 'shop.things', fields: { title: z.string() } })],
    authenticate: () => null,
    limits: { startMs: 5_000 },
  })
  onTestFinished(() => records.stop())
  await expect(records.start()).rejects.toThrow(/permission denied|lacks|right|GRANT/i)
  const { status, checks } = await records.health()
  expect(status).toBe('unavailable')
  expect(checks.tables.detail ?? '').toMatch(/permission denied|lacks|right|GRANT/i)
  await expect(doctor(knex)).rejects.toThrow(/permission denied/)
})
