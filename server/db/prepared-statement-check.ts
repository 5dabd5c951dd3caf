// Do named (prepared) statements last on the way to this database? A pooler in transaction mode gives each transaction
// another connection, and few poolers carry names along.
import { randomUUID } from 'node:crypto'
import type { Knex } from 'knex'
import { withinMs } from '../pacing/timeouts.ts'
import { openConnection } from './raw-connection.ts'

/** pg's client as Knex opens it. */
interface RawConnection {
  query(query: object): Promise<{ rows: { pid: number }[] }>
  on(event: 'error', listener: () => void): void
  /** The process that serves the connection, as the server announced it. */
  processID: number | null
}

/** A pooler whose connections are all taken lets us wait; what can't be found out is taken as a yes. */
const ANSWER_MS = 3_000

/** Most poolers give what was used last, so that the first round decides; beside others' traffic it may take a few. */
const ROUNDS = 8

/** Two connections use one name: a pooler that mixes them up says that it is there already, or not there. */
const askInTurn = async (connection: RawConnection, open: () => Promise<RawConnection>): Promise<boolean> => {
  const text = 'select pg_backend_pid() as pid'
  const { rows } = await connection.query({ text })
  if (rows[0]?.pid === connection.processID) return true
  const other = await open()
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      const named = { name: `noclobber_${randomUUID()}`, text }
      for (const one of [connection, other, connection]) await one.query(named)
    }
    return true
  } catch {
    return false
  }
}

/** Opens a connection for it, and behind a pooler two. */
export const namesLast = async (knex: Knex): Promise<boolean> => {
  const { client } = knex
  const opened: RawConnection[] = []
  const open = async () => {
    const connection: RawConnection = await openConnection(knex)
    // What is asked next finds out that it was lost.
    connection.on('error', () => {})
    opened.push(connection)
    return connection
  }
  const closeAll = async () => {
    for (const connection of opened.splice(0)) await client.destroyRawConnection(connection)
  }
  const asked = open()
    .then((connection) => askInTurn(connection, open))
    .catch(() => true)
  const answer = await withinMs(ANSWER_MS, asked, 'No answer.').catch(() => true)
  // Nobody waits for the end of a connection that does not answer.
  asked.then(closeAll).catch(() => {})
  return answer
}
