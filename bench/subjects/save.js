// The guarded save, with trigger, log and event, against a bare UPDATE that anybody may overwrite: one that answers the
// row as ours does, and one that answers no more than that it was done.
import { withBoth } from '../both.js'
import { alternate } from '../rounds.js'

export const save = async ({ fresh, rounds, ms, rows }) =>
  withBoth({ url: await fresh(), rows, load: 'load/http.js' }, async ({ ours, bare }) => {
    const measure = async (name, answersRow) => {
      await bare.server.call('answerRow', answersRow)
      const measured = await alternate(rounds, {
        ours: () => ours.load.call('saves', ms),
        bare: () => bare.load.call('saves', ms),
      })
      return { name, unit: 'saves/s', ...measured, target: { atLeast: 1 } }
    }
    return [
      await measure('guarded save, to an UPDATE … RETURNING', true),
      await measure('guarded save, to an UPDATE that answers nothing', false),
    ]
  })
