// Prisma's schema engine on tracked tables: what `prisma db push`, `migrate deploy` and `migrate dev` run, as the WebAssembly that npm
// has. The engine that the command line fetches from elsewhere is made of the same source.
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { PrismaPg } from '@prisma/adapter-pg'
import {
  bindMigrationAwareSqlAdapterFactory,
  ColumnTypeEnum,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
  type SqlQuery,
} from '@prisma/driver-adapter-utils'
import type { SchemaEngine } from '@prisma/schema-engine-wasm/schema_engine_bg'
import { migrate, trackTable } from 'noclobber/migrations'
import { createRecordServer, defineRecordType, doctor } from 'noclobber/server'
import pg from 'pg'
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { changeLogSql, trackTableSql } from '../../../migrations/plain-sql.ts'
import { atEnd } from '../../support/at-end.ts'
import { blocksOf } from '../../support/guide.ts'
import { freshDatabase } from '../../support/postgres.ts'

const { url } = await freshDatabase({ migrated: false })
const pool = new pg.Pool({ connectionString: url, max: 3 })
atEnd(() => pool.end())

type Engine = typeof SchemaEngine
let Engine: Engine
let schema: string

beforeAll(async () => {
  const path = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm/schema_engine_bg')
  const glue = await import('@prisma/schema-engine-wasm/schema_engine_bg')
  Object.assign(globalThis, { PRISMA_WASM_PANIC_REGISTRY: { set_message: () => {} } })
  const bytes = await readFile(join(dirname(path), 'schema_engine_bg.wasm'))
  const { instance } = await WebAssembly.instantiate(bytes, { './schema_engine_bg.js': glue as never })
  glue.__wbg_set_wasm(instance.exports)
  ;(instance.exports.__wbindgen_start as () => void)()
  Engine = glue.SchemaEngine
  schema = (await blocksOf('docs/stacks.md')).find(({ file }) => file === 'schema.prisma')?.code ?? ''
})

interface Inner {
  client: pg.Pool
  performIO(query: SqlQuery): Promise<pg.QueryResult>
}

/** PostgreSQL's own catalogue has columns of the type "char" (18), which the engine asks for and the adapter for pg doesn't know. */
const readsCatalogue = (adapter: SqlDriverAdapter) => {
  const inner = adapter as unknown as Inner
  const [performIO, queryRaw] = [inner.performIO.bind(adapter), adapter.queryRaw.bind(adapter)]
  let chars: number[] = []
  inner.performIO = async (query) => {
    const result = await performIO(query)
    chars = result.fields.flatMap(({ dataTypeID }, at) => (dataTypeID === 18 ? [at] : []))
    for (const field of result.fields) if (field.dataTypeID === 18) field.dataTypeID = 1042
    return result
  }
  adapter.queryRaw = async (query) => {
    const found = await queryRaw(query)
    for (const at of chars) found.columnTypes[at] = ColumnTypeEnum.Character
    return found
  }
  // The engine of the command line sends a script in one piece; this adapter would cut it at each semicolon.
  adapter.executeScript = async (script) => void (await inner.client.query(script))
  return adapter
}

const engineOn = (databaseUrl: string, text: string) => {
  const { hostname: host, port, username: user, password, pathname } = new URL(databaseUrl)
  // In parts: for the shadow database it would go on with that of a connection string.
  const pgFactory = new PrismaPg({ host, port: Number(port), user, password, database: pathname.slice(1) })
  const factory: SqlMigrationAwareDriverAdapterFactory = {
    provider: pgFactory.provider,
    adapterName: pgFactory.adapterName,
    connect: async () => readsCatalogue(await pgFactory.connect()),
    connectToShadowDb: async () => {
      const shadow = readsCatalogue(await pgFactory.connectToShadowDb())
      const [{ client }, dispose] = [shadow as unknown as Inner, shadow.dispose.bind(shadow)]
      // It would drop the database on which its own pool is still open.
      shadow.dispose = async () => {
        await client.end()
        Object.assign(client, { end: async () => {} })
        await dispose()
      }
      return shadow
    },
  }
  return Engine.new(
    { datamodels: [['schema.prisma', text]] },
    () => {},
    bindMigrationAwareSqlAdapterFactory(factory),
  )
}

const push = async (text: string, { force = false, external = [] as string[] } = {}) => {
  const engine = await engineOn(url, text)
  return engine.schemaPush({
    force,
    schema: { files: [{ path: 'schema.prisma', content: text }] },
    filters: { externalTables: external, externalEnums: [] },
  })
}

