// A herd that comes back: joins that are authorized and answered with the version, against joins that nobody asks about.
import { withBoth } from '../both.js'
import { alternate } from '../rounds.js'

const RECORDS = 20

export const join = async ({ fresh, rounds, rows, scale }) => {
  const load = { load: 'load/joins.js', sockets: Math.ceil(300 * scale), records: RECORDS }
  return withBoth({ url: await fresh(), rows, ...load }, async ({ ours, bare }) => {
    const measured = await alternate(rounds, {
      ours: () => ours.load.call('joins'),
      bare: () => bare.load.call('joins'),
    })
    return [
      { name: `joins, ${RECORDS} records a socket, to unauthorized ones`, unit: 'joins/s', ...measured },
    ]
  })
}
