// Asking whether a record is still at a version: one by one with a body or a 304, and 200 at a time, against a bare
// SELECT by key for each.
import { withBoth } from '../both.js'
import { alternate } from '../rounds.js'

const BATCH = 200

export const poll = async ({ fresh, rounds, ms, rows }) =>
  withBoth({ url: await fresh(), rows, load: 'load/http.js' }, async ({ ours, bare }) => {
    const against = (work) => alternate(rounds, { ours: work, bare: () => bare.load.call('polls', ms / 2) })
    return [
      {
        name: 'version poll, 200',
        unit: 'polls/s',
        ...(await against(() => ours.load.call('polls', ms / 2))),
        target: { atLeast: 1 },
      },
      {
        name: 'version poll, 304',
        unit: 'polls/s',
        ...(await against(() => ours.load.call('freshPolls', ms / 2))),
        target: { atLeast: 1.4 },
      },
      {
        name: `versions of ${BATCH} at once`,
        unit: 'ids/s',
        ...(await against(async () => BATCH * (await ours.load.call('batches', ms / 2, BATCH)))),
        target: { atLeast: 80 },
      },
    ]
  })
