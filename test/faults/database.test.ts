// The database goes away in each way that it can: refused, reset, swallowed, sliced. No save that was answered is lost,
// none that wasn't is half done, and when it is back everybody knows what is true within 10 s.
import { expect, test } from 'vitest'
import { startApp } from '../support/app.ts'
import { type Fault, startFaultProxy } from '../support/fault-proxy.ts'
import { writeDown } from '../support/figures.ts'
import { waitFor } from '../support/wait-for.ts'

const FAULTS: [Fault, tag: string][] = [
  ['refuse', 'fault:database-refuses'],
  ['hole', 'fault:database-silent'],
  ['slice', 'fault:database-slices'],
]

for (const [fault, tag] of FAULTS)
  test(`${fault}: nothing answered is lost, and all converge when it ends`, {
    tags: tag,
    timeout: 60_000,
  }, async () => {
    const direct = await startApp()
    const proxy = await startFaultProxy(Number(new URL(direct.database.url).port))
    const app = await startApp({
      database: direct.database,
      databaseUrl: proxy.urlFor(direct.database.url),
      acquireMs: 1_000,
      limits: { feedTimeoutMs: 1_000 },
    })
    const { id } = await app.make('project', { name: 'Bridge' })
    const watcher = await app.socket({ as: 'bob' })
    await watcher.watch(['project', id])
    let known = 1
    watcher.socket.on('RecordUpdated', ({ version }) => {
      known = Math.max(known, version)
    })
    watcher.socket.on('Resync', async () => {
      const answer = await watcher.watch(['project', id])
      known = Math.max(known, answer.records?.[0]?.version ?? 0)
    })
    proxy.set(fault)
    const saving = Promise.all(
      [1, 2, 3].map((number) =>
        app.call('PATCH', `/records/project/${id}`, {
          body: { client_version: 1, changes: { name: `Try ${number}` } },
        }),
      ),
    )
    if (fault === 'slice') await saving
    else
      await waitFor(async () => (await app.records.health()).status === 'unavailable', { what: 'the outage' })
    // Somebody else writes meanwhile, past this node.
    await direct.sql(`update projects set notes = 'meanwhile' where id = ${id}`)
    proxy.cut()
    proxy.set('pass')
    const back = performance.now()
    const outcomes = await saving
    for (const { status } of outcomes) expect([200, 409, 503]).toContain(status)
    const won = outcomes.filter(({ status }) => status === 200).length
    expect(won).toBeLessThanOrEqual(1)
    const truth = async () =>
      (await direct.sql(`select version::int from projects where id = ${id}`))[0].version as number
    await waitFor(async () => known === (await truth()), { what: 'convergence', deadlineMs: 30_000 })
    const version = await truth()
    const saved = await waitFor(
      async () => {
        const answer = await app.call('PATCH', `/records/project/${id}`, {
          body: { client_version: version, changes: { name: 'After' } },
        })
        return answer.status === 200
      },
      { what: 'a save after it', deadlineMs: 30_000 },
    )
    expect(saved).toBe(true)
    writeDown(
      'convergence after PostgreSQL is back (10 s)',
      `${Math.round(performance.now() - back)} ms (${fault})`,
    )
  })

test('a retry whose first answer was lost is one write', { tags: 'fault:answer-lost' }, async () => {
  const direct = await startApp()
  const { id } = await direct.make('project', { name: 'Bridge' })
  const proxy = await startFaultProxy(Number(new URL(direct.origin).port))
  const send = (version: number, key: string, through = true) =>
    fetch(
      `http://127.0.0.1:${through ? proxy.port : new URL(direct.origin).port}/api/v1/records/project/${id}`,
      {
        method: 'PATCH',
        headers: {
          authorization: 'Bearer alice',
          'content-type': 'application/json',
          'idempotency-key': key,
        },
        body: JSON.stringify({ client_version: version, changes: { name: key } }),
      },
    )
  for (let version = 1; version <= 20; version += 1) {
    const key = `mutation-${version}`
    const lost = send(version, key)
    await waitFor(
      async () =>
        (await direct.sql(`select version::int from projects where id = ${id}`))[0].version > version ||
        proxy.open() > 0,
      { what: 'the write' },
    )
    proxy.cut()
    await lost.catch(() => {})
    const again = await send(version, key, false)
    expect(again.status).toBe(200)
    expect((await again.json()).data).toMatchObject({ version: version + 1, fields: { name: key } })
  }
})
