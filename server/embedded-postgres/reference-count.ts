// Who uses an embedded server: each user keeps one connection with a shared advisory lock on the database `postgres`.
// A killed process lets go by dying, so the count is never wrong; whoever gets the lock alone is the last, and may end it.
import type { Client } from 'pg'
import { type Cluster, EMBEDDED_USER } from './data-dir.ts'
import { servedPort, shutDown } from './server-process.ts'

/** One user's hold on a running server. */
export interface ReferenceCount {
  client: Client
  port: number
}

/** Any constant: nothing else takes advisory locks in the database `postgres` of an embedded cluster. */
const LOCK = 20_261_121

/**
 * Takes hold of the server that runs on the cluster.
 * `absent`: none does. `busy`: one is starting or stopping, or too slow to answer; ask again.
 */
export async function acquire(cluster: Cluster): Promise<ReferenceCount | 'absent' | 'busy'> {
  const port = await servedPort(cluster)
  if (port === null) return 'absent'
  const { default: pg } = await import('pg')
  const client = new pg.Client({
    host: '127.0.0.1',
    port,
    user: EMBEDDED_USER,
    password: cluster.password,
    database: 'postgres',
    application_name: 'noclobber holder',
    connectionTimeoutMillis: 5_000,
  })
  // A server that dies under its holder is found out by whoever uses it next.
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query('select pg_advisory_lock_shared($1)', [LOCK])
    return { client, port }
  } catch (error) {
    await client.end().catch(() => {})
    return isStartingOrStopping(error) ? 'busy' : 'absent'
  }
}

/** Lets Node end although the hold is kept: for as long as nobody awaits an answer on it. */
export function rest({ client }: ReferenceCount): void {
  keepAlive(client, false)
}

/** Lets go; ends the server, and waits for its end, if nobody else holds it. */
export async function release(cluster: Cluster, { client }: ReferenceCount): Promise<void> {
  keepAlive(client, true)
  const alone = await isLast(client)
  if (alone) await shutDown(cluster)
  await client.end().catch(() => {})
  if (alone !== null) return
  // The connection was lost: the server was ended by hand, or has restarted itself.
  const again = await acquire(cluster)
  if (typeof again === 'object') await release(cluster, again)
}

/** `null` where the connection does not answer any more. */
async function isLast(client: Client): Promise<boolean | null> {
  try {
    await client.query('select pg_advisory_unlock_shared($1)', [LOCK])
    const { rows } = await client.query<{ alone: boolean }>('select pg_try_advisory_lock($1) as alone', [
      LOCK,
    ])
    return rows[0]?.alone ?? null
  } catch {
    return null
  }
}

/** Anything else means that the server behind the mark is not this cluster's: its launch will tell. */
function isStartingOrStopping(error: unknown): boolean {
  const code = (error as { code?: unknown }).code
  return code === '57P01' || code === '57P03' || code === '53300'
}

/** Whether the holder's socket alone keeps Node running; pg has `ref` and `unref`, its types do not tell. */
function keepAlive(client: Client, keep: boolean): void {
  const socket = client as unknown as { ref(): void; unref(): void }
  if (keep) socket.ref()
  else socket.unref()
}
