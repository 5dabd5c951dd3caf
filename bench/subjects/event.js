// From sending a save to the event at another client, against an UPDATE followed by a room's emit in the same process.
import { withBoth } from '../both.js'
import { alternate, percentile } from '../rounds.js'

const PER_SECOND = 200

export const event = async ({ fresh, rounds, ms, rows, scale }) => {
  const load = { load: 'load/watchers.js', sockets: 100, watched: Math.ceil(1_000 * scale), watchersEach: 5 }
  return withBoth({ url: await fresh(), rows, ...load }, async ({ ours, bare }) => {
    await bare.server.call('emit')
    const tails = { ours: [], bare: [] }
    const round = (side, children) => async () => {
      const delays = await children.load.call('delays', ms, PER_SECOND)
      tails[side].push(percentile(delays, 0.99))
      return percentile(delays, 0.5)
    }
    const measured = await alternate(rounds, { ours: round('ours', ours), bare: round('bare', bare) })
    for (const side of ['ours', 'bare']) tails[side].shift()
    return [
      { name: 'save → event, p50', unit: 'ms', digits: 2, ...measured, target: { atMost: 1.3 } },
      { name: 'save → event, p99', unit: 'ms', digits: 2, ...tails },
    ]
  })
}