beforeEach(async () => {
  await pool.query('drop table if exists posts')
  await migrate(pool)
  await pool.query('create table posts (id serial primary key, title text)')
  await trackTable(pool, 'posts')
  await pool.query(`insert into posts (title) values ('a')`)
})

const OURS = ['public.noclobber_migrations', 'public.noclobber_migrations_lock']
const DROPS_OURS = 'You are about to drop the `noclobber_migrations` table, which is not empty'

/** What the doctor finds of the table. Versions go on above those of the tables before it. */
const problems = async () =>
  (await doctor(pool, { tables: ['posts'] })).findings.flatMap(({ code, level }) =>
    level === 'problem' && code !== 'version_out_of_step' ? [code] : [],
  )

/** The library works on the table as it is. */
const savesStill = async () => {
  const post = defineRecordType('post', { table: 'posts', fields: { title: z.string().nullable() } })
  const records = createRecordServer({ log: null, pool, types: [post], authenticate: () => null })
  const { rows } = await pool.query('select id, version from posts')
  const actor = { id: 'a', name: 'Ann', tenantId: 't' }
  const save = { actor, clientVersion: rows[0].version, changes: { title: 'saved' } }
  const { outcome } = await records.save('post', String(rows[0].id), save)
  await records.stop()
  return outcome
}

test('db push: a model with the three columns, and our migrations as external tables: nothing is changed', async () => {
  expect(await push(schema, { external: OURS })).toEqual({ executedSteps: 0, unexecutable: [], warnings: [] })
  expect(await push(schema, { external: OURS, force: true })).toMatchObject({ executedSteps: 0 })
  expect(await problems()).toEqual([])
  expect(await savesStill()).toBe('saved')
})

test('db push with our migrations as no external tables: it asks first, and migrate makes again what it dropped', async () => {
  const { executedSteps, warnings } = await push(schema)
  expect([executedSteps, warnings]).toEqual([0, [expect.stringContaining(DROPS_OURS)]])
  await push(schema, { force: true })
  await migrate(pool)
  expect(await problems()).toEqual([])
  expect(await savesStill()).toBe('saved')
})

test('db push of a model without the columns: it asks first, and PostgreSQL refuses it then', async () => {
  const without = schema.replace(/^ {2}(version|updated_\w+).*\n/gm, '')
  const { executedSteps, warnings } = await push(without, { external: OURS })
  expect(executedSteps).toBe(0)
  expect(warnings).toHaveLength(3)
  await expect(push(without, { external: OURS, force: true })).rejects.toThrow(
    'zz_noclobber_needs_its_columns',
  )
  expect(await problems()).toEqual([])
  expect(await savesStill()).toBe('saved')
})

test('migrate deploy runs our SQL as migrations, and migrate dev finds no drift behind them', async () => {
  const other = await freshDatabase({ migrated: false })
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query('drop table posts; create table posts (id serial primary key, title text)')
  const tracking = await trackTableSql(client, 'posts', {})
  await client.end()
  const directory = (path: string, content: string) => ({
    path,
    migrationFile: { path: 'migration.sql', content: { tag: 'ok' as const, value: content } },
  })
  const migrationsList = {
    baseDir: '/migrations',
    lockfile: { path: 'migration_lock.toml', content: 'provider = "postgresql"\n' },
    shadowDbInitScript: '',
    migrationDirectories: [
      directory('1_posts', 'create table posts (id serial primary key, title text);'),
      directory('2_log', await changeLogSql()),
      directory('3_track', tracking),
    ],
  }
  const filters = { externalTables: OURS, externalEnums: [] }
  const engine = await engineOn(other.url, schema)
  expect(await engine.applyMigrations({ migrationsList, filters })).toEqual({
    appliedMigrationNames: ['1_posts', '2_log', '3_track'],
  })
  expect(await engine.applyMigrations({ migrationsList, filters })).toEqual({ appliedMigrationNames: [] })
  expect(await engine.devDiagnostic({ migrationsList, filters })).toEqual({
    action: { tag: 'createMigration' },
  })
  const files = { files: [{ path: 'schema.prisma', content: schema }] }
  const next = await engine.createMigration({
    ...{ draft: false, migrationName: 'next', migrationsList, schema: files, filters },
  })
  expect(next.migrationScript).toBe(null)
  const there = new pg.Pool({ connectionString: other.url, max: 2 })
  atEnd(() => there.end())
  await there.query(`insert into posts (title) values ('a')`)
  expect(
    (await doctor(there, { tables: ['posts'] })).findings.filter(({ level }) => level === 'problem'),
  ).toEqual([])
})
