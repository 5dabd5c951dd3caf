// The recipes of docs/stacks.md with the real libraries on a real database: the writer is named, no version is overwritten, and
// a save of the library is part of the ORM's transaction.
import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { migrate as migrateDrizzle } from 'drizzle-orm/node-postgres/migrator'
import { sql as kyselySql, Migrator } from 'kysely'
import { migrate, trackTable } from 'noclobber/migrations'
import type { RecordServer } from 'noclobber/server'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { changeLogSql, trackTableSql } from '../../../migrations/plain-sql.ts'
import { atEnd } from '../../support/at-end.ts'
import { writeGuide } from '../../support/guide.ts'
import { freshDatabase } from '../../support/postgres.ts'
import { oneIn } from '../../support/short-run.ts'
import { waitFor } from '../../support/wait-for.ts'

const run = promisify(execFile)
const root = new URL('../../..', import.meta.url).pathname

const MODELS = ['prisma', 'drizzle', 'kysely', 'typeorm', 'sequelize', 'mikro-orm', 'objection']
/** Their own version columns are integers, which they count by themselves. */
const COUNTING = ['typeorm', 'sequelize', 'mikro-orm']

interface Writer {
  id: string
  name: string
  tenantId: string
}

/** What each recipe exports. */
interface Recipe {
  create(title: string): Promise<number>
  asWriter(writer: Writer, work: (transaction: unknown) => Promise<unknown>): Promise<unknown>
  rename(id: number, version: number, title: string, transaction?: unknown): Promise<boolean>
  retitle(actor: Writer, id: number, clientVersion: number, title: string, also: string): Promise<unknown>
  // biome-ignore lint/suspicious/noExplicitAny: what the library calls its own
  [own: string]: any
}

/** What the recipes of one model have in common; each has a database and modules of its own. */
interface Place {
  folder: string
  pool: pg.Pool
  records: RecordServer
}
let { folder, pool, records } = {} as Place

async function open(name: string): Promise<Place> {
  const prisma = name === 'prisma' ? ['schema.prisma'] : []
  const folder = await writeGuide('docs/stacks.md', ['records.ts', `${name}.ts`, ...prisma])
  // `generate` needs no engine, but looks for one, elsewhere, unless one is named.
  if (name === 'prisma')
    await run(join(root, 'node_modules/.bin/prisma'), ['generate', '--schema', 'schema.prisma'], {
      cwd: folder,
      env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: '1' },
      timeout: 60_000,
    })
  const database = await freshDatabase({ migrated: false })
  // Each recipe has connections of its own: one that waits for another's lock ends with PostgreSQL's word for it, not with ours.
  const limits = new pg.Client({ connectionString: database.url })
  await limits.connect()
  for (const limit of [`lock_timeout = '20s'`, `idle_in_transaction_session_timeout = '30s'`])
    await limits.query(`alter database ${database.name} set ${limit}`)
  await limits.end()
  process.env.DATABASE_URL = database.url
  const { pool, records } = await import(join(folder, 'records.ts'))
  atEnd(() => pool.end())
  atEnd(() => records.stop())
  return { folder, pool, records }
}
atEnd(() => delete process.env.DATABASE_URL)

/** A migration in the library's own form. */
const MIGRATIONS: Record<string, (recipe: Recipe) => Promise<unknown>> = {
  async prisma({ prisma }) {
    for (const sql of await plainSql()) await pool.query(sql)
    atEnd(() => prisma.$disconnect())
  },
  async drizzle({ db }) {
    const entries = ['0000_log', '0001_posts'].map((tag, idx) => ({
      idx,
      version: '7',
      when: idx + 1,
      tag,
      breakpoints: true,
    }))
    await mkdir(join(folder, 'drizzle/meta'), { recursive: true })
    await writeFile(
      join(folder, 'drizzle/meta/_journal.json'),
      JSON.stringify({ version: '7', dialect: 'postgresql', entries }),
    )
    for (const [at, sql] of (await plainSql()).entries())
      await writeFile(join(folder, `drizzle/${entries[at]?.tag}.sql`), sql)
    await migrateDrizzle(db, { migrationsFolder: join(folder, 'drizzle') })
  },
  async kysely({ db }) {
    const [log = '', posts = ''] = await plainSql()
    const getMigrations = async () =>
      Object.fromEntries(
        [log, posts].map((text, at) => [
          `${at}`,
          { up: async () => void (await kyselySql.raw(text).execute(db)) },
        ]),
      )
    const { error } = await new Migrator({ db, provider: { getMigrations } }).migrateToLatest()
    if (error) throw error
  },
  async typeorm({ dataSource }) {
    await dataSource.initialize()
    atEnd(() => dataSource.destroy())
    expect(await dataSource.runMigrations()).toHaveLength(1)
  },
  async sequelize({ sequelize, up, down }) {
    atEnd(() => sequelize.close())
    await up(sequelize.getQueryInterface())
    await down(sequelize.getQueryInterface())
    // Rows of a table that was tracked before go on above all versions that it may have given: this one is new.
    await pool.query('drop table posts')
    await createPosts('sequelize')
    await up(sequelize.getQueryInterface())
  },
  async 'mikro-orm'({ orm }) {
    atEnd(() => orm.close())
    for (const sql of await plainSql()) await orm.em.execute(sql)
  },
  async objection({ knex }) {
    atEnd(() => knex.destroy())
    await migrate(knex)
    await trackTable(knex, 'posts')
  },
}

