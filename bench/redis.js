// A Redis for the benchmarks of several nodes: that of REDIS_URL, or one of its own that saves nothing.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { freePort } from '../scripts/free-port.js'

/** @throws where there is no redis-server on the PATH. */
export const openRedis = async () => {
  const { REDIS_URL } = process.env
  if (REDIS_URL) return { url: REDIS_URL, close: async () => {} }
  const port = await freePort()
  const words = ['--port', port, '--bind', '127.0.0.1', '--dir', tmpdir(), '--save', '', '--appendonly', 'no']
  const child = spawn('redis-server', words.map(String), { stdio: ['ignore', 'pipe', 'ignore'] })
  await once(child, 'spawn')
  for await (const chunk of child.stdout) if (String(chunk).includes('eady to accept connections')) break
  return {
    url: `redis://127.0.0.1:${port}`,
    close: async () => {
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}
