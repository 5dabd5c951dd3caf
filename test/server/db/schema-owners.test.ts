// Tools that bring tables to their own models, with the real libraries: what the triggers need is not dropped, a model with the columns
// is left alone, and a table that was made anew is found and can be tracked again. Prisma's push needs an engine from elsewhere.
import { pushSchema } from 'drizzle-kit/api'
import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { bigint, integer, jsonb, pgTable, serial, text, timestamp, varchar } from 'drizzle-orm/pg-core'
import { migrate, trackTable } from 'noclobber/migrations'
import { createRecordServer, defineRecordType, doctor } from 'noclobber/server'
import pg from 'pg'
import { DataTypes, type ModelAttributes, Sequelize } from 'sequelize'
import { DataSource, EntitySchema, type EntitySchemaColumnOptions } from 'typeorm'
import { beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { runCommand } from '../../../server/cli/run.ts'
import { atEnd } from '../../support/at-end.ts'
import { freshDatabase } from '../../support/postgres.ts'

const { url } = await freshDatabase({ migrated: false })
const pool = new pg.Pool({ connectionString: url, max: 3 })
atEnd(() => pool.end())
await migrate(pool)

const actor = { id: 'a', name: 'Ann', tenantId: 't' }
const post = defineRecordType('post', { table: 'posts', fields: { title: z.string().nullable() } })

beforeEach(async () => {
  await pool.query('drop table if exists posts')
  await pool.query(
    `create table posts (id serial primary key, title text, version integer not null default 1)`,
  )
  await trackTable(pool, 'posts')
  await pool.query(`insert into posts (title) values ('a')`)
})

/** What the doctor finds of the table. Versions go on above those of the tables before it. */
const problems = async () =>
  (await doctor(pool, { tables: ['posts'] })).findings.flatMap(({ code, level }) =>
    level === 'problem' && code !== 'version_out_of_step' ? [code] : [],
  )

/** The library works on the table as it is. */
async function savesStill() {
  const records = createRecordServer({ log: null, pool, types: [post], authenticate: () => null })
  try {
    const { rows } = await pool.query('select id, version from posts')
    const save = { actor, clientVersion: rows[0].version, changes: { title: 'saved' } }
    return (await records.save('post', String(rows[0].id), save)).outcome
  } finally {
    await records.stop()
  }
}

const bySequelize = (attributes: ModelAttributes, more: object) => async (options: object) => {
  const sequelize = new Sequelize(url, { logging: false })
  sequelize.define('post', attributes, { tableName: 'posts', ...more })
  try {
    await sequelize.sync(options)
  } finally {
    await sequelize.close()
  }
}

const byTypeorm = (columns: Record<string, EntitySchemaColumnOptions>) => async () => {
  const entity = new EntitySchema({ name: 'post', tableName: 'posts', columns })
  const source = await new DataSource({ type: 'postgres', url, entities: [entity] }).initialize()
  try {
    await source.synchronize()
  } finally {
    await source.destroy()
  }
}

const byDrizzle = (posts: unknown) => async () => {
  const { apply } = await pushSchema({ posts }, drizzle({ client: pool }), ['public'])
  await apply()
}

const ID: Record<string, EntitySchemaColumnOptions> = {
  id: { type: Number, primary: true, generated: true },
  title: { type: 'text', nullable: true },
}

describe('models without the three columns: refused before anything is lost', () => {
  test.each([
    [
      'Sequelize, alter',
      () => bySequelize({ title: DataTypes.TEXT }, { timestamps: false })({ alter: true }),
    ],
    ['TypeORM, synchronize', byTypeorm(ID)],
    ['Drizzle, push', byDrizzle(pgTable('posts', { id: serial().primaryKey(), title: text() }))],
  ])('%s', async (_name, bring) => {
    await expect(bring()).rejects.toSatisfy((error: Error & { cause?: Error }) =>
      /cannot drop column .*(version|updated_\w+)|DROP COLUMN "version"/.test(error.message),
    )
    await migrate(pool)
    expect(await problems()).toEqual([])
    expect(await savesStill()).toBe('saved')
  })
})

describe('models with them: nothing is changed', () => {
  test.each([
    [
      'TypeORM, synchronize',
      byTypeorm({
        ...ID,
        version: { type: 'int', version: true, default: 1 },
        updated_at: { type: 'timestamptz', default: () => 'clock_timestamp()', insert: false, update: false },
        updated_by: { type: 'jsonb', nullable: true, insert: false, update: false },
      }),
    ],
    [
      'Sequelize, alter without drop, and without the version',
      () => bySequelize({ title: DataTypes.TEXT }, { timestamps: false })({ alter: { drop: false } }),
    ],
  ])('%s', async (_name, bring) => {
    await bring()
    expect(await problems()).toEqual([])
    expect(await savesStill()).toBe('saved')
  })

  test('Drizzle, push, with the table of our migrations in its schema', async () => {
    await pool.query('drop table posts; create table posts (id serial primary key, title text)')
    await trackTable(pool, 'posts')
    const posts = pgTable('posts', {
      id: serial().primaryKey(),
      title: text(),
      version: bigint({ mode: 'number' }).notNull().default(1),
      updated_at: timestamp({ withTimezone: true }).notNull().default(sql`clock_timestamp()`),
      updated_by: jsonb(),
    })
    const noclobberMigrations = pgTable('noclobber_migrations', {
      id: serial().primaryKey(),
      name: varchar({ length: 255 }),
      batch: integer(),
      migration_time: timestamp({ withTimezone: true }),
    })
    const db = drizzle({ client: pool })
    const { statementsToExecute } = await pushSchema({ posts, noclobberMigrations }, db, ['public'])
    expect(statementsToExecute).toEqual([])
  })
})

test('Sequelize’s alter can’t bring a version to a type: it is refused, and nothing is lost', async () => {
  const version = { type: DataTypes.INTEGER, allowNull: false, defaultValue: 1 }
  const model = { title: DataTypes.TEXT, version, updated_by: DataTypes.JSONB }
  const options = { version: true, createdAt: false, updatedAt: 'updated_at' }
  await expect(bySequelize(model, options)({ alter: true })).rejects.toThrow('cannot alter type of a column')
  expect(await problems()).toEqual([])
  expect(await savesStill()).toBe('saved')
})

test('a push that drops the table of our migrations is mended by migrate, and by doctor --repair', async () => {
  for (const mend of [
    () => migrate(pool),
    async () => {
      const terminal = {
        ...{
          out: () => {},
          err: () => {},
          env: { DATABASE_URL: url },
          cwd: '/',
          signal: new AbortController().signal,
        },
      }
      await runCommand(['doctor', '--repair'], terminal)
    },
  ]) {
    await pool.query('drop table if exists noclobber_migrations, noclobber_migrations_lock cascade')
    await mend()
    await migrate(pool)
    expect(await problems()).toEqual([])
    expect(await savesStill()).toBe('saved')
  }
})

test('a table made anew has no triggers: start, /readyz and the doctor say so, and tracking it again helps', async () => {
  const records = createRecordServer({ log: null, pool, types: [post], authenticate: () => null })
  atEnd(() => records.stop())
  await records.start()
  await bySequelize({ title: DataTypes.TEXT }, { timestamps: false })({ force: true })
  expect((await records.health()).status).toBe('unavailable')
  expect(await problems()).toEqual(['not_tracked'])
  const next = createRecordServer({ log: null, pool, types: [post], authenticate: () => null })
  await expect(next.start()).rejects.toThrow('posts')
  await next.stop()
  // Of a table that nobody names the doctor can't know whether it was untracked on purpose.
  const { ok, findings } = await doctor(pool)
  expect(ok).toBe(true)
  expect(findings).toContainEqual(
    expect.objectContaining({
      ...{ code: 'not_tracked', level: 'note', table: 'public.posts' },
      advice: expect.stringContaining('sync({ force: true })'),
    }),
  )
  await trackTable(pool, 'posts')
  expect((await doctor(pool)).findings.filter(({ code }) => code === 'not_tracked')).toEqual([])
  await pool.query(`insert into posts (title) values ('anew')`)
  expect(await problems()).toEqual([])
  expect(await savesStill()).toBe('saved')
})
