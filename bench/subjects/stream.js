// Changes on their way to many event streams, each of whose readers may be sent them or not, against a bare loop that writes
// a pre-built text to as many open answers. From the first event to the last. What one read of the log brings is written
// to a stream at once; a bare loop writes each.
import { startChild } from '../child.js'
import { alternate } from '../rounds.js'
import { prepareTables } from '../tables.js'

const MOST_CHANGES = 20

const measure = async (url, { rounds, readers, changes }) => {
  const ids = Array.from({ length: changes }, (_, at) => at + 1)
  const server = await startChild('servers/streams.js', { url })
  const audience = await startChild('load/readers.js', {
    port: await server.call('port'),
    readers,
    ids,
  })
  const round = (how) => async () => {
    await audience.call('listen')
    await server.call(how, ids)
    return audience.call('spread')
  }
  try {
    const measured = await alternate(rounds, { ours: round('change'), bare: round('loop') })
    const name = `${changes} ${changes === 1 ? 'change' : 'changes'} to ${readers.toLocaleString('en')} streams`
    return { name, unit: 'ms', digits: 1, ...measured, target: { atMost: 1.15 } }
  } finally {
    await audience.stop()
    await server.stop()
  }
}

export const stream = async ({ fresh, rounds, scale }) => {
  const url = await fresh()
  await prepareTables(url, MOST_CHANGES)
  const measurements = []
  for (const [changes, readers] of [
    [1, 1_000],
    [MOST_CHANGES, 100],
    [MOST_CHANGES, 1_000],
  ])
    measurements.push(await measure(url, { rounds, readers: Math.ceil(readers * scale), changes }))
  return measurements
}
