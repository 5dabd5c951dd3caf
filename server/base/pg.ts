// The parts of the driver `pg` that an app hands over where it has no Knex.
import type { Knex } from 'knex'

/** A connected client of `pg`, by the part that is used: of a pool, or one of its own. */
export interface PgClient {
  /** `pg`'s own, of a text or of `{ name, text, values }`. */
  // biome-ignore lint/suspicious/noExplicitAny: overloaded by pg
  query(...query: any[]): any
}

/** A pool of `pg`, by the part that is used. */
export interface PgPool extends PgClient {
  /** Gives a client that is handed back by its `release()`. */
  // biome-ignore lint/suspicious/noExplicitAny: a client with more than is used here
  connect(): Promise<any>
  /** Listens to `error` of idle clients, so that a lost database ends no process. */
  // biome-ignore lint/suspicious/noExplicitAny: overloaded by pg
  on(event: any, listener: (...about: any[]) => void): unknown
  /** Connections that are open. */
  readonly totalCount: number
  /** Of these, those that wait for work. */
  readonly idleCount: number
  /** Callers that wait for a connection. */
  readonly waitingCount: number
}

/** A transaction of the app's own: of Knex, or the connected client of `pg` that it runs on. */
export type Transaction = Knex.Transaction | PgClient
