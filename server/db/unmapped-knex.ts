// A Knex whose mappers of names and rows (`wrapIdentifier`, `postProcessResponse`) are the app's own affair.
// Invariant: what is asked here is asked on the same connections and in the same transactions, and answered as pg answers it.
import type { Knex } from 'knex'
import type { PgClient } from '../base/pg.ts'

/** Sends what `knex.raw` takes on a client, as pg answers it. */
type RawOn = (client: PgClient) => (text: string, bindings?: unknown) => Promise<unknown>

/** The same Knex where it maps nothing. */
export const unmapped = (knex: Knex, rawOn: RawOn): Knex => {
  const { config } = knex.client
  if (!config?.wrapIdentifier && !config?.postProcessResponse) return knex
  const own = {
    raw: async (text: string, bindings?: unknown) => {
      const connection = await knex.client.acquireConnection()
      try {
        return await rawOn(connection)(text, bindings)
      } finally {
        await knex.client.releaseConnection(connection)
      }
    },
    transaction: <T>(work: (transaction: Knex) => Promise<T>, config?: Knex.TransactionConfig) =>
      knex.transaction((transaction) => work(unmapped(transaction, rawOn)), config),
  }
  return new Proxy(knex, {
    get: (target, name) => (Object.hasOwn(own, name) ? Reflect.get(own, name) : Reflect.get(target, name)),
    // Knex's migrations send mapped names.
    has: (target, name) => name !== 'migrate' && Reflect.has(target, name),
  })
}
