// SQL by hand: a connection that is none of the toolkit's.
import type { Knex } from 'knex'
import pg from 'pg'
import { atEnd } from './at-end.ts'

/** A pool that is closed at the end of the file. */
export function openPool(url: string): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max: 4 })
  pool.on('error', () => {})
  atEnd(() => pool.end())
  return pool
}

/** The server's major version: what its SQL can say. */
export const majorVersion = async (knex: Knex): Promise<number> =>
  Math.floor((await knex.raw('show server_version_num')).rows[0].server_version_num / 10_000)
