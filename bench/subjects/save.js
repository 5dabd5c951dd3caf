// The guarded save, with trigger, log and event, against a bare UPDATE that anybody may overwrite: one that answers the
// row as ours does, and one that answers no more than that it was done. By the router's route, and by a route of the app's own
// that calls `records.save`.
import { withBoth } from '../both.js'
import { alternate } from '../rounds.js'

export const save = async ({ fresh, rounds, ms, rows }) =>
  withBoth({ url: await fresh(), rows, load: 'load/http.js' }, async ({ ours, bare }) => {
    const measure = async (name, answersRow, base = '/api/v1') => {
      await bare.server.call('answerRow', answersRow)
      const measured = await alternate(rounds, {
        ours: () => ours.load.call('saves', ms, base),
        bare: () => bare.load.call('saves', ms),
      })
      return { name, unit: 'saves/s', ...measured, target: { atLeast: 1 } }
    }
    return [
      await measure('guarded save, to an UPDATE … RETURNING', true),
      await measure('the same in an own route, by records.save', true, '/own'),
      await measure('guarded save, to an UPDATE that answers nothing', false),
    ]
  })
