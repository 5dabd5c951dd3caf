// The parts of the driver `pg` that an app hands over where it has no Knex.
import type { Knex } from 'knex'

/** A connected client of `pg`, by the part that is used: of a pool, or one of its own. */
export interface PgClient {
  // biome-ignore lint/suspicious/noExplicitAny: overloaded by pg
  query(...query: any[]): any
}

/** A pool of `pg`, by the part that is used. */
export interface PgPool extends PgClient {
  // biome-ignore lint/suspicious/noExplicitAny: a client with more than is used here
  connect(): Promise<any>
  // biome-ignore lint/suspicious/noExplicitAny: overloaded by pg
  on(event: any, listener: (...about: any[]) => void): unknown
  readonly totalCount: number
  readonly idleCount: number
  readonly waitingCount: number
}

/** A transaction of the app's own: of Knex, or the connected client of `pg` that it runs on. */
export type Transaction = Knex.Transaction | PgClient
