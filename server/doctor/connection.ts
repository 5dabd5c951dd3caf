// Checks the connection to the database: do notifications arrive, do prepared statements last? A pooler in transaction mode
// passes on neither.
import { randomUUID } from 'node:crypto'
import type { Knex } from 'knex'
import { namesLast } from '../db/prepared-statement-check.ts'
import { openConnection } from '../db/raw-connection.ts'
import { withinMs } from '../pacing/timeouts.ts'
import type { Finding } from './finding.ts'

/** pg's client as Knex opens it. */
interface RawConnection {
  query(query: object | string): Promise<unknown>
  on(event: 'notification' | 'error', listener: () => void): void
}

export interface ConnectionOptions {
  listenMs: number
  namedStatements: boolean
}

const receives = async (connection: RawConnection, knex: Knex, listenMs: number): Promise<boolean> => {
  const channel = `noclobber_doctor_${randomUUID().replaceAll('-', '')}`
  const received = new Promise<boolean>((resolve) => {
    connection.on('notification', () => resolve(true))
  })
  try {
    await connection.query(`listen ${channel}`)
    await knex.raw('select pg_catalog.pg_notify(?::pg_catalog.text, ?::pg_catalog.text)', [channel, ''])
    return await withinMs(listenMs, received, 'No notification came.')
  } catch {
    return false
  }
}

/** What the connection can't do. */
export const connectionFindings = async (
  knex: Knex,
  { listenMs, namedStatements }: ConnectionOptions,
): Promise<Finding[]> => {
  const findings: Finding[] = []
  const connection: RawConnection = await openConnection(knex)
  // What is asked next finds out that it was lost.
  connection.on('error', () => {})
  try {
    if (!(await receives(connection, knex, listenMs)))
      findings.push({
        code: 'listen_impossible',
        level: 'note',
        table: null,
        message:
          'LISTEN does not get through: changes by SQL from outside arrive with the next poll, a second late.',
        advice: 'Connect to PostgreSQL directly, or through a pooler in session mode.',
      })
  } finally {
    await knex.client.destroyRawConnection(connection)
  }
  if (namedStatements && !(await namesLast(knex)))
    findings.push({
      code: 'statements_impossible',
      level: 'note',
      table: null,
      message:
        'Prepared statements do not last: a pooler gives each transaction another connection. Servers do without, and each save is dearer.',
      advice:
        'Let the pooler keep prepared statements (PgBouncer 1.21 and later: max_prepared_statements), connect directly, or set limits.namedStatements to false and be content.',
    })
  return findings
}
