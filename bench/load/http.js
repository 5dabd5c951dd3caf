// Requests as fast as they are answered, over 32 kept-alive connections.
import { randomInt } from 'node:crypto'
import { holdVersions } from './held-versions.js'
import { openLane } from './lane.js'

const LANES = 32

export default async ({ port, rows }) => {
  const lanes = await Promise.all(Array.from({ length: LANES }, () => openLane(port)))
  const held = holdVersions(rows)

  /** How many times a second `request` is answered, all lanes together. */
  const perSecond = async (ms, request) => {
    const begun = performance.now()
    const counts = await Promise.all(
      lanes.map(async (lane) => {
        let count = 0
        for (; performance.now() - begun < ms; count += 1) await request(lane)
        return count
      }),
    )
    return (counts.reduce((sum, count) => sum + count, 0) * 1_000) / (performance.now() - begun)
  }

  const expect = async (sent, status) => {
    const answer = await sent
    if (answer.status !== status) throw new Error(`${answer.status} instead of ${status}: ${answer.body}`)
  }

  const versionPath = () => `/api/v1/records/project/${1 + randomInt(rows)}/version`

  return {
    saves: (ms, base) => perSecond(ms, (lane) => held.save(lane, held.pick(), base)),
    polls: (ms) => perSecond(ms, (lane) => expect(lane.send('GET', versionPath()), 200)),
    freshPolls: (ms) => {
      const headers = 'If-None-Match: "1"\r\n'
      return perSecond(ms, (lane) => expect(lane.send('GET', versionPath(), { headers }), 304))
    },
    batches: (ms, size) =>
      perSecond(ms, (lane) => {
        const from = 1 + randomInt(rows - size)
        const records = Array.from({ length: size }, (_, at) => ({
          type: 'project',
          id: String(from + at),
          version: 1,
        }))
        return expect(
          lane.send('POST', '/api/v1/records/versions', { body: JSON.stringify({ records }) }),
          200,
        )
      }),
    stop: () => {
      for (const lane of lanes) lane.close()
    },
  }
}
