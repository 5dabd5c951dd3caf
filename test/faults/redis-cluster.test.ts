// Two nodes linked by a Redis Cluster: the sharded adapter, by either client library.
import { Cluster } from 'ioredis'
import { createCluster } from 'redis'
import { beforeAll, describe, expect, test } from 'vitest'
import { startApp } from '../support/app.ts'
import { atEnd } from '../support/at-end.ts'
import { isWithout } from '../support/programs.ts'
import { startRedisCluster, type TestRedisCluster } from '../support/redis-cluster.ts'
import { expectSharedLimit, SHARED_LIMIT } from '../support/shared-limit.ts'
import { twoNodes } from '../support/two-nodes.ts'
import { waitFor } from '../support/wait-for.ts'

const ofIoredis = ({ roots }: TestRedisCluster) => {
  const client = new Cluster(roots, { lazyConnect: true })
  client.on('error', () => {})
  atEnd(() => client.disconnect())
  return client
}

const ofNodeRedis = ({ roots }: TestRedisCluster) =>
  createCluster({ rootNodes: roots.map(({ host, port }) => ({ socket: { host, port } })) })

describe.skipIf(isWithout('redis'))('two nodes with a Redis Cluster', () => {
  let cluster: TestRedisCluster
  beforeAll(async () => {
    cluster = await startRedisCluster()
  }, 120_000)

  test.concurrent.each([
    ['ioredis', ofIoredis],
    ['node-redis', ofNodeRedis],
  ] as const)(
    'learn of each other’s saves and people with %s, and each change arrives once',
    async (_, clientOf) => {
      const { one, two, watcher, save, linked, project } = await twoNodes(() => clientOf(cluster) as never)
      await linked()
      for (let round = 0; round < 5; round += 1) {
        const { version } = await save()
        await watcher.receives('RecordUpdated', { version }, 20_000)
      }
      const versions = watcher.received.flatMap(({ name, event }) =>
        name === 'RecordUpdated' ? [event.version] : [],
      )
      expect(versions).toEqual([...new Set(versions)])
      const alice = await one.socket()
      await alice.watch(['project', project.id])
      await alice.ask('presence', { type: 'project', id: project.id, state: 'editing' })
      await watcher.receives('PresenceChanged', { id: project.id }, 20_000)
      await waitFor(async () => (await two.records.health()).checks.redis.ok, {
        what: 'its beat to come through',
        deadlineMs: 20_000,
      })
      await one.stop()
      await two.stop()
    },
  )

  test.concurrent('the app’s own emits go round', async () => {
    const { one, watcher, linked } = await twoNodes(() => ofIoredis(cluster) as never)
    await linked()
    one.io.emit('Lunch', { at: '12:30' })
    expect(await watcher.receives('Lunch')).toEqual({ at: '12:30' })
  })

  test.each([
    ['ioredis', ofIoredis],
    ['node-redis', ofNodeRedis],
  ] as const)('count a person’s requests together with %s', async (_, clientOf) => {
    const one = await startApp({ limits: SHARED_LIMIT, redis: clientOf(cluster) as never })
    const redis = clientOf(cluster) as never
    const two = await startApp({ limits: SHARED_LIMIT, redis, database: one.database })
    await expectSharedLimit(one, two)
    await one.stop()
    await two.stop()
  })

  test('lose nothing while the cluster stands still, wait for nothing, and find each other after', {
    tags: 'fault:redis-cluster-frozen',
    timeout: 120_000,
  }, async () => {
    const { watcher, save, linked, two } = await twoNodes(() => ofIoredis(cluster) as never, {
      pollMs: 3_000,
    })
    await linked()
    for (const node of cluster.nodes) node.signal('SIGSTOP')
    try {
      const { version, ms } = await save()
      expect(ms).toBeLessThan(3_000)
      await watcher.receives('RecordUpdated', { version }, 20_000)
      await waitFor(async () => (await two.records.health()).status === 'degraded', {
        what: 'the outage to be noticed',
        deadlineMs: 20_000,
      })
    } finally {
      for (const node of cluster.nodes) node.signal('SIGCONT')
    }
    await waitFor(cluster.whole, { what: 'the cluster', deadlineMs: 60_000 })
    await linked(60_000)
  })
})
