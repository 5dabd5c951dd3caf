// The secret that nodes of one database share, for their messages to each other.
// Invariant: it comes out of the database, to the server's role alone. Access to Redis doesn't give it.
import { createHash, hkdfSync } from 'node:crypto'
import { statement } from '../db/statement.ts'
import type { Database } from '../tables/database.ts'

/** What nodes of one database share, and others don't. */
export interface NodeKey {
  key: Buffer
  /** Names the database's channel; says nothing about the key. */
  name: string
}

/** A copy of a database is another database: its nodes must not receive messages of the first. */
const SECRET = statement(`
select encode(k.secret, 'hex') as secret, pg_catalog.concat_ws('-', c.system_identifier, d.oid) as database
from noclobber.cursor_key k, pg_control_system() c, pg_database d where d.datname = current_database()`)

/** @throws where there is no secret, or the role may not read it. */
export const readNodeKey = async (database: Pick<Database, 'send'>): Promise<NodeKey> => {
  const [row] = await database.send(SECRET, [])
  if (!row) throw new Error('There is no row in noclobber.cursor_key.')
  const secret = Buffer.from(row.secret, 'hex')
  const key = Buffer.from(hkdfSync('sha256', secret, row.database, 'noclobber nodes', 32))
  return { key, name: createHash('sha256').update('name').update(key).digest('hex').slice(0, 16) }
}
