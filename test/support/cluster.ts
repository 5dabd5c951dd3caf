// The demo as two nodes with Redis and a proxy before them: scripts/cluster.js, driven by its lines. Ends with the test
// file.
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { atEnd } from './at-end.ts'
import { buildPackage } from './built.ts'
import { findProgram } from './programs.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

interface ClusterNode {
  name: string
  url: string
  pid: number
}

export interface Cluster {
  /** The proxy's. */
  url: string
  nodes: ClusterNode[]
  database: string
  redis: string
  /** Sends a command and gives its answer. */
  // biome-ignore lint/suspicious/noExplicitAny: each command answers in its own way
  ask(command: string): Promise<any>
}

export interface ClusterOptions {
  nodes?: number
  redis?: string
  database?: string
}

/** Builds what isn't built, starts everything and waits until the proxy sends requests to each node. */
export async function startCluster({ nodes = 2, redis, database }: ClusterOptions = {}): Promise<Cluster> {
  await buildPackage()
  if (redis === undefined) await findProgram('redis', ['redis-server'], 'redis-server')
  const child: ChildProcess = spawn(
    process.execPath,
    [
      'scripts/cluster.js',
      '--port=0',
      `--nodes=${nodes}`,
      ...(redis ? [`--redis=${redis}`] : []),
      ...(database ? [`--database=${database}`] : []),
    ],
    { cwd: root, stdio: ['pipe', 'pipe', 'inherit'] },
  )
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  atEnd(() => {
    child.stdin?.end()
    return ended
  })
  const waiting: ((message: Record<string, unknown>) => void)[] = []
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
    if (line.startsWith('{')) waiting.shift()?.(JSON.parse(line))
  })
  const next = () =>
    new Promise<Record<string, unknown>>((resolve, reject) => {
      waiting.push(resolve)
      ended.then(() => reject(new Error('The cluster ended.')))
    })
  const up = (await next()) as unknown as Omit<Cluster, 'ask'>
  return {
    ...up,
    ask: async (command) => {
      const answer = next()
      child.stdin?.write(`${command}\n`)
      const given = await answer
      if ('error' in given) throw new Error(String(given.error))
      return given
    },
  }
}
