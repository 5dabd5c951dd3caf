// What each further node costs the database: its processor time for a change while one node saves and fifteen others, with
// nobody connected to them, learn of it; against the same with the one node alone. With the option `relay`, and without.
import { setTimeout as pause } from 'node:timers/promises'
import { withChildren } from '../child.js'
import { openRedis } from '../redis.js'
import { alternate } from '../rounds.js'
import { openPool, prepareTables } from '../tables.js'

const NODES = 16
const ROWS = 1_000
/** Saves a second: so few that each is read by itself, and so many that several are read at once. */
const RATES = [20, 100]

const backendsOf = async (knex) =>
  (await knex.raw('select pid from pg_stat_activity where datname = current_database()')).rows.map(
    ({ pid }) => pid,
  )

/** Until every node has come so far. */
const allHaveRead = async (children, least) => {
  for (;;) {
    const counts = await Promise.all(children.map((child) => child.call('read')))
    if (counts.every((count) => count >= least)) return
    await pause(20)
  }
}

/** Some nodes on a database of their own, and how much of its processor time each change of the first one takes, in microseconds. */
const openSide = async ({ start, url, redisUrl, nodes, options, processorMs, ms }) => {
  await prepareTables(url, ROWS)
  const children = []
  for (let count = 0; count < nodes; count += 1)
    children.push(await start('servers/one-node.js', { url, redisUrl, options }))
  const knex = openPool(url, 1)
  let saved = 0
  return {
    measure: (perSecond) => async () => {
      const pids = await backendsOf(knex)
      const before = await processorMs(pids)
      const count = await children[0].call('saves', perSecond, 2 * ms)
      saved += count
      await allHaveRead(children, saved)
      return (((await processorMs(pids)) - before) * 1_000) / count
    },
    end: () => knex.destroy(),
  }
}

const measureNodes = ({ fresh, rounds, ms, many, redisUrl, processorMs, relay }) =>
  withChildren(async (start) => {
    const further = { start, redisUrl, processorMs, ms }
    const ours = await openSide({ ...further, url: await fresh(), nodes: many, options: { relay } })
    const bare = await openSide({ ...further, url: await fresh(), nodes: 1, options: {} })
    const measurements = []
    for (const perSecond of RATES)
      measurements.push({
        name: `database, a change with ${many} nodes${relay ? ' that relay' : ''} to one, ${perSecond} a second`,
        unit: 'µs',
        ...(await alternate(rounds, { ours: ours.measure(perSecond), bare: bare.measure(perSecond) })),
        ...(relay && { target: { atMost: 3 } }),
      })
    await ours.end()
    await bare.end()
    return measurements
  })

export const nodes = async ({ rounds, scale, ...further }) => {
  const redis = await openRedis()
  const size = { ...further, rounds: Math.min(rounds, 5), many: scale < 1 ? 2 : NODES, redisUrl: redis.url }
  try {
    return [
      ...(await measureNodes({ ...size, relay: true })),
      ...(await measureNodes({ ...size, relay: false })),
    ]
  } finally {
    await redis.close()
  }
}
