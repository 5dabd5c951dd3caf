// A node whose lines to the database and to Redis are slow, and a client whose line is, beside fast ones, while nodes relay: nothing is
// missed or doubled anywhere, and nobody waits for the slow. The full size is `npm run soak -- slow`.
import { randomInt } from 'node:crypto'
import { expect, test } from 'vitest'
import { startApp } from '../support/app.ts'
import { clientOf } from '../support/app-socket.ts'
import { atEnd } from '../support/at-end.ts'
import { percentile } from '../support/cluster-load.ts'
import { startFaultProxy } from '../support/fault-proxy.ts'
import { isWithout } from '../support/programs.ts'
import { redisClient, startRedis } from '../support/redis.ts'
import { byRun } from '../support/short-run.ts'
import { waitFor } from '../support/wait-for.ts'

const SAVES = Number(process.env.NOCLOBBER_SAVES ?? byRun({ short: 20, full: 60 }))
const RECORDS = 5
const SLOW_MS = 300

test.skipIf(isWithout('redis'))(
  `a slow node and a slow client, ${SAVES} saves: all is received once`,
  {
    tags: ['fault:node-slow', 'fault:client-slow'],
    timeout: 90_000 + SAVES * 400,
  },
  async () => {
    const redis = await startRedis()
    const direct = () => ({ relay: true, redis: redisClient(redis.url) as never })
    const one = await startApp(direct())
    const two = await startApp({ ...direct(), database: one.database })
    const ids: string[] = []
    for (let count = 0; count < RECORDS; count += 1) ids.push((await one.make('project', { name: 'a' })).id)
    const toDatabase = await startFaultProxy(Number(new URL(one.database.url).port))
    const toRedis = await startFaultProxy(redis.port)
    const slow = await startApp({
      ...{ relay: true, redis: redisClient(`redis://127.0.0.1:${toRedis.port}`) as never },
      ...{ database: one.database, databaseUrl: toDatabase.urlFor(one.database.url) },
    })
    const toClient = await startFaultProxy(Number(new URL(two.origin).port))

    const sentAt = new Map<string, number>()
    const watch = async (name: string, origin: string) => {
      const got: string[] = []
      const lagMs: number[] = []
      const socket = clientOf(origin, { as: 'bob', tabId: name })
      atEnd(() => socket.disconnect())
      socket.on('RecordUpdated', ({ id, version }) => {
        got.push(`${id} v${version}`)
        lagMs.push(performance.now() - (sentAt.get(`${id} v${version}`) ?? 0))
      })
      socket.connect()
      const records = ids.map((id) => ({ type: 'project', id }))
      await waitFor(() => socket.connected, { what: `${name} to connect`, deadlineMs: 20_000 })
      const answer = await socket.timeout(20_000).emitWithAck('watch', { records, lists: [] })
      expect(answer.records.every(({ ok }: { ok: boolean }) => ok)).toBe(true)
      return { name, got, lagMs }
    }
    const watchers = [
      await watch('at the saving node', one.origin),
      await watch('at another node', two.origin),
      await watch('at the slow node', slow.origin),
      await watch('on a slow line', toClient.urlFor(two.origin)),
    ]
    for (const proxy of [toDatabase, toRedis, toClient]) proxy.delay(SLOW_MS)

    const versions = new Map(ids.map((id) => [id, 1]))
    const wanted: string[] = []
    for (let count = 0; count < SAVES; count += 1) {
      const id = ids[randomInt(RECORDS)] as string
      const version = (versions.get(id) as number) + 1
      sentAt.set(`${id} v${version}`, performance.now())
      if (count % 3 === 0) await one.sql('update projects set notes = ? where id = ?', [`Note ${count}`, id])
      else {
        const body = { client_version: version - 1, changes: { name: `Save ${count}` } }
        expect((await one.call('PATCH', `/records/project/${id}`, { body })).status).toBe(200)
      }
      versions.set(id, version)
      wanted.push(`${id} v${version}`)
    }
    const hasAll = ({ got }: { got: string[] }) => got.length >= wanted.length
    await waitFor(() => watchers.every(hasAll), {
      what: 'all that was saved to arrive everywhere',
      deadlineMs: 30_000 + SAVES * 100,
    })
    for (const { name, got } of watchers) expect([name, [...got].sort()]).toEqual([name, [...wanted].sort()])
    const figures = watchers.map(({ name, lagMs }) => `${name} ${percentile(lagMs, 50)?.toFixed(0)} ms`)
    console.log(`slow: p50 of ${SAVES} changes ${figures.join(', ')}`)
  },
)
