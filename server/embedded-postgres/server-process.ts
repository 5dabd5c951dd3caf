// Starting and ending the server process of an embedded cluster, and where it listens.
// `postmaster.pid`, which PostgreSQL itself writes and locks, says whether a server runs and on which port; it is believed only as far as
// the process that it names is there and at home in this folder.
import { readFile, readlink, rename, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { platform } from 'node:os'
import { join } from 'node:path'
import type { Cluster } from './data-dir.ts'
import { runProgram, writePrivately } from './os-account.ts'

/** How a server is to be started. */
export interface LaunchOptions {
  port: number | undefined
  durable: boolean
}

/** The port of the server that runs on this cluster by its own mark; `null` where none does. Who listens there must still prove it. */
export async function servedPort({ dir }: Cluster): Promise<number | null> {
  const lines = (await readFile(join(dir, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')
  return (await isServing(Number(lines[0]), dir)) ? Number(lines[3]) || null : null
}

/** A killed server leaves its mark, and its number may be another program's by now: a server stands in its data folder. */
async function isServing(pid: number, dir: string): Promise<boolean> {
  if (!(pid > 0)) return false
  if (platform() !== 'linux') return true
  try {
    return (await readlink(`/proc/${pid}/cwd`)) === dir
  } catch (error) {
    // Where one may not look, the server must prove itself anyway.
    return (error as NodeJS.ErrnoException).code !== 'ENOENT'
  }
}

/** Starts the server and waits until it takes connections; answers `null`, or what its log says against it. */
export async function launch(cluster: Cluster, options: LaunchOptions): Promise<string | null> {
  await writeSettings(cluster, options)
  const log = join(cluster.dir, 'noclobber.log')
  const { size } = await stat(log).catch(() => ({ size: 0 }))
  const { code, output } = await runProgram(cluster.account, cluster.binaries.pgCtl, [
    ...['start', '--wait', '--timeout=60', '--silent', '--pgdata', cluster.dir, '--log', log],
  ])
  if (code === 0) return null
  const written = await readFile(log).catch(() => Buffer.alloc(0))
  return written.subarray(size).toString().trim() || output
}

/** Ends the server and waits until it is down: open connections are cut, nothing committed is lost. */
export async function shutDown(cluster: Cluster): Promise<void> {
  const { code, output } = await runProgram(cluster.account, cluster.binaries.pgCtl, [
    ...['stop', '--wait', '--timeout=60', '--silent', '--mode=fast', '--pgdata', cluster.dir],
  ])
  if (code !== 0 && (await servedPort(cluster)) !== null)
    throw new Error(`PostgreSQL in ${cluster.dir} did not stop: ${output}`)
}

async function writeSettings({ dir, account }: Cluster, { port, durable }: LaunchOptions): Promise<void> {
  const path = join(dir, 'noclobber.conf')
  const last = /^port = (\d+)$/m.exec(await readFile(path, 'utf8').catch(() => ''))
  const lines = [
    `port = ${port ?? (await freePort(Number(last?.[1] ?? 0)))}`,
    "listen_addresses = '127.0.0.1'",
    "unix_socket_directories = ''",
    'max_connections = 200',
    "timezone = 'UTC'",
    "log_timezone = 'UTC'",
    "log_min_messages = 'log'",
    'log_checkpoints = off',
    ...(durable ? [] : ['fsync = off', 'synchronous_commit = off', 'full_page_writes = off']),
  ]
  const fresh = `${path}.${lines[0]?.slice(7)}`
  await rm(fresh, { force: true })
  await writePrivately(account, fresh, `${lines.join('\n')}\n`)
  await rename(fresh, path)
}

/** `wanted` if nobody listens there, else any port that is free. */
function freePort(wanted: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', (cause) => (wanted === 0 ? reject(cause) : freePort(0).then(resolve, reject)))
    probe.listen(wanted, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : wanted))
    })
  })
}
