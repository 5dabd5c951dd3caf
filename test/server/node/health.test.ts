// What an operator asks of a node: is it fit, what does it do, can it leave.
import { describe, expect, test } from 'vitest'
import { startApp } from '../../support/app.ts'
import { startFaultProxy } from '../../support/fault-proxy.ts'
import { isWithout } from '../../support/programs.ts'
import { redisClient, startRedis } from '../../support/redis.ts'
import { waitFor } from '../../support/wait-for.ts'

describe('health', () => {
  test('is ok where all is well', async () => {
    const app = await startApp()
    await waitFor(async () => (await app.records.health()).status === 'ok', { what: 'the first reading' })
    expect(await app.records.health()).toMatchObject({
      draining: false,
      checks: { database: { ok: true }, tables: { ok: true }, feed: { ok: true }, redis: { ok: true } },
    })
  })

  test('names a trigger that is missing, and is ok again when it is back', async () => {
    const app = await startApp()
    await app.sql('alter table projects disable trigger all')
    await waitFor(async () => (await app.records.health()).checks.tables.ok === false, {
      what: 'the finding',
    })
    const { status, checks } = await app.records.health()
    expect(status).toBe('unavailable')
    expect(checks.tables.detail).toContain('projects')
    await app.sql('alter table projects enable trigger all')
    expect(await app.records.health()).toMatchObject({ status: 'ok' })
  })

  test('names a database that takes no writes, and goes on serving who reads', async () => {
    const app = await startApp()
    const { id } = await app.make('project', { name: 'Bridge' })
    const set = async (setting: string) => {
      await app.sql(`begin read write; alter database ${app.database.name} ${setting}; commit;
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()`)
      await app.sql('select pg_terminate_backend(pg_backend_pid())').catch(() => {})
    }
    const found = () => app.records.health()
    await set('set default_transaction_read_only = on')
    await waitFor(async () => (await found()).status === 'degraded', {
      what: async () => JSON.stringify(await found()),
    })
    expect((await found()).checks.database).toMatchObject({
      ok: false,
      detail: expect.stringContaining('default_transaction_read_only'),
    })
    expect((await app.call('GET', `/records/project/${id}`)).status).toBe(200)
    const body = { client_version: 1, changes: { name: 'Tunnel' } }
    expect((await app.call('PATCH', `/records/project/${id}`, { body })).status).toBe(503)
    await set('reset default_transaction_read_only')
    await waitFor(async () => (await found()).status === 'ok', {
      what: async () => JSON.stringify(await found()),
    })
    expect((await app.call('PATCH', `/records/project/${id}`, { body })).status).toBe(200)
  })

  test('answers in time while the database is a black hole', async () => {
    const own = await startApp()
    const proxy = await startFaultProxy(Number(new URL(own.database.url).port))
    const app = await startApp({ database: own.database, databaseUrl: proxy.urlFor(own.database.url) })
    await waitFor(async () => (await app.records.health()).status === 'ok', { what: 'a healthy node' })
    proxy.set('hole')
    const begun = performance.now()
    expect(await app.records.health()).toMatchObject({
      status: 'unavailable',
      checks: { database: { ok: false } },
    })
    expect(performance.now() - begun).toBeLessThan(15_000)
    proxy.set('pass')
    await waitFor(async () => (await app.records.health()).status === 'ok', {
      what: 'health after the hole',
      deadlineMs: 20_000,
    })
  })

  test.skipIf(isWithout('redis'))('is degraded, and still serves, without its Redis', async () => {
    const redis = await startRedis()
    const app = await startApp({ redis: redisClient(redis.url) })
    await waitFor(async () => (await app.records.health()).status === 'ok', { what: 'Redis' })
    await redis.stop()
    await waitFor(async () => (await app.records.health()).status === 'degraded', { what: 'its end' })
  })
})

describe('metrics', () => {
  test('count writes by outcome, events, sockets, rooms and the age of the log', async () => {
    const app = await startApp()
    const { id } = await app.make('project', { name: 'Bridge' })
    const watcher = await app.socket({ as: 'bob' })
    await watcher.watch(['project', id])
    const polling = await app.socket({ as: 'vera', transports: ['polling'] })
    await polling.watch(['project', id])
    const save = (name: string) =>
      app.call('PATCH', `/records/project/${id}`, { body: { client_version: 1, changes: { name } } })
    await save('X')
    await save('Y')
    await watcher.receives('RecordUpdated', { id })
    const text = await app.records.metrics.text()
    for (const line of [
      'noclobber_writes_total{operation="create",outcome="saved"} 1',
      'noclobber_writes_total{operation="save",outcome="saved"} 1',
      'noclobber_writes_total{operation="save",outcome="conflict"} 1',
      'noclobber_events_total{event="RecordUpdated"} 1',
      'noclobber_sockets{transport="websocket"} 1',
      'noclobber_sockets{transport="polling"} 1',
      'noclobber_redis_up -1',
      'noclobber_requests_total{operation="save",status="409"} 1',
    ])
      expect(text).toContain(line)
    expect(Number(/^noclobber_feed_idle_seconds (\S+)/m.exec(text)?.[1])).toBeGreaterThanOrEqual(0)
  })

  test('take no label from what a client sends', async () => {
    const app = await startApp()
    for (const path of [
      '/records/evil_type',
      '/records/project/1/evil_part',
      '/records/project/evil_id',
      '/evil',
    ])
      await app.call('GET', path)
    expect(await app.records.metrics.text()).not.toContain('evil')
  })
})

describe('leaving', () => {
  test('says so first, refuses newcomers, and closes every socket at its own moment', async () => {
    const app = await startApp()
    const watchers = await Promise.all(Array.from({ length: 40 }, () => app.socket()))
    const closed: number[] = []
    for (const { socket } of watchers) socket.once('disconnect', () => closed.push(performance.now()))
    const drained = app.records.drain({ noticeMs: 50, spreadMs: 400 })
    expect(await app.records.health()).toMatchObject({ draining: true })
    const answer = await app.call('GET', '/records/project')
    expect(answer.status).toBe(200)
    expect(answer.headers.get('connection')).toBe('close')
    await expect(app.socket()).rejects.toMatchObject({ data: { code: 'unavailable' } })
    await drained
    await waitFor(() => closed.length === 40, { what: 'every socket to be closed' })
    expect(Math.max(...closed) - Math.min(...closed)).toBeGreaterThan(50)
  })
})
