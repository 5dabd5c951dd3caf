// A Redis of one's own on a free port, with nothing saved to disk. It ends with the test file.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { freePort } from '../../scripts/free-port.js'
import { atEnd, atLast } from './at-end.ts'
import { findProgram } from './programs.ts'
import { waitFor } from './wait-for.ts'

/** A running Redis. */
export interface TestRedis {
  url: string
  port: number
  /** For faults: SIGSTOP, SIGCONT, SIGKILL. */
  signal(name: NodeJS.Signals): void
  /** Called by itself at the end of the file. */
  stop(): Promise<void>
}

/** Starts it and waits until it answers. `port`: to bring it back where it was; `settings`: more of its command line. */
export async function startRedis(options: { port?: number; settings?: string[] } = {}): Promise<TestRedis> {
  const program = await findProgram('redis', ['redis-server'], 'redis-server')
  const port = options.port ?? (await freePort())
  const dir = await mkdtemp(join(tmpdir(), 'noclobber-redis-'))
  const child = spawn(
    program,
    [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--save', '', '--appendonly', 'no'],
      ...(options.settings ?? []),
    ],
    { stdio: 'ignore' },
  )
  const ended = once(child, 'close')
  const redis: TestRedis = {
    url: `redis://127.0.0.1:${port}`,
    port,
    signal: (name) => child.kill(name),
    stop: async () => {
      child.kill('SIGCONT')
      child.kill('SIGKILL')
      await ended
      await rm(dir, { recursive: true, force: true })
    },
  }
  atLast(redis.stop)
  await waitFor(() => child.exitCode === null && answersPing(port), { what: `Redis on port ${port}` })
  return redis
}

/** A client as an app makes one: it connects when it is needed. It ends with the test file. */
export function redisClient(url: string): Redis {
  const client = new Redis(url, { lazyConnect: true })
  client.on('error', () => {})
  atEnd(() => client.disconnect())
  return client
}

function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'))
    socket.once('data', (reply) => {
      socket.destroy()
      resolve(reply.toString().startsWith('+PONG'))
    })
    socket.once('error', () => resolve(false))
  })
}
