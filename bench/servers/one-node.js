// What a node costs others: its feed, its messages and its timers, with nobody connected to it. The first one saves.
import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { createRecordServer } from 'noclobber/server'
import { openPool, TABLES } from '../tables.js'
import { ALICE, project } from './project-type.js'

export default async ({ url, redisUrl, options = {} }) => {
  const knex = openPool(url, 4)
  const redis = new Redis(redisUrl)
  const log = { info() {}, warn: console.warn, error: console.error }
  const records = createRecordServer({
    knex,
    types: [project],
    redis,
    log,
    authenticate: () => ({ ...ALICE }),
    ...options,
  })
  await records.start()
  const { rows } = await knex.raw(`select id, version::integer from ${TABLES.ours}`)
  const versions = new Map(rows.map(({ id, version }) => [id, version]))
  let count = 0

  const save = async () => {
    count += 1
    const id = 1 + ((count * 7) % versions.size)
    const clientVersion = versions.get(id)
    const changes = { name: `Edit ${count} ${clientVersion}` }
    const saved = await records.save('project', String(id), { actor: ALICE, clientVersion, changes })
    if (saved.outcome !== 'saved') throw new Error(`A save came out as ${saved.outcome}.`)
    versions.set(id, clientVersion + 1)
  }

  /** Changes of the log that this node has read. */
  const read = async () => {
    const [, value] = /^noclobber_changes_total (\d+)/m.exec(await records.metrics.text())
    return Number(value)
  }

  return {
    /** So many a second, for so long; gives how many there were. */
    saves: async (perSecond, ms) => {
      const first = count
      const begun = performance.now()
      for (;;) {
        const passed = performance.now() - begun
        if (passed >= ms) return count - first
        if (((count - first) * 1_000) / perSecond <= passed) await save()
        else await pause(1)
      }
    },
    read,
    stop: async () => {
      await records.stop()
      redis.disconnect()
      await knex.destroy()
    },
  }
}
