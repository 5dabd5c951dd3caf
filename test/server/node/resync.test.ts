// After a failover all pages of a node come anew: spread over seconds, all of them, and none claims to be current before it was asked.
import { expect, test } from 'vitest'
import { beginHistory } from '../../../migrations/version-floor.ts'
import type { Watcher } from '../../../server/live/watchers.ts'
import { createResync } from '../../../server/node/resync.ts'
import { startApp } from '../../support/app.ts'
import { openStream } from '../../support/app-stream.ts'
import { atEnd } from '../../support/at-end.ts'
import { waitFor } from '../../support/wait-for.ts'

const crowdOf = (size: number) => {
  const asked: { at: number; watcher: number }[] = []
  const watchers = Array.from(
    { length: size },
    (_, watcher) =>
      ({
        connected: watcher !== 7,
        emit: () => asked.push({ at: performance.now(), watcher }),
      }) as unknown as Watcher,
  )
  const resync = createResync(() => watchers)
  atEnd(resync.stop)
  return { asked, resync }
}

test('a thousand are asked over some seconds, each once, but those that have gone', async () => {
  const { asked, resync } = crowdOf(1_000)
  const begun = performance.now()
  resync.ask()
  expect([asked.length > 0, asked.length < 50, resync.isPending()]).toEqual([true, true, true])
  await waitFor(() => !resync.isPending(), { what: 'all to be asked' })
  expect(new Set(asked.map(({ watcher }) => watcher)).size).toBe(999)
  expect(asked).toHaveLength(999)
  const within = (from: number) =>
    asked.filter(({ at }) => at - begun >= from && at - begun < from + 1_000).length
  expect(Math.max(...[0, 1_000, 2_000, 3_000, 4_000].map(within))).toBeLessThan(400)
})

test('a few are asked at once; those who were asked before a newer history are asked again', async () => {
  const { asked, resync } = crowdOf(5)
  resync.ask()
  expect(asked).toHaveLength(5)
  const crowd = crowdOf(200)
  crowd.resync.ask()
  const before = crowd.asked.length
  crowd.resync.ask()
  await waitFor(() => !crowd.resync.isPending(), { what: 'all to be asked' })
  expect(crowd.asked).toHaveLength(before + 199)
})

test('sockets and streams of a node are asked one after the other, and get no age before', async () => {
  const app = await startApp({ limits: { socketsPerPerson: 200, heartbeatMs: 20 } })
  const { id } = await app.make('project', { name: 'Bridge' })
  const stream = await openStream(app.origin, `record=project:${id}`)
  await stream.receives('Watching')
  const sockets = await Promise.all(Array.from({ length: 40 }, () => app.socket()))
  const at: number[] = []
  let ages = 0
  for (const { socket } of sockets) {
    let isAsked = false
    socket.on('Resync', () => {
      isAsked = true
      at.push(performance.now())
    })
    socket.on('Heartbeat', () => {
      if (at.length > 0 && !isAsked) ages += 1
    })
  }
  await beginHistory(app.knex)
  await waitFor(() => at.length === 40, { what: 'all sockets to be asked' })
  await stream.receives('Resync')
  at.sort((one, other) => one - other)
  expect((at.at(-1) as number) - (at[0] as number)).toBeGreaterThan(100)
  expect(ages).toBe(0)
})
