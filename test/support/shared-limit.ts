// A limit on requests that two nodes count together.
import { expect } from 'vitest'
import type { TestApp } from './app.ts'
import { waitFor } from './wait-for.ts'

/** More than a node is asked before it has learned of the other's count, so that it can't have come to it alone. */
export const SHARED_LIMIT = { requestsPerPerson: 300 }

/** Spends a person's requests on one node, until the other refuses them; another person's it goes on to answer. */
export const expectSharedLimit = async (one: TestApp, two: TestApp) => {
  const { requestsPerPerson } = SHARED_LIMIT
  // What is counted while Redis isn't there is counted here alone.
  for (const { records } of [one, two])
    await waitFor(async () => (await records.health()).checks.redis.ok, { what: 'Redis', deadlineMs: 40_000 })
  for (let sent = 0; sent < requestsPerPerson; sent += 50)
    await Promise.all(Array.from({ length: 50 }, () => one.call('GET', '/records/project?limit=1')))
  let asked = 0
  await waitFor(
    async () => {
      asked += 1
      return (await two.call('GET', '/records/project?limit=1')).status === 429
    },
    { what: 'the second node to know of the first one’s requests' },
  )
  expect(asked).toBeLessThan(requestsPerPerson)
  expect((await two.call('GET', '/records/project', { as: 'bob' })).status).toBe(200)
}
