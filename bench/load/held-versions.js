// What a hundred editors would hold: each record's version, kept up with by the answers of their own saves.
import { randomInt } from 'node:crypto'

const STATUSES = ['planned', 'active', 'on_hold', 'done']

/** @param {number} rows */
export const holdVersions = (rows) => {
  const versions = new Array(rows + 1).fill(1)
  const busy = new Set()
  let count = 0

  /** A record that nobody is saving. */
  const pick = (among = rows) => {
    for (;;) {
      const id = 1 + randomInt(among)
      if (!busy.has(id)) return id
    }
  }

  return {
    pick,
    /** Saves through a connection, by a route below `base`; throws where the answer is not 200, so that no refusal counts as work done. */
    save: async (connection, id, base = '/api/v1') => {
      busy.add(id)
      count += 1
      const body = JSON.stringify({
        client_version: versions[id],
        changes: {
          name: `Project ${id}, edit ${count}`,
          status: STATUSES[count % 4],
          budget: (count % 10_000) + 0.25,
        },
      })
      const answer = await connection.send('PATCH', `${base}/records/project/${id}`, {
        headers: 'X-Tab-ID: bench\r\n',
        body,
      })
      busy.delete(id)
      if (answer.status !== 200) throw new Error(`A save was answered ${answer.status}: ${answer.body}`)
      versions[id] += 1
    },
  }
}
