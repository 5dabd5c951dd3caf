// A database of its own for each test file or test, on its worker's PostgreSQL. It is dropped when the file is done.
// A file that imports this is held to it: databases are made from a template that the change log is already in.
import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import knex, { type Knex } from 'knex'
import pg from 'pg'
import { inject } from 'vitest'
import { migrate } from '../../migrations/index.ts'
import { atLast } from './at-end.ts'

/** A superuser's URL of the PostgreSQL of this worker, on which no other file is at work. */
export const postgresUrl = (): string => {
  const url = inject('postgresUrls')[Number(process.env.VITEST_POOL_ID) - 1]
  if (url === undefined) throw new Error(`Worker ${process.env.VITEST_POOL_ID} has no PostgreSQL.`)
  return url
}

/** A database that nobody else uses. */
export interface FreshDatabase {
  url: string
  name: string
  /** Cuts open connections. Called by itself at the end of the file. */
  drop(): Promise<void>
}

/** Tables that many files begin with, made once on each server. */
export interface TestTables {
  /** Two of one name are the same. */
  name: string
  make(connection: Knex): Promise<unknown>
}

const CHANGE_LOG: TestTables = { name: 'log', make: (connection) => migrate(connection) }

/** Makes a database, in some 30 ms. `migrated: false`: an empty one, without the change log. `tables`: with these beside the log. */
export async function freshDatabase({
  migrated = true,
  tables,
  ownConnection = true,
}: {
  migrated?: boolean
  tables?: TestTables
  /** `false`: the caller sends {@link GO_ON} over a connection that it has anyway. */
  ownConnection?: boolean
} = {}): Promise<FreshDatabase> {
  const name = `${inject('databasePrefix')}_${randomBytes(6).toString('hex')}`
  await asAdmin(async (client) => {
    const log = migrated ? await templateDatabase(client, CHANGE_LOG) : 'template1'
    const template = tables ? await templateDatabase(client, tables, log) : log
    await createDatabase(client, name, template)
    if (tables && ownConnection) await withClient(urlOf(name), (own) => own.query(GO_ON))
  })
  let isThere = true
  const database: FreshDatabase = {
    url: urlOf(name),
    name,
    drop: async () => {
      if (!isThere) return
      isThere = false
      await asAdmin((client) => dropDatabase(client, name))
    },
  }
  atLast(database.drop)
  return database
}

/** The copy of a database has another history, whose versions begin above a floor: in this one they begin as in its template. */
export const GO_ON = `update noclobber.version_floors set made_in = pg_current_xact_id()::xid,
  database = (select oid from pg_database where datname = current_database())`

/** By copying files: page by page through the log, PostgreSQL's default, takes five times as much of the processor. */
async function createDatabase(client: pg.Client, name: string, template: string): Promise<void> {
  const { rows } = await client.query(
    `select current_setting('server_version_num')::int >= 150000 as "hasChoice"`,
  )
  const strategy = rows[0].hasChoice ? 'strategy file_copy' : ''
  await client.query(`create database ${name} template ${template} ${strategy}`)
}

/** Connections that are being closed are waited for: one that is cut meanwhile is an error that nobody listens to. Others are cut. */
async function dropDatabase(client: pg.Client, name: string): Promise<void> {
  const isInUse = async () =>
    (await client.query('select from pg_stat_activity where datname = $1', [name])).rowCount !== 0
  for (let tries = 0; tries < 10 && (await isInUse()); tries += 1) await pause(20)
  await client.query(`drop database if exists ${name} with (force)`)
}

/** Any constant: files that run at once make the template one after the other. */
const TEMPLATE_LOCK = 77_120

async function templateDatabase(
  client: pg.Client,
  { name: what, make }: TestTables,
  from = 'template1',
): Promise<string> {
  const name = `${inject('databasePrefix')}_template_${what}`
  await client.query('select pg_advisory_lock($1)', [TEMPLATE_LOCK])
  try {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [name])
    if (rowCount === 0) {
      await createDatabase(client, `${name}_new`, from)
      const connection = knex({ client: 'pg', connection: urlOf(`${name}_new`) })
      await make(connection).finally(() => connection.destroy())
      await client.query(`alter database ${name}_new rename to ${name}`)
    }
    return name
  } finally {
    await client.query('select pg_advisory_unlock($1)', [TEMPLATE_LOCK])
  }
}

async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}

/** The connection of this worker that makes databases and drops them: a process of PostgreSQL for each costs more than the rest of it. */
let admin: Promise<pg.Client> | undefined
/** One after the other, as a lock of one session is no lock between two of its statements. */
let last: Promise<unknown> = Promise.resolve()

function asAdmin<T>(use: (client: pg.Client) => Promise<T>): Promise<T> {
  const done = last.then(async () => {
    admin ??= connectAdmin()
    return use(await admin)
  })
  last = done.catch(() => {})
  return done
}

async function connectAdmin(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: postgresUrl() })
  client.on('error', () => {})
  client.on('end', () => {
    admin = undefined
  })
  await client.connect()
  return client
}

function urlOf(database: string): string {
  const url = new URL(postgresUrl())
  url.pathname = `/${database}`
  return url.href
}
