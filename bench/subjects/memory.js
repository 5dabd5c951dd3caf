// What a watching socket costs to keep: bytes of a server's heap for each, against sockets that are in as many rooms of
// a bare Socket.IO server. A round counts from no sockets to all of them and back.
import { withBoth } from '../both.js'
import { alternate } from '../rounds.js'

const ROUNDS = 5

export const memory = async ({ fresh, rounds, rows, scale }) => {
  const sockets = Math.ceil(2_000 * scale)
  const load = { load: 'load/idle.js', sockets }
  return withBoth({ url: await fresh(), rows, ...load }, async (sides) => {
    const perSocket = (side, records) => async () => {
      const { server, load } = sides[side]
      const before = await server.call('held', 0)
      await load.call('open', records)
      const bytes = (await server.call('held', sockets)) - before
      await load.call('close')
      return bytes / sockets
    }
    const measurements = []
    for (const records of [1, 20]) {
      const measured = await alternate(Math.min(rounds, ROUNDS), {
        ours: perSocket('ours', records),
        bare: perSocket('bare', records),
      })
      const name = `memory of a socket that watches ${records} record${records > 1 ? 's' : ''}`
      measurements.push({ name, unit: 'bytes', ...measured, target: { atMost: 1.15 } })
    }
    return measurements
  })
}
