// What trigger and log cost the database: the same UPDATE of a tracked table and of its untracked twin.
import { openDatabases } from '../database.js'
import { NODE_SETTING } from '../node-setting.js'
import { alternate } from '../rounds.js'
import { openPool, prepareTables, TABLES } from '../tables.js'

const CONNECTIONS = 8
const BULK_ROWS = 50_000

/** Updates of one row, a second, over a few connections. */
const singles = async (knex, table, rows, ms) => {
  const update = {
    name: `bench_${table}`,
    text: `update ${table} set name = $2, status = $3, budget = $4 where id = $1 and tenant_id = 'acme'`,
  }
  const begun = performance.now()
  let count = 0
  const work = async () => {
    const connection = await knex.client.acquireConnection()
    await connection.query(`select set_config('noclobber.actor', ${NODE_SETTING}, false)`)
    while (performance.now() - begun < ms) {
      count += 1
      const id = 1 + Math.floor(Math.random() * rows)
      await connection.query({
        ...update,
        values: [id, `Edit ${count}`, ['planned', 'done'][count % 2], (count % 10_000) + 0.25],
      })
    }
    await knex.client.releaseConnection(connection)
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, work))
  return (count * 1_000) / (performance.now() - begun)
}

/** Milliseconds for one UPDATE of all rows, on tables as they are after a vacuum. */
const bulk = async (knex, table, round) => {
  await knex.raw('truncate noclobber.record_changes, noclobber.change_batches')
  await knex.raw('vacuum full analyze ??', [table])
  await knex.raw('checkpoint')
  const begun = performance.now()
  await knex.raw('update ?? set status = ?, notes = ?', [table, `round ${round}`, `Noted ${round}.`])
  return performance.now() - begun
}

export const trigger = async ({ fresh, rounds, ms, rows, scale }) => {
  const url = await fresh()
  await prepareTables(url, rows)
  const knex = openPool(url, CONNECTIONS)
  try {
    return [
      {
        name: 'trigger and log, single rows',
        unit: 'updates/s',
        ...(await alternate(rounds, {
          ours: () => singles(knex, TABLES.ours, rows, ms / 2),
          bare: () => singles(knex, TABLES.bare, rows, ms / 2),
        })),
        target: { atLeast: 0.5 },
      },
      ...(await bulkMeasurements(fresh, { rounds: Math.min(rounds, 7), rows: Math.ceil(BULK_ROWS * scale) })),
    ]
  } finally {
    await knex.destroy()
  }
}

/** On a server that writes to its disk, as those do that people's data are on; and on one that does not. */
const bulkMeasurements = async (fresh, size) => {
  const durable = await openDatabases({ durable: true })
  try {
    const url = await durable.fresh()
    return [
      { ...(await bulkMeasurement(url, 'with fsync', size)), target: { atMost: 2 } },
      await bulkMeasurement(await fresh(), 'without', size),
    ]
  } finally {
    await durable.close()
  }
}

const bulkMeasurement = async (url, how, { rounds, rows }) => {
  await prepareTables(url, rows)
  const knex = openPool(url, 1)
  let round = 0
  const timed = (table) => () => {
    round += 1
    return bulk(knex, table, round)
  }
  try {
    const measured = await alternate(rounds, { ours: timed(TABLES.ours), bare: timed(TABLES.bare) })
    return { name: `${rows.toLocaleString('en')} rows in one UPDATE, ${how}`, unit: 'ms', ...measured }
  } finally {
    await knex.destroy()
  }
}
