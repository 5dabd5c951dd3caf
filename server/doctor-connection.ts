// The doctor's look at the way to the database: does LISTEN arrive, do named statements last? A pooler in transaction
// mode lets neither through.
import { randomUUID } from 'node:crypto'
import type { Knex } from 'knex'
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

const hears = async (connection: RawConnection, knex: Knex, listenMs: number): Promise<boolean> => {
  const channel = `noclobber_doctor_${randomUUID().replaceAll('-', '')}`
  let timer: NodeJS.Timeout | undefined
  const heard = new Promise<boolean>((resolve) => {
    connection.on('notification', () => resolve(true))
    timer = setTimeout(() => resolve(false), listenMs)
  })
  try {
    await connection.query(`listen ${channel}`)
    await knex.raw('select pg_notify(?, ?)', [channel, ''])
    return await heard
  } catch {
    return false
  } finally {
    clearTimeout(timer)
  }
}

/** Named on one connection; then, while another one holds whatever a pooler gave to the first, once more. */
const remembers = async (connection: RawConnection, other: RawConnection): Promise<boolean> => {
  const named = { name: 'noclobber_doctor', text: 'select $1::int', values: [1] }
  try {
    await connection.query(named)
    await other.query('begin')
    await connection.query(named)
    await other.query('commit')
    return true
  } catch {
    return false
  }
}

/** What the connection can't do. */
export const connectionFindings = async (
  knex: Knex,
  { listenMs, namedStatements }: ConnectionOptions,
): Promise<Finding[]> => {
  const { client } = knex
  const findings: Finding[] = []
  const opened: RawConnection[] = []
  const open = async () => {
    const connection: RawConnection = await client.acquireRawConnection()
    connection.on('error', () => {})
    opened.push(connection)
    return connection
  }
  try {
    const connection = await open()
    if (!(await hears(connection, knex, listenMs)))
      findings.push({
        code: 'listen_impossible',
        level: 'note',
        table: null,
        message:
          'LISTEN does not get through: changes by SQL from outside arrive with the next poll, a second late.',
        advice: 'Connect to PostgreSQL directly, or through a pooler in session mode.',
      })
    if (namedStatements && !(await remembers(connection, await open())))
      findings.push({
        code: 'statements_impossible',
        level: 'problem',
        table: null,
        message: 'Prepared statements do not last: a pooler gives each transaction another connection.',
        advice:
          'Set limits.namedStatements to false, or connect directly, or let the pooler keep prepared statements.',
      })
  } finally {
    for (const connection of opened) await client.destroyRawConnection(connection)
  }
  return findings
}
