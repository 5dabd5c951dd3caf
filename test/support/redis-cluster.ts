// A Redis Cluster of three masters on free ports. It ends with the test file.
import { Redis } from 'ioredis'
import { freePort } from '../../scripts/free-port.js'
import { startRedis, type TestRedis } from './redis.ts'
import { waitFor } from './wait-for.ts'

export interface TestRedisCluster {
  nodes: TestRedis[]
  /** Where a client may begin. */
  roots: { host: string; port: number }[]
  /** Every master says that all slots are served. */
  whole(): Promise<boolean>
}

const SLOTS = 16_384
const MASTERS = 3

const ask = async (port: number, ...command: [string, ...(string | number)[]]) => {
  const client = new Redis({ port, host: '127.0.0.1', maxRetriesPerRequest: 1, retryStrategy: () => null })
  client.on('error', () => {})
  try {
    return await client.call(...command)
  } finally {
    client.disconnect()
  }
}

/** `more`: of each one's command line. Starts three masters, makes them known to each other and waits until they serve every slot. */
export async function startRedisCluster(more: string[] = []): Promise<TestRedisCluster> {
  const nodes: TestRedis[] = []
  for (let number = 0; number < MASTERS; number += 1) {
    const bus = await freePort()
    const settings = [
      '--cluster-enabled',
      'yes',
      '--cluster-port',
      String(bus),
      '--cluster-node-timeout',
      '2000',
      ...more,
    ]
    const node = await startRedis({ settings })
    nodes.push(node)
    const from = Math.ceil((SLOTS / MASTERS) * number)
    const to = Math.ceil((SLOTS / MASTERS) * (number + 1)) - 1
    await ask(node.port, 'CLUSTER', 'ADDSLOTSRANGE', from, to)
    await ask(nodes[0]?.port ?? 0, 'CLUSTER', 'MEET', '127.0.0.1', node.port, bus)
  }
  const isWhole = async ({ port }: TestRedis) => {
    const info = String(await ask(port, 'CLUSTER', 'INFO').catch(() => ''))
    return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${MASTERS}`)
  }
  const whole = async () => (await Promise.all(nodes.map(isWhole))).every(Boolean)
  await waitFor(whole, { what: 'the cluster', deadlineMs: 60_000 })
  return { nodes, roots: nodes.map(({ port }) => ({ host: '127.0.0.1', port })), whole }
}
