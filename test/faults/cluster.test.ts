// Two nodes behind a proxy, under load, while they are restarted, killed and stopped: no save fails that need not, and
// afterwards everybody knows what is true.
import { beforeAll, describe, expect, test } from 'vitest'
import { type Cluster, startCluster } from '../support/cluster.ts'
import { percentile, startLoad } from '../support/cluster-load.ts'
import { isWithout } from '../support/programs.ts'
import { waitFor } from '../support/wait-for.ts'

describe.skipIf(isWithout('redis'))('a cluster of two nodes', () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await startCluster()
  }, 120_000)

  test('is restarted node by node under load: no save fails, each node ends with 0, everybody converges', {
    tags: ['fault:nodes-restarted', 'full'],
    timeout: 180_000,
  }, async () => {
    const load = await startLoad(cluster.url, {
      ids: ['1', '2', '3', '4'],
      transports: ['websocket', 'polling'],
      pauseMs: 20,
    })
    const { ended } = await cluster.ask('roll')
    expect(ended).toEqual([
      { code: 0, signal: null },
      { code: 0, signal: null },
    ])
    await load.stop()
    expect(load.failures()).toEqual([])
    expect(load.saves()).toBeGreaterThan(50)
    await load.converged(30_000)
    expect(percentile(load.saveMs, 99)).toBeLessThan(10_000)
  })

  test('loses a node to kill -9: everybody knows what is true soon', {
    tags: 'fault:node-killed',
    timeout: 180_000,
  }, async () => {
    const load = await startLoad(cluster.url, { ids: ['5', '6', '7', '8'], pauseMs: 20 })
    await cluster.ask('kill node1 SIGKILL')
    const before = load.saves()
    await waitFor(() => load.saves() > before + 20, { what: 'saves on the other node', deadlineMs: 20_000 })
    await load.stop()
    await load.converged(30_000)
    await cluster.ask('start node1')
  })

  test('has a node that stands still for a while: it catches up, and its watchers with it', {
    tags: 'fault:node-frozen',
    timeout: 180_000,
  }, async () => {
    const load = await startLoad(cluster.url, { ids: ['9', '10'], pauseMs: 20 })
    await cluster.ask('kill node2 SIGSTOP')
    const before = load.saves()
    await waitFor(() => load.saves() > before + 10, { what: 'saves on the other node', deadlineMs: 20_000 })
    await cluster.ask('kill node2 SIGCONT')
    await load.stop()
    await load.converged(30_000)
  })
})
