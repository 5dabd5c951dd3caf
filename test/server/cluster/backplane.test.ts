// Two nodes on one database. The timers are set far away, so that what arrives in time came by Redis, or they are near,
// so that what arrives came without it.
import { createClient } from 'redis'
import { describe, expect, test } from 'vitest'
import { startFaultProxy } from '../../support/fault-proxy.ts'
import { isWithout } from '../../support/programs.ts'
import { redisClient, startRedis } from '../../support/redis.ts'
import { twoNodes } from '../../support/two-nodes.ts'

const NEAR = { pollMs: 6_000 }

describe.skipIf(isWithout('redis')).concurrent('two nodes with Redis', () => {
  test('learn of each other’s saves with ioredis, and each change arrives once', async () => {
    const { url } = await startRedis()
    const { one, watcher, save, linked, project } = await twoNodes(() => redisClient(url))
    const own = await one.socket({ as: 'vera' })
    await own.watch(['project', project.id])
    await linked()
    for (let round = 0; round < 5; round += 1) {
      const { version } = await save()
      await watcher.receives('RecordUpdated', { version }, 20_000)
      await own.receives('RecordUpdated', { version }, 20_000)
    }
    for (const { received } of [watcher, own]) {
      const versions = received.map(({ event }) => event.version)
      expect(versions).toEqual([...new Set(versions)])
    }
  })

  test('learn of each other’s saves with node-redis', async () => {
    const { url } = await startRedis()
    const client = createClient({ url })
    const { save, linked, watcher } = await twoNodes(() => client as never)
    await linked()
    const { version } = await save()
    await watcher.receives('RecordUpdated', { version }, 20_000)
  })

  test('lose nothing and wait for nothing while Redis is stopped, and find each other after', {
    tags: 'fault:redis-stopped',
  }, async () => {
    const redis = await startRedis()
    const { save, linked, watcher } = await twoNodes(() => redisClient(redis.url), NEAR)
    await linked()
    redis.signal('SIGSTOP')
    const stopped = await save()
    expect(stopped.ms).toBeLessThan(5_000)
    await watcher.receives('RecordUpdated', { version: stopped.version }, 20_000)
    redis.signal('SIGCONT')
    await linked()
  })

  test('live through a Redis that is killed and comes back', { tags: 'fault:redis-killed' }, async () => {
    const redis = await startRedis()
    const { save, linked, watcher } = await twoNodes(() => redisClient(redis.url), NEAR)
    await linked()
    await redis.stop()
    const without = await save()
    expect(without.ms).toBeLessThan(5_000)
    await watcher.receives('RecordUpdated', { version: without.version }, 20_000)
    await startRedis({ port: redis.port })
    await linked()
  })

  test('start without Redis, and find each other when it comes', { tags: 'fault:redis-absent' }, async () => {
    const { port, stop } = await startRedis()
    await stop()
    const { save, linked, watcher } = await twoNodes(() => redisClient(`redis://127.0.0.1:${port}`), NEAR)
    const alone = await save()
    await watcher.receives('RecordUpdated', { version: alone.version }, 20_000)
    await startRedis({ port })
    await linked()
  })

  test('notice a black hole before Redis, and are back after it', {
    tags: 'fault:redis-silent',
  }, async () => {
    const redis = await startRedis()
    const proxy = await startFaultProxy(redis.port)
    const { save, linked, watcher } = await twoNodes(() => redisClient(proxy.urlFor(redis.url)), {
      pollMs: 1_000,
    })
    await linked()
    proxy.set('hole')
    const hole = await save()
    expect(hole.ms).toBeLessThan(5_000)
    await watcher.receives('RecordUpdated', { version: hole.version }, 20_000)
    proxy.cut()
    proxy.set('pass')
    await linked()
  })
})
