// A reconnect storm: joins that are authorized and answered with the version, against two that do the same and authorize
// nobody: ours where the permission doesn't look at the record, and plain ones that read the versions by Knex. And, without a
// target, against bare ones that read nothing and answer what they were asked. How long a round takes is the machine's as much as
// ours: the server's time of the processor is counted too.
import { withChildren } from '../child.js'
import { alternate } from '../rounds.js'
import { prepareTables } from '../tables.js'

const RECORDS = 20
const AT_LEAST = 0.83
const AT_MOST = 1.2
const ROUNDS = 5

const SERVERS = {
  blind: ['servers/ours.js', {}],
  authorized: ['servers/ours.js', { authorizesRows: true }],
  plain: ['servers/bare.js', { readsVersions: true }],
  bare: ['servers/bare.js', {}],
}

const PAIRS = [
  ['joins authorized by the row, to ours that authorize nobody', 'authorized', 'blind'],
  ['joins authorized by the row, to plain ones that authorize nobody', 'authorized', 'plain'],
  ['joins authorized without it, to plain ones that authorize nobody', 'blind', 'plain'],
  ['joins authorized without it, to bare ones that read nothing', 'blind', 'bare'],
]

export const join = async ({ fresh, rounds, rows, scale }) => {
  const url = await fresh()
  await prepareTables(url, rows)
  const sockets = Math.ceil(2_000 * scale)
  return withChildren(async (start) => {
    const joins = {}
    for (const [name, [module, options]] of Object.entries(SERVERS)) {
      const server = await start(module, { url, ...options })
      const port = await server.call('port')
      const load = await start('load/joins.js', { port, rows, sockets, records: RECORDS })
      joins[name] = async () => {
        const before = await server.call('cpuMicros')
        const perSecond = await load.call('join')
        const micros = ((await server.call('cpuMicros')) - before) / (sockets * RECORDS)
        await load.call('leave')
        return { perSecond, micros }
      }
    }
    const measurements = []
    for (const [name, ours, bare] of PAIRS) {
      const measured = await alternate(Math.min(rounds, ROUNDS), { ours: joins[ours], bare: joins[bare] })
      const each = (figure) => ({
        ours: measured.ours.map((round) => round[figure]),
        bare: measured.bare.map((round) => round[figure]),
      })
      const isGoal = bare !== 'bare'
      measurements.push(
        { name, unit: 'joins/s', ...each('perSecond'), target: isGoal ? { atLeast: AT_LEAST } : undefined },
        {
          name: `time of the processor: ${name}`,
          unit: 'µs',
          digits: 1,
          ...each('micros'),
          target: isGoal ? { atMost: AT_MOST } : undefined,
        },
      )
    }
    return measurements
  })
}
