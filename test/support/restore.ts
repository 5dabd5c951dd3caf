// A database as pg_dump and pg_restore carry it into a new cluster: the same tables, rows and sequences, triggers silent
// while the rows go in; another system identifier and transaction ids that begin anew. In plain SQL, since no package
// brings a pg_dump of the server's version.
import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import createKnex from 'knex'
import pg from 'pg'
import { startEmbeddedPostgres } from '../../server/embedded-postgres/index.ts'
import { atEnd } from './at-end.ts'

/** A second PostgreSQL, with a data folder of its own; it ends with the test file. */
export const startAnotherCluster = async (): Promise<{ url: string }> => {
  const dataDir = join(tmpdir(), `noclobber_test_cluster_${randomBytes(6).toString('hex')}`)
  const { url, stop } = await startEmbeddedPostgres({ dataDir, durable: false })
  atEnd(async () => {
    await stop()
    await rm(dataDir, { recursive: true, force: true })
  })
  return { url }
}

const TABLES = `select format('%I.%I', schemaname, tablename) as name from pg_tables
  where schemaname in ('public', 'noclobber') and tablename not like 'noclobber_migrations%' order by 1`
const SEQUENCES = `select format('%I.%I', schemaname, sequencename) as name, last_value from pg_sequences
  where schemaname in ('public', 'noclobber') and last_value is not null`

const connect = async (url: string) => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return client
}

/** Fills a database that has the same schema already with all that `from` holds. */
export const restoreInto = async (from: string, to: string): Promise<void> => {
  const [source, target] = await Promise.all([connect(from), connect(to)])
  await target.query(`set session_replication_role = replica`)
  for (const { name } of (await source.query(TABLES)).rows) {
    const { rows } = await source.query({ text: `select t::text from ${name} t`, rowMode: 'array' })
    await target.query(`delete from ${name}`)
    const columns = await target.query(
      `select string_agg(format('%I', attname), ', ' order by attnum) as list,
         string_agg(format('(r.r).%I', attname), ', ' order by attnum) as taken
       from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped`,
      [name],
    )
    const { list, taken } = columns.rows[0]
    await target.query(
      `insert into ${name} (${list}) overriding system value select ${taken} from (select u::${name} as r from unnest($1::text[]) u) r`,
      [rows.flat()],
    )
  }
  for (const { name, last_value: value } of (await source.query(SEQUENCES)).rows)
    await target.query('select setval($1::regclass, $2)', [name, value])
  await Promise.all([source.end(), target.end()])
}

/** Sends statements as Knex does, for migrations. */
export const withKnex = async <T>(url: string, use: (knex: createKnex.Knex) => Promise<T>): Promise<T> => {
  const knex = createKnex({ client: 'pg', connection: url, pool: { min: 0, max: 2 } })
  return use(knex).finally(() => knex.destroy())
}
