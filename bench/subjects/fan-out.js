// Changes on their way to many watchers, each of whom may be told or not, against bare room emits to the same sockets.
// From the first event to the last: what comes before it, the feed's read, is measured elsewhere.
import { startChild } from '../child.js'
import { alternate } from '../rounds.js'
import { prepareTables } from '../tables.js'

const IDS = Array.from({ length: 20 }, (_, at) => at + 1)

const measure = async (url, { rounds, sockets }) => {
  const server = await startChild('servers/ours.js', { url })
  const audience = await startChild('load/audience.js', {
    port: await server.call('port'),
    sockets,
    ids: IDS,
  })
  const round = (how) => async () => {
    await audience.call('listen')
    await server.call(how, IDS)
    return audience.call('spread')
  }
  try {
    const measured = await alternate(rounds, { ours: round('change'), bare: round('emit') })
    const name = `${IDS.length} changes to ${sockets.toLocaleString('en')} watchers each`
    return { name, unit: 'ms', digits: 1, ...measured, target: { atMost: 1.15 } }
  } finally {
    await audience.stop()
    await server.stop()
  }
}

export const fanOut = async ({ fresh, rounds, scale }) => {
  const url = await fresh()
  await prepareTables(url, IDS.length)
  const measurements = []
  for (const watchers of [100, 1_000])
    measurements.push(await measure(url, { rounds, sockets: Math.ceil(watchers * scale) }))
  return measurements
}
