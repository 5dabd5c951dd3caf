// SQL by hand: a connection that is none of the toolkit's.
import pg from 'pg'
import { atEnd } from './at-end.ts'

/** A pool that is closed at the end of the file. */
export function openPool(url: string): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max: 4 })
  pool.on('error', () => {})
  atEnd(() => pool.end())
  return pool
}