async function createPosts(name: string): Promise<void> {
  const version = COUNTING.includes(name) ? ', version integer not null default 1' : ''
  await pool.query(`create table posts (id serial primary key, title text${version})`)
}

/** The two scripts, made on a database like this one. */
async function plainSql(): Promise<[string, string]> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    await migrate(client)
    return [await changeLogSql(), await trackTableSql(client, 'posts', {})]
  } finally {
    // Closed, and its transaction with it: `pool.end()` would wait for one that is kept.
    client.release(true)
  }
}

const ann: Writer = { id: 'u1', name: 'Ann', tenantId: 'app' }

describe.each(oneIn(3, MODELS))('%s', (name) => {
  let recipe: Recipe
  /** Of the log, without what the database's role is called. */
  const logOf = async (id: number) => {
    const { rows } = await pool.query(
      `select version::int, updated_by ->> 'name' as by, changed_fields as fields from noclobber.changes
        where record_id = $1 order by version`,
      [String(id)],
    )
    return rows
  }
  const titleOf = async (id: number) =>
    (await pool.query('select title from posts where id = $1', [id])).rows[0]?.title

  test('migrates in its own form', async () => {
    ;({ folder, pool, records } = await open(name))
    await createPosts(name)
    recipe = await import(join(folder, `${name}.ts`))
    await MIGRATIONS[name]?.(recipe)
    await trackTable(pool, 'posts')
    const { rows } = await pool.query(
      `select count(*)::int as n from pg_trigger where tgrelid = 'posts'::regclass`,
    )
    expect(rows[0].n).toBeGreaterThan(8)
    await records.start()
  })

  test('names the writer of its transaction', async () => {
    const id = await recipe.create('a')
    await recipe.asWriter(ann, (transaction) => recipe.rename(id, 1, 'b', transaction))
    expect(await logOf(id)).toEqual([
      { version: 1, by: expect.any(String), fields: [] },
      { version: 2, by: 'Ann', fields: ['title'] },
    ])
    // A BigInt among them would end every answer of the app's own routes.
    const rows = await recipe.prisma?.posts.findMany({ where: { id } })
    if (rows) expect(JSON.parse(JSON.stringify(rows))).toMatchObject([{ id, title: 'b' }])
  })

  test('guards by its own version, and one of two who write at once is refused', async () => {
    const id = await recipe.create('a')
    expect(await Promise.all([recipe.rename(id, 1, 'b'), recipe.rename(id, 1, 'c')])).toSatisfy(
      (passed: boolean[]) => passed.filter(Boolean).length === 1,
    )
    expect(await recipe.rename(id, 1, 'd')).toBe(false)
    const saved = await records.save('post', String(id), {
      actor: ann,
      clientVersion: 1,
      changes: { title: 'e' },
    })
    expect(saved.outcome).toBe('conflict')
    expect(await recipe.rename(id, 2, 'f')).toBe(true)
    expect(await titleOf(id)).toBe('f')
  })

  test('has the library’s save in its transaction: both or none', async () => {
    const id = await recipe.create('a')
    const count = async () => (await pool.query('select count(*)::int as n from posts')).rows[0].n
    const before = await count()
    await recipe.retitle(ann, id, 1, 'b', 'beside')
    expect([await titleOf(id), await count()]).toEqual(['b', before + 1])
    await expect(recipe.retitle(ann, id, 1, 'c', 'lost')).rejects.toMatchObject({
      problem: { code: 'stale_record' },
    })
    const tooLong = 'x'.repeat(300)
    await pool.query('alter table posts add constraint short check (length(title) < 300)')
    await expect(recipe.retitle(ann, id, 2, 'c', tooLong)).rejects.toThrow()
    expect([await titleOf(id), await count()]).toEqual(['b', before + 1])
    expect((await logOf(id)).map(({ by }) => by).at(1)).toBe('Ann')
  })

  test('leaves no transaction open', async () => {
    const open = `select left(query, 200) as query from pg_stat_activity
      where datname = current_database() and state like 'idle in transaction%'`
    await waitFor(async () => (await pool.query(open)).rowCount === 0, {
      what: 'the end of all transactions',
    })
  })
})
