// Two nodes on one database, one that saves and one that is watched, linked by whatever is handed in.
import { expect } from 'vitest'
import { type AppOptions, startApp } from './app.ts'
import { waitFor } from './wait-for.ts'

/** The timers are so far away that what arrives in time came over Redis. */
const FAR = { pollMs: 600_000 }

export const twoNodes = async (redis: () => AppOptions['redis'], limits = FAR) => {
  const one = await startApp({ limits, redis: redis() as never })
  const two = await startApp({ limits, redis: redis() as never, database: one.database })
  const project = await one.make('project', { name: 'Bridge' })
  const watcher = await two.socket({ as: 'bob' })
  await watcher.watch(['project', project.id])
  let version = 1
  const save = async () => {
    const begun = performance.now()
    const answer = await one.call('PATCH', `/records/project/${project.id}`, {
      body: { client_version: version, changes: { name: `Bridge ${version + 1}` } },
    })
    expect(answer.status).toBe(200)
    version += 1
    return { version, ms: performance.now() - begun }
  }
  /** Three saves in a row arrive far sooner than by the timer. */
  const linked = async (deadlineMs = 40_000) => {
    let inTime = 0
    await waitFor(
      async () => {
        const { version: saved } = await save()
        const received = () => watcher.received.some(({ event }) => event?.version === saved)
        const isInTime = await waitFor(received, { what: 'the other node', deadlineMs: 1_000 }).catch(
          () => false,
        )
        inTime = isInTime ? inTime + 1 : 0
        return inTime === 3
      },
      { what: 'the nodes to reach each other', deadlineMs },
    )
  }
  return { one, two, watcher, save, linked, project }
}
