// What the stamp compares: generated columns and housekeeping columns make no version, whatever becomes of them later; a
// version that SQL sets to the next one is a touch, and any other is put back.
import createKnex from 'knex'
import { trackTable } from 'noclobber/migrations'
import { createRecordServer, defineRecordType, doctor } from 'noclobber/server'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { atEnd } from '../support/at-end.ts'
import { ofInterest } from '../support/findings.ts'
import { freshDatabase } from '../support/postgres.ts'
import { majorVersion } from '../support/sql.ts'

const { url } = await freshDatabase()
const knex = createKnex({ client: 'pg', connection: url, pool: { min: 0, max: 4 } })
atEnd(() => knex.destroy())

const versionOf = async (table: string, id = 1) =>
  Number((await knex(table).where({ id }).first('version')).version)
const lastFields = async (table: string) =>
  (
    await knex.raw(
      `select changed_fields as fields from noclobber.changes where table_name = ? order by xid desc, seq desc limit 1`,
      [`public.${table}`],
    )
  ).rows[0].fields
const found = async () =>
  ofInterest((await doctor(knex, { listenMs: 10_000 })).findings).map(({ code, table }) => `${code} ${table}`)

describe('generated columns', () => {
  test('make no version by themselves, and are logged with what changes them', async () => {
    const virtual = (await majorVersion(knex)) >= 18 ? 'virtual' : 'stored'
    await knex.raw(`create table titles (id int primary key, title text, seen timestamptz,
      up text generated always as (upper(title)) stored, length int generated always as (length(title)) ${virtual})`)
    await trackTable(knex, 'titles', { ignore: ['seen'] })
    await knex.raw(`insert into titles (id, title) select i, 'x' || i from generate_series(1, 30) i`)
    await knex.raw('update titles set title = title')
    await knex.raw('update titles set seen = now()')
    expect(await versionOf('titles')).toBe(1)
    await knex.raw(`update titles set title = 'y' where id = 1`)
    expect(await lastFields('titles')).toEqual(expect.arrayContaining(['title', 'up']))
    await knex.raw(`update titles set title = title || '!'`)
    expect(await versionOf('titles')).toBe(3)
    expect(await found()).toEqual([])
  })

  test('of a record that the server saves: one version for each save', async () => {
    const records = createRecordServer({
      log: null,
      knex,
      types: [
        defineRecordType('title', {
          table: 'titles',
          fields: { title: z.string(), up: z.string(), length: z.int() },
        }),
      ],
      authenticate: () => null,
    })
    atEnd(() => records.stop())
    const actor = { id: 'a', name: 'A', tenantId: 't' }
    const save = (clientVersion: number, title: string) =>
      records.save('title', '1', {
        actor,
        clientVersion,
        changes: { title },
        mutationId: `${title} ${clientVersion}`,
      })
    expect(await save(3, 'z')).toMatchObject({
      outcome: 'saved',
      record: { version: 4, fields: { up: 'Z', length: 1 } },
    })
    expect(await save(4, 'z')).toMatchObject({ outcome: 'saved', record: { version: 4 } })
    expect(await records.save('title', '1', { actor, clientVersion: 4, changes: { up: 'Q' } })).toMatchObject(
      { outcome: 'invalid', problem: { errors: [{ field: 'up', message: 'can not be changed' }] } },
    )
  })

  test('that come later are found by the doctor; one that is dropped stops no write', async () => {
    await knex.raw(
      'create table notes (id int primary key, body text, short text generated always as (left(body, 3)) stored)',
    )
    await trackTable(knex, 'notes', { ignore: [] })
    await knex.raw(`insert into notes (id, body) values (1, 'a')`)
    await knex.raw('alter table notes drop column short')
    await knex.raw(`update notes set body = 'b'`)
    expect(await versionOf('notes')).toBe(2)
    await knex.raw(`alter table notes add column size int generated always as (length(body)) stored`)
    expect(await found()).toEqual(['trigger_altered public.notes'])
    await trackTable(knex, 'notes')
    await knex.raw('update notes set body = body')
    expect(await versionOf('notes')).toBe(2)
    expect(await found()).toEqual([])
  })

  test('housekeeping columns that are dropped stop no write', async () => {
    await knex.raw('create table jobs (id int primary key, name text, seen int, tried int)')
    await trackTable(knex, 'jobs', { ignore: ['seen', 'tried'] })
    await knex.raw(`insert into jobs values (1, 'a', 0, 0)`)
    await knex.raw('alter table jobs drop column seen')
    await knex.raw('update jobs set tried = 1')
    expect(await versionOf('jobs')).toBe(1)
    await knex.raw(`update jobs set name = 'b'`)
    expect(await versionOf('jobs')).toBe(2)
  })
})

describe('a version that SQL sets', () => {
  test.each(['plain', 'kept'])('to the next one is a touch, of %s tables', async (table) => {
    await knex.raw(`create table ${table} (id int primary key, title text, seen int, version int not null)`)
    await trackTable(knex, table, table === 'kept' ? { ignore: ['seen'] } : {})
    await knex.raw(`insert into ${table} select i, 'x', 0, 0 from generate_series(1, 30) i`)
    expect(await versionOf(table)).toBe(1)
    const touch = (from: number, set = '') =>
      knex.raw(`update ${table} set ${set} version = ${from + 1} where id = 1 and version = ${from}`)
    expect((await touch(1)).rowCount).toBe(1)
    expect((await touch(2, `title = 'y',`)).rowCount).toBe(1)
    expect((await touch(2, `title = 'stale',`)).rowCount).toBe(0)
    expect(await versionOf(table)).toBe(3)
    await knex.raw(`update ${table} set version = version + 1`)
    expect(await versionOf(table, 30)).toBe(2)
    for (const set of [
      'version = 99',
      'version = version - 1',
      'version = version + 2',
      'version = 0',
      'version = null',
    ])
      await knex.raw(`update ${table} set ${set} where id = 1`)
    expect(await versionOf(table)).toBe(4)
    await knex.raw(`update ${table} set version = 99, title = 'z' where id = 1`)
    expect(await versionOf(table)).toBe(5)
    const { rows } = await knex.raw(
      `select version::int, changed_fields as fields from noclobber.changes where table_name = ? and record_id = '1' order by version`,
      [`public.${table}`],
    )
    expect(rows).toEqual(
      [1, 2, 3, 4, 5].map((version) => ({ version, fields: [3, 5].includes(version) ? ['title'] : [] })),
    )
  })
})
