// Twelve attacks of one person at a small size: another's saves are all written meanwhile, and the node is itself again
// afterwards. What they cost in time is measured by `npm run soak -- attacks`; here is a bound that only a standstill breaks.
import type { AddressInfo } from 'node:net'
import { beforeAll, expect, test } from 'vitest'
import { ATTACKS, beginAttack } from '../../bench/load/attacks.js'
import { startApp, type TestApp } from '../support/app.ts'
import { waitFor } from '../support/wait-for.ts'

const SAVES = 30
const SIZE = 10
const STANDSTILL_MS = 10_000
/** What an attack may be answered; a failure is none of it. */
const ANSWERS = /^(101|200|400|401|403|408|409|429|answered|rate_limited|not_found)$/

let app: TestApp
let ids: number[]
let record: { id: string }
let version = 1
beforeAll(async () => {
  app = await startApp()
  app.people.set('mallory', { id: 'mallory', name: 'Mallory', tenantId: 'acme', role: 'editor' })
  await app.sql(
    `insert into projects (tenant_id, name) select 'acme', 'P ' || n from generate_series(1, 2000) n`,
  )
  ids = (await app.sql('select id from projects order by id')).map(({ id }) => id)
  record = await app.make('project', { name: 'Bridge' })
})

const save = async () => {
  const body = { client_version: version, changes: { name: `Bridge ${version}` } }
  const begunAt = performance.now()
  const { status } = await app.call('PATCH', `/records/project/${record.id}`, { as: 'bob', body })
  expect(status).toBe(200)
  version += 1
  return performance.now() - begunAt
}

test.each(Object.keys(ATTACKS))(
  '%s: another person goes on saving',
  async (name) => {
    const { port } = app.server.address() as AddressInfo
    const counts: Record<string, number> = {}
    const end = beginAttack(name, { port, authorization: 'Bearer mallory', ids, size: SIZE, counts })
    try {
      if (name !== 'dripping uploads' && name !== 'long polls held and woken')
        await waitFor(() => Object.keys(counts).length > 0, { what: 'the attack to be answered' })
      for (let n = 0; n < SAVES; n += 1) expect(await save()).toBeLessThan(STANDSTILL_MS)
    } finally {
      await end()
    }
    expect(Object.keys(counts).filter((answer) => !ANSWERS.test(answer))).toEqual([])
    const mallory = await app.call('GET', '/records/project?limit=1', { as: 'mallory' })
    expect(mallory.status).toBe(200)
  },
  60_000,
)
