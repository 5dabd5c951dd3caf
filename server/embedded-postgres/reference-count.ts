// Who uses an embedded server: each user keeps one connection with a shared advisory lock on the database `postgres`.
// A killed process releases by dying, so the count is never wrong; a process that gets the lock alone is the last, and may end it.
import type { Client } from 'pg'
import type { Cluster } from './data-dir.ts'
import { keepNext, passwordOf, passwordsOf, renewPassword } from './password.ts'
import { connectByScram, NotOurServer } from './scram-client.ts'
import { servedPort, shutDown } from './server-process.ts'

const WRONG_PASSWORD = '28P01'

/** One user's hold on a running server. */
export interface ReferenceCount {
  client: Client
  port: number
  password: string
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
  let client: Client | null = null
  try {
    const { client: found, password } = await connect(cluster, port)
    client = found
    await client.query('select pg_advisory_lock_shared($1)', [LOCK])
    const { rows } = await client.query('show data_directory')
    if (rows[0]?.data_directory !== cluster.dir) throw new NotOurServer('It serves another folder.')
    // It may have been renewed between the connection and the lock.
    if ((await passwordOf(cluster)) === password) return { client, port, password }
    await client.end()
    return 'busy'
  } catch (error) {
    // Why matters, not how the connection ended.
    await client?.end().catch(() => {})
    return isStartingOrStopping(error) ? 'busy' : 'absent'
  }
}

/** By the password of the file, or by the next one where its maker was killed before it could say so. */
async function connect(cluster: Cluster, port: number): Promise<{ client: Client; password: string }> {
  const [password = '', next] = await passwordsOf(cluster)
  try {
    return { client: await connectByScram(port, password), password }
  } catch (error) {
    if ((error as { code?: unknown }).code !== WRONG_PASSWORD || next === undefined) throw error
    const client = await connectByScram(port, next)
    if ((await passwordOf(cluster)) === password) await keepNext(cluster)
    return { client, password: next }
  }
}

/** Gives a server that was just started a new password; one that somebody else holds already keeps its own. */
export async function renew(cluster: Cluster, reference: ReferenceCount): Promise<void> {
  const { client } = reference
  const { rows } = await client.query('select pg_try_advisory_lock($1) as alone', [LOCK])
  if (!rows[0]?.alone) return
  reference.password = await renewPassword(cluster, client)
  await client.query('select pg_advisory_unlock($1)', [LOCK])
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
  // The server may have ended before it.
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

/** Anything else means that the server behind the mark is not this cluster's: its launch will show it. */
function isStartingOrStopping(error: unknown): boolean {
  const code = (error as { code?: unknown }).code
  return code === WRONG_PASSWORD || code === '57P01' || code === '57P03' || code === '53300'
}

/** Whether the reference's socket alone keeps Node running; pg has `ref` and `unref`, its types lack them. */
function keepAlive(client: Client, keep: boolean): void {
  const socket = client as unknown as { ref(): void; unref(): void }
  if (keep) socket.ref()
  else socket.unref()
}
