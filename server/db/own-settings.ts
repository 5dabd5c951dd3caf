// Settings for a transaction of ours that serves no person: what a role sets for short requests of an app doesn't end it.
// Invariant: they end with the transaction, and none is set in a caller's.
import type { Knex } from 'knex'
import { acquireIdle, transactionOn } from './left-open.ts'
import { type Statement, send, statement } from './statement.ts'

/** `transaction_timeout` is of PostgreSQL 17. */
const settingsOf = (values: string): string =>
  `select pg_catalog.set_config(s.name, w.value, true) from pg_catalog.pg_settings s, (values ${values}) w(name, value) where s.name = w.name`

const NO_END = `('idle_in_transaction_session_timeout', '0'), ('transaction_timeout', '0')`

/** The transaction lasts as long as its work. */
export const STAY = settingsOf(NO_END)

/** Statements over the catalogue are estimated dear and read little: compiling one takes a hundred times as long as running it. */
const PLAIN = `('jit', 'off')`

/** For the doctor, whose statements may be ended by the role's `statement_timeout`. */
export const LOOK = settingsOf(`${NO_END}, ${PLAIN}`)

/** A node can't serve without what it asks; `statement_timeout` is in milliseconds. */
const LEAST_MS = 10_000
const START = statement(
  `${settingsOf(`${NO_END}, ${PLAIN}, ('statement_timeout', '${LEAST_MS}')`)}
and case s.name when 'statement_timeout' then s.setting::bigint between 1 and ${LEAST_MS} else true end`,
)

/** Asks the catalogue in a transaction of its own; in a caller's as it is. */
export const askCatalogue = async (knex: Knex, query: Statement, values: unknown[]) => {
  const ask = (connection: Knex) => send(connection, query, values, { named: false })
  if (knex.isTransaction) return ask(knex)
  const connection = await acquireIdle(knex)
  try {
    return await transactionOn(knex, connection, async (transaction) => {
      await send(transaction, START, [], { named: false })
      return ask(transaction)
    })
  } finally {
    await knex.client.releaseConnection(connection)
  }
}
