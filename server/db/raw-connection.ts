// A connection of our own beside the pool's.
// Invariant: what the app does to each connection of its pool (`pool.afterCreate`: SET ROLE, settings) is done to it too.
import { promisify } from 'node:util'
import type { Knex } from 'knex'

type AfterCreate = (connection: unknown, done: (error?: Error | null) => void) => void

/** Opens it; the caller closes it. */
export const openConnection = async <Connection>(knex: Knex): Promise<Connection> => {
  const { client } = knex
  const connection = await client.acquireRawConnection()
  const afterCreate: AfterCreate | undefined = client.config?.pool?.afterCreate
  if (!afterCreate) return connection
  try {
    await promisify(afterCreate)(connection)
    return connection
  } catch (error) {
    await client.destroyRawConnection(connection)
    throw error
  }
}

/** Opens one and closes it; rejects by what the database says of it. */
export const tryConnection = async (knex: Knex): Promise<void> =>
  knex.client.destroyRawConnection(await openConnection(knex))
