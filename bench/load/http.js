// Requests as fast as they are answered, over 32 kept-alive connections.
import { randomInt } from 'node:crypto'
import { openConnection } from './connection.js'
import { holdVersions } from './held-versions.js'

const CONNECTIONS = 32

export default async ({ port, rows }) => {
  const connections = await Promise.all(Array.from({ length: CONNECTIONS }, () => openConnection(port)))
  const held = holdVersions(rows)

  /** How many times `request` is answered, all connections together. */
  const countOf = async (ms, request) => {
    const begun = performance.now()
    const counts = await Promise.all(
      connections.map(async (connection) => {
        let count = 0
        for (; performance.now() - begun < ms; count += 1) await request(connection)
        return count
      }),
    )
    return counts.reduce((sum, count) => sum + count, 0)
  }

  /** How many times a second. */
  const perSecond = async (ms, request) => {
    const begun = performance.now()
    const count = await countOf(ms, request)
    return (count * 1_000) / (performance.now() - begun)
  }

  const expect = async (sent, status) => {
    const answer = await sent
    if (answer.status !== status) throw new Error(`${answer.status} instead of ${status}: ${answer.body}`)
  }

  const versionPath = () => `/api/v1/records/project/${1 + randomInt(rows)}/version`

  return {
    saves: (ms, base) => perSecond(ms, (connection) => held.save(connection, held.pick(), base)),
    /** How many there were. */
    countedSaves: (ms) => countOf(ms, (connection) => held.save(connection, held.pick())),
    polls: (ms) => perSecond(ms, (connection) => expect(connection.send('GET', versionPath()), 200)),
    freshPolls: (ms) => {
      const headers = 'If-None-Match: "1"\r\n'
      return perSecond(ms, (connection) => expect(connection.send('GET', versionPath(), { headers }), 304))
    },
    batches: (ms, size) =>
      perSecond(ms, (connection) => {
        const from = 1 + randomInt(rows - size)
        const records = Array.from({ length: size }, (_, at) => ({
          type: 'project',
          id: String(from + at),
          version: 1,
        }))
        return expect(
          connection.send('POST', '/api/v1/records/versions', { body: JSON.stringify({ records }) }),
          200,
        )
      }),
    stop: () => {
      for (const connection of connections) connection.close()
    },
  }
}
