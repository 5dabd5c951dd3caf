// Changes on their way to many watchers, each of whom may be sent them or not, against bare room emits to as many sockets, and
// against a loop over bare WebSockets that writes each of them a frame built once.
// From the server's turning to the room until those who listen have received, the room's last among them. Before it all have
// waited for a transaction, been notified and read the row: who listens has slept as long on both sides, and what that
// way costs is measured elsewhere.
import { startChild } from '../child.js'
import { alternate, median } from '../rounds.js'
import { prepareTables } from '../tables.js'

const IDS = Array.from({ length: 20 }, (_, at) => at + 1)
const ROUNDS = 7
/** One change takes a few milliseconds, of which a turn on the core may be most: the middle of so many counts as one. */
const TIMES = 9

/** The sockets of one server; a round sends them so many changes. */
const gather = async (module, { url, sockets, ...further }) => {
  const server = await startChild(module, { url })
  const port = await server.call('port')
  const audience = await startChild('load/audience.js', { port, sockets, ids: IDS, ...further })
  return {
    round: (how, changes) => async () => {
      const times = []
      while (times.length < (changes === 1 ? TIMES : 1)) {
        await audience.call('listen', changes)
        await server.call('begin')
        await server.call(how, IDS.slice(0, changes))
        const receivedAt = await audience.call('receivedAt')
        times.push(receivedAt - (await server.call('begunAt')))
      }
      return median(times)
    },
    stop: async () => {
      await audience.stop()
      await server.stop()
    },
  }
}

const measure = async (url, { rounds, sockets }) => {
  const ours = await gather('servers/ours.js', { url, sockets })
  const raw = await gather('servers/raw.js', { url, sockets, isPlain: true })
  const measurements = []
  try {
    for (const changes of [1, IDS.length]) {
      const what = `${changes} ${changes === 1 ? 'change' : 'changes'} to ${sockets.toLocaleString('en')} watchers`
      for (const [name, bare, atMost] of [
        [`${what}, to a room’s emit`, ours.round('emit', changes), 1],
        [`${what}, to a loop of ws`, raw.round('emit', changes), 1.2],
      ]) {
        const measured = await alternate(Math.min(rounds, ROUNDS), {
          ours: ours.round('change', changes),
          bare,
        })
        measurements.push({ name, unit: 'ms', digits: 1, ...measured, target: { atMost } })
      }
    }
  } finally {
    await ours.stop()
    await raw.stop()
  }
  return measurements
}

export const fanOut = async ({ fresh, rounds, scale, variants }) => {
  const url = await fresh()
  await prepareTables(url, IDS.length)
  const measurements = []
  for (const watchers of [100, 1_000, 5_000].slice(0, variants))
    measurements.push(...(await measure(url, { rounds, sockets: Math.ceil(watchers * scale) })))
  return measurements
}
