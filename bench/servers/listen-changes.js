// What an app without us does to announce whatever is committed: it is notified by PostgreSQL, reads the rows, and emits.
// So that both sides of a comparison have done the same until they emit, and waited as long for it.
import pg from 'pg'
import { openPool, TABLES } from '../tables.js'

/** Of this process alone: another server on the same database doesn't receive it. */
const CHANNEL = `plain_changes_${process.pid}`

/** @param {string} url @param {(ids: number[]) => void} onChanges Called with each transaction of `change`, after it. */
export const listenForChanges = async (url, onChanges) => {
  const knex = openPool(url)
  const listener = new pg.Client({ connectionString: url })
  await listener.connect()
  await listener.query(`listen ${CHANNEL}`)
  listener.on('notification', async ({ payload }) => {
    const rows = await knex(TABLES.bare).whereIn('id', JSON.parse(payload)).orderBy('id')
    onChanges(rows.map(({ id }) => id))
  })
  return {
    /** One transaction that changes these rows of the table that nobody tracks. */
    change: (ids) =>
      knex.transaction(async (trx) => {
        await trx(TABLES.bare)
          .whereIn('id', ids)
          .update({ notes: `Changed at ${performance.now()}.` })
        await trx.raw('select pg_notify(?, ?)', [CHANNEL, JSON.stringify(ids)])
      }),
    stop: async () => {
      await listener.end()
      await knex.destroy()
    },
  }
}
