// A save is sent before the feed has read it, and no less surely: each version once to anyone who watches the record, the
// list or both, on the node that saved and on another; and what the feed sends comes to the same.
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { createEarlyDeliveries } from '../../../server/live/early-deliveries.ts'
import type { Change } from '../../../server/log/log-reader.ts'
import { startApp } from '../../support/app.ts'

const RECORDS = 12
const SAVES = 25

test('each save is received once, on every node, by record and by list', async () => {
  const one = await startApp()
  const other = await startApp({ database: one.database })
  const tasks = await Promise.all(
    Array.from({ length: RECORDS }, (_, at) => one.make('task', { project_id: 1 + (at % 2), title: 't' })),
  )
  const watchers = await Promise.all(
    [one, other].flatMap((app) =>
      [true, false].map(async (byRecord) => {
        const watcher = await app.socket({ as: 'alice' })
        await watcher.watchList('task')
        if (byRecord) await watcher.watch(...tasks.map(({ id }): [string, string] => ['task', id]))
        await watcher.forget()
        return watcher
      }),
    ),
  )
  const expected: string[] = []
  await Promise.all(
    tasks.map(async ({ id }) => {
      for (let version = 1; version <= SAVES; version++) {
        const changes = { title: `title ${version}`, done: version % 2 === 0 }
        const { status } = await (version % 3 === 0 ? one : other).call('PATCH', `/records/task/${id}`, {
          body: { client_version: version, changes },
          headers: { 'x-tab-id': `tab-${version}` },
        })
        expect(status).toBe(200)
        const fields = version === 1 ? 'title' : 'done,title'
        expected.push(`RecordUpdated ${id} ${version + 1} ${fields} Alice tab-${version}`)
      }
    }),
  )
  for (const watcher of watchers) {
    const received = (await watcher.flushed()).map(
      ({ name, event }) =>
        `${name} ${event.id} ${event.version} ${event.changed_fields.sort()} ${event.updated_by.name} ${event.tab_id}`,
    )
    expect(received.sort()).toEqual(expected.sort())
  }
})

test('the save of a record that was opened long ago waits for no feed', async () => {
  const app = await startApp({ limits: { gapMs: 4_000 } })
  const [task, other] = [
    await app.make('task', { project_id: 1, title: 't' }),
    await app.make('task', { project_id: 1, title: 'o' }),
  ]
  const watcher = await app.socket({ as: 'alice' })
  await watcher.watch(['task', task.id])
  await watcher.forget()
  await app.call('GET', `/records/task/${task.id}`)
  const save = async ({ id }: { id: string }) => {
    const body = { client_version: 1, changes: { title: 'saved' } }
    expect((await app.call('PATCH', `/records/task/${id}`, { body })).status).toBe(200)
  }
  // More than the two seconds after which nobody counts as having changed it just before.
  await pause(2_500)
  await save(other)
  // The feed has read what nobody waits for, and rests.
  await pause(500)
  const minuteLater = vi.spyOn(performance, 'now')
  const now = performance.now()
  minuteLater.mockReturnValue(now + 60_000)
  await save(task)
  minuteLater.mockRestore()
  await watcher.receives('RecordUpdated', { id: task.id, version: 2 }, 5_000)
})

test('whichever comes first, the other one keeps silent', () => {
  const early = createEarlyDeliveries()
  const change = (version: number) => ({ source: 'public.tasks', id: '1', version }) as Change
  early.add(change(2))
  expect([early.isLate(change(2)), early.pass(change(2)), early.pass(change(2))]).toEqual([false, true, true])
  expect([early.pass(change(3)), early.isLate(change(3))]).toEqual([false, true])
  expect([early.pass(change(4)), early.pass(change(4))]).toEqual([false, false])
  // The feed has begun to deliver version 4, and is at it.
  expect(early.follows(change(5))).toBe(false)
  early.done(change(4))
  expect([early.follows(change(5)), early.has(change(4)), early.has(change(2))]).toEqual([true, false, true])
})
