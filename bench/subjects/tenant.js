// What one tenant pays for all others: a list's delta and the change feed of a tenant in which nothing has changed, while 1,000
// others have changed very much since its cursor, against the same with a cursor behind which there is nothing.
import { startChild } from '../child.js'
import { openConnection } from '../load/connection.js'
import { NODE_SETTING } from '../node-setting.js'
import { alternate } from '../rounds.js'
import { openPool, prepareTables, TABLES, TENANT } from '../tables.js'

const FOREIGN = 30_000
const TENANTS = 1_000
/** The quiet tenant's rows; all others are foreign. */
const OWN = 100
const REQUESTS = 50

/** Changes one by one, each in a transaction of its own, by a node that wakes nobody. */
const writeForeign = (knex, rows, count) =>
  knex.raw(`do $$ begin
    for n in 1..${count} loop
      perform set_config('noclobber.actor', ${NODE_SETTING}, true);
      update ${TABLES.ours} set name = 'Edit ' || clock_timestamp() where id = ${OWN} + 1 + (n * 37) % ${rows - OWN};
      commit;
    end loop;
  end $$`)

export const tenant = async ({ fresh, rounds, rows, scale }) => {
  const url = await fresh()
  await prepareTables(url, rows)
  const knex = openPool(url, 2)
  const foreign = Math.ceil(FOREIGN * scale)
  await knex.raw(`update ${TABLES.ours} set tenant_id = ? || id % ${TENANTS} where id > ${OWN}`, [
    `not ${TENANT} `,
  ])
  const server = await startChild('servers/ours.js', { url })
  const connection = await openConnection(await server.call('port'))
  const get = async (path) => {
    const { status, body } = await connection.send('GET', `/api/v1${path}`)
    if (status !== 200) throw new Error(`${status}: ${body}`)
    return JSON.parse(body)
  }
  /** Milliseconds of an answer that holds nothing. */
  const timed = (path) => async () => {
    const begun = performance.now()
    for (let count = 0; count < REQUESTS; count += 1) {
      const { data, more } = await get(path)
      if (data.length > 0 || more) throw new Error(`${path} is not empty.`)
    }
    return (performance.now() - begun) / REQUESTS
  }
  const measure = async (name, path, before) => ({
    name,
    unit: 'ms',
    digits: 2,
    ...(await alternate(rounds, {
      ours: timed(path(before)),
      bare: timed(path((await get('/changes')).cursor)),
    })),
    target: { atMost: 1.5 },
  })
  try {
    const { cursor: before } = await get('/changes')
    await writeForeign(knex, rows, foreign)
    const since = `${foreign.toLocaleString('en')} foreign changes since, to none`
    return [
      await measure(`delta of a list, ${since}`, (cursor) => `/records/project?cursor=${cursor}`, before),
      await measure(`change feed, ${since}`, (cursor) => `/changes?cursor=${cursor}`, before),
    ]
  } finally {
    connection.close()
    await server.stop()
    await knex.destroy()
  }
}
