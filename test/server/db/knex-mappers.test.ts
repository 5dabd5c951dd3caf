// Knex with mappers of names and rows, as apps have them for camelCase: migrations, server, doctor and pruning are the same, and the
// app's own queries are mapped as ever.
import createKnex from 'knex'
import { migrate, trackTable, untrackTable } from 'noclobber/migrations'
import { createRecordServer, defineRecordType, doctor } from 'noclobber/server'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { atEnd } from '../../support/at-end.ts'
import { ofInterest } from '../../support/findings.ts'
import { freshDatabase } from '../../support/postgres.ts'

const camel = (name: string) => name.replace(/_+(\w)/g, (_, letter: string) => letter.toUpperCase())
const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** Renames every key, however deep, also of what is no row. */
const renamed = (value: unknown, rename: (name: string) => string): unknown => {
  if (Array.isArray(value)) return value.map((one) => renamed(one, rename))
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [rename(name), renamed(one, rename)]))
}

const MAPPERS = {
  'camelCase rows': { in: snake, out: camel },
  'names with a prefix, rows in capitals': {
    in: (name: string) => (name === 'posts' ? 'app_posts' : name),
    out: (name: string) => name.toUpperCase(),
  },
}

test.each(Object.entries(MAPPERS))('%s', async (_, mapper) => {
  const { url } = await freshDatabase({ migrated: false })
  const knex = createKnex({
    client: 'pg',
    connection: url,
    pool: { min: 0, max: 4 },
    wrapIdentifier: (name, wrap) => wrap(name === '*' ? name : mapper.in(name)),
    postProcessResponse: (result) => renamed(result, mapper.out),
  })
  atEnd(() => knex.destroy())
  await migrate(knex)
  await migrate(knex, { repair: true })
  await knex.transaction(async (trx) => {
    await trx.raw(`create table app_posts (post_id bigint primary key, tenant_id text, post_title text, updated_by bigint);
      create table post_lines (id text primary key, tenant_id text, post_id bigint, line_text text)`)
    const columns = { version: 'lock_version', updatedBy: 'updated_by' }
    await trackTable(trx, 'app_posts', { tenant: 'tenant_id', columns })
    const partOf = { table: 'app_posts', column: 'post_id', field: 'lines' }
    await trackTable(trx, 'post_lines', {
      tenant: 'tenant_id',
      history: 'values',
      lists: ['post_id'],
      partOf,
    })
  })
  const records = createRecordServer({
    log: null,
    knex,
    types: [
      defineRecordType('post', {
        table: 'app_posts',
        fields: { postTitle: z.string() },
        columnOf: { postTitle: 'post_title' },
        importKey: 'postTitle',
      }),
      defineRecordType('line', {
        table: 'post_lines',
        fields: { postId: z.any(), lineText: z.string() },
        columnOf: { postId: 'post_id', lineText: 'line_text' },
        history: 'values',
      }),
    ],
    authenticate: () => null,
  })
  atEnd(() => records.stop())
  await records.start()
  const actor = { id: '7', name: 'Amy', tenantId: 't' }
  await knex.raw(`insert into app_posts (post_id, tenant_id, post_title) values (1, 't', 'one')`)
  const saved = await records.save('post', '1', { actor, clientVersion: 1, changes: { postTitle: 'two' } })
  expect(saved).toMatchObject({ outcome: 'saved', record: { version: 2, fields: { postTitle: 'two' } } })
  expect(
    await records.save('post', '1', { actor, clientVersion: 1, changes: { postTitle: 'x' } }),
  ).toMatchObject({
    outcome: 'conflict',
    problem: { changed_fields: ['postTitle'], updated_by: { id: '7', name: 'Amy' } },
  })
  const made = await records.create('line', { actor, id: 'a', fields: { postId: 1, lineText: 'x' } })
  expect(made).toMatchObject({ outcome: 'created', record: { fields: { postId: 1, lineText: 'x' } } })
  await knex.transaction(async (transaction) => {
    const within = { actor, transaction, clientVersion: 3, changes: { postTitle: 'three' } }
    expect(await records.save('post', '1', within)).toMatchObject({
      outcome: 'saved',
      record: { version: 4 },
    })
  })
  const input = (async function* () {
    yield Buffer.from(`{"postTitle":"three","version":4}\n`)
  })()
  expect(await records.import('post', { actor, input, format: 'ndjson' })).toMatchObject({
    outcome: 'imported',
    answer: { unchanged: 1 },
  })
  expect(await records.history('line', 'a', { actor })).toMatchObject({
    entries: [{ values: { lineText: [null, 'x'] } }],
  })
  expect(ofInterest((await doctor(knex, { rows: true })).findings)).toEqual([])
  const own = await knex('posts'.length > 0 && mapper.in('posts') === 'posts' ? 'appPosts' : 'posts').first()
  expect(own).toMatchObject({
    [mapper.out('post_title')]: 'three',
    [mapper.out('lock_version')]: expect.anything(),
  })
  await untrackTable(knex, 'post_lines', { dropColumns: true })
  expect(ofInterest((await doctor(knex)).findings).map(({ code }) => code)).toEqual([
    'parts_missing',
    'not_tracked',
  ])
})
