// The computed sizes stay near to what is measured, and grow with what they are of.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { type CapacitySize, databasesFor, firstOf, usageOf } from '../../scripts/capacity.js'

const databaseOf = (size: CapacitySize) => usageOf(size)['database, processors'] as number

/** The ratios of `npm run bench -- nodes`, in docs/benchmarks.md. */
test('sixteen nodes cost the database about what they were measured to', () => {
  for (const [changes, relay, measured] of [
    [20, false, 7.2],
    [100, false, 3.2],
    [20, true, 1.3],
    [100, true, 0.96],
  ] as const) {
    const ratio =
      databaseOf({ nodes: 16, sockets: 0, changes, relay }) /
      databaseOf({ nodes: 1, sockets: 0, changes, relay })
    expect(ratio / measured, `${changes} a second`).toBeGreaterThan(1 / 2.5)
    expect(ratio / measured, `${changes} a second`).toBeLessThan(2.5)
  }
})

test('the largest size needs several databases, the smallest one', () => {
  const largest = { nodes: 1_000, sockets: 1_000_000, changes: 100_000 }
  expect(firstOf(usageOf(largest))[0]).toBe('database, processors')
  expect(firstOf(usageOf({ ...largest, relay: true }))[0]).toBe('Redis, its line')
  const needed = databasesFor(largest) as number
  expect(needed).toBeGreaterThan(1)
  expect(firstOf(usageOf({ ...largest, databases: needed }))[1]).toBeLessThanOrEqual(0.7)
  expect(firstOf(usageOf({ ...largest, databases: needed / 2 }))[1]).toBeGreaterThan(0.7)
  expect(databasesFor({ nodes: 2, sockets: 1_000, changes: 100 })).toBe(1)
  expect(databasesFor({ nodes: 1, sockets: 10, changes: 100_000 })).toBeNull()
})

test('the command takes sizes and units, and nothing else', async () => {
  const run = (...options: string[]) =>
    promisify(execFile)(process.execPath, ['scripts/capacity.js', ...options])
  expect((await run()).stdout).toMatch(/^1,000 +1,000,000 +100,000 +yes/m)
  expect((await run('--nodes=4', '--changes=100', '--saveDb=400')).stdout).toMatch(
    /^database, processors: \d/m,
  )
  await expect(run('--tea=1')).rejects.toMatchObject({ code: 2 })
  await expect(run('--nodes=many')).rejects.toMatchObject({ code: 2 })
})
