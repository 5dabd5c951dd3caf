// `npm run cluster`: the topology of docker-compose.yml without Docker. PostgreSQL, Redis, two nodes of the demo and a
// reverse proxy before them. Prints one line of JSON when all is up, and one for each command that it takes on its input:
//   kill NAME SIGNAL · stop NAME (SIGTERM, waits) · start NAME · restart NAME · roll (each node in turn) · ready
// Options: --nodes=2 --port=3000 --redis=URL|none --database=URL. Ends what it started when its input ends.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { freePort } from './free-port.js'
import { startProxy } from './proxy.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const options = Object.fromEntries(
  process.argv.slice(2).map((argument) => {
    const [, name, value = ''] = /^--([^=]+)=?(.*)$/.exec(argument) ?? []
    return [name, value]
  }),
)
const count = Number(options.nodes ?? 2)
const dir = await mkdtemp(join(tmpdir(), 'noclobber-cluster-'))
// As root the database runs as somebody else, who must reach its folder.
await chmod(dir, 0o755)
const ends = []
const say = (message) => console.log(JSON.stringify(message))

async function startDatabase() {
  if (options.database) return options.database
  const { startEmbeddedPostgres } = await import('../dist/server/index.js')
  const postgres = await startEmbeddedPostgres({ dataDir: join(dir, 'postgres'), durable: false })
  ends.push(() => postgres.stop())
  return postgres.url
}

async function startRedis() {
  if (options.redis === 'none') return ''
  if (options.redis) return options.redis
  const port = await freePort()
  const child = spawn(
    'redis-server',
    ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--save', '', '--appendonly', 'no'],
    { stdio: 'ignore' },
  )
  await Promise.race([
    once(child, 'spawn'),
    once(child, 'error').then(([error]) => {
      throw new Error(
        `No redis-server on the PATH (${error.message}): install one, or use --redis=URL or --redis=none`,
      )
    }),
  ])
  ends.push(async () => {
    child.kill('SIGKILL')
    await once(child, 'close')
  })
  return `redis://127.0.0.1:${port}`
}

const nodes = new Map()
/** Many nodes on few cores: a small young generation is collected more often, and each time sooner. */
const NODE_FLAGS = ['--enable-source-maps', '--max-semi-space-size=4']

/** Each start of a node is on the port that it had: who was connected to it finds it again. */
async function startNode(name, environment) {
  const port = nodes.get(name)?.port ?? (await freePort())
  const child = spawn(process.execPath, [...NODE_FLAGS, 'dist/server/demo/main.js'], {
    cwd: root,
    env: { ...process.env, ...environment, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const node = { name, port, child, isMeant: true }
  node.ended = once(child, 'close').then(([code, signal]) => ({ code, signal }))
  nodes.set(name, node)
  const isUp = new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => /is at\s+http/.test(line) && resolve())
    node.ended.then(({ code }) => reject(new Error(`Node ${name} ended with ${code} before it was up.`)))
  })
  await isUp
  return node
}

async function stopNode(node, signal = 'SIGTERM') {
  node.child.kill(signal)
  return node.ended
}

async function stop(code) {
  for (const node of nodes.values()) node.child.kill('SIGCONT')
  await Promise.all([...nodes.values()].map((node) => stopNode(node, 'SIGTERM')))
  for (const end of ends.reverse()) await end().catch(() => {})
  await rm(dir, { recursive: true, force: true })
  process.exit(code)
}

let stopping = false
const stopOnce = (code) => {
  if (stopping) return
  stopping = true
  stop(code)
}
process.on('SIGTERM', () => stopOnce(0))
process.on('SIGINT', () => stopOnce(0))

try {
  const databaseUrl = await startDatabase()
  const redisUrl = await startRedis()
  const environment = { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl }
  for (let number = 1; number <= count; number += 1) await startNode(`node${number}`, environment)
  const proxy = await startProxy({ port: Number(options.port ?? 3000), nodes: () => [...nodes.values()] })
  ends.push(() => proxy.stop())

  /** Ready by the proxy's own word: it sends requests there. */
  const untilReady = async (wanted) => {
    for (let waited = 0; waited < 30_000 && proxy.ready() < wanted; waited += 50) {
      await proxy.check()
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  await untilReady(count)
  say({
    event: 'up',
    url: `http://127.0.0.1:${proxy.port}`,
    nodes: [...nodes.values()].map(({ name, port, child }) => ({
      name,
      url: `http://127.0.0.1:${port}`,
      pid: child.pid,
    })),
    database: databaseUrl,
    redis: redisUrl,
  })

  const restart = async (name) => {
    const node = nodes.get(name)
    const ended = await stopNode(node)
    await startNode(name, environment)
    await untilReady(count)
    return ended
  }
  const commands = {
    kill: (name, signal = 'SIGKILL') => ({ sent: nodes.get(name).child.kill(signal) }),
    stop: (name) => stopNode(nodes.get(name)),
    start: async (name) => {
      await startNode(name, environment)
      await untilReady(count)
      return {}
    },
    restart,
    roll: async () => {
      const ended = []
      for (const name of nodes.keys()) ended.push(await restart(name))
      return { ended }
    },
    ready: () => ({ count: proxy.ready() }),
  }
  const input = createInterface({ input: process.stdin })
  input.on('line', async (line) => {
    const [command, ...values] = line.trim().split(/\s+/)
    if (!(command in commands)) return say({ event: 'unknown', command })
    try {
      say({ event: command, ...(await commands[command](...values)) })
    } catch (error) {
      say({ event: command, error: error.message })
    }
  })
  if (!process.stdin.isTTY) input.on('close', () => stopOnce(0))
} catch (error) {
  console.error(error.message)
  stopOnce(1)
}
