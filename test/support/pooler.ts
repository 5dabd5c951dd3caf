// PgBouncer before the run's PostgreSQL. In transaction mode, the default, each transaction gets whatever server connection is
// free; in session mode each client keeps one. It ends with the test file.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { freePort } from '../../scripts/free-port.js'
import { atEnd } from './at-end.ts'
import { postgresUrl } from './postgres.ts'
import { findProgram } from './programs.ts'
import { waitFor } from './wait-for.ts'

export interface TestPooler {
  /** A database's URL by way of the pooler. */
  urlFor(databaseUrl: string): string
  /** It keeps prepared statements: PgBouncer 1.21 and later, where it is configured to. */
  keepsStatements: boolean
}

/** `nobody`: it refuses to be run by root. */
const NOBODY = 65_534

const keeps = (version: string) => {
  const [, major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(version) ?? []).map(Number)
  return major > 1 || minor >= 21
}

/** Starts it and waits until it answers. */
export async function startPooler({
  poolSize = 10,
  mode = 'transaction',
  login,
  before,
}: {
  poolSize?: number
  mode?: 'session' | 'transaction'
  /** With whom it connects, under whatever name a client comes. Default: the superuser. */
  login?: { username: string; password: string }
  /** The server's URL. Default: the run's own. */
  before?: string
} = {}): Promise<TestPooler> {
  const program = await findProgram('pgbouncer', ['pgbouncer'], 'pgbouncer')
  const { stdout } = await promisify(execFile)(program, ['--version'])
  const keepsStatements = keeps(stdout)
  const server = new URL(before ?? postgresUrl())
  if (login) Object.assign(server, login)
  const port = await freePort()
  const dir = await mkdtemp(join(tmpdir(), 'noclobber-pooler-'))
  await chmod(dir, 0o755)
  const config = join(dir, 'pgbouncer.ini')
  await writeFile(
    config,
    `[databases]
* = host=${server.hostname} port=${server.port || 5432} user=${server.username} password=${decodeURIComponent(server.password)}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = ${mode}
default_pool_size = ${poolSize}
max_client_conn = 200
${keepsStatements ? 'max_prepared_statements = 200' : ''}
`,
  )
  const isRoot = process.getuid?.() === 0
  const child = spawn(program, ['-q', config], {
    stdio: 'ignore',
    ...(isRoot ? { uid: NOBODY, gid: NOBODY } : {}),
  })
  const ended = once(child, 'close')
  atEnd(async () => {
    child.kill('SIGKILL')
    await ended
    await rm(dir, { recursive: true, force: true })
  })
  const urlFor = (databaseUrl: string) => {
    const url = new URL(databaseUrl)
    url.hostname = '127.0.0.1'
    url.port = String(port)
    return url.href
  }
  await waitFor(() => child.exitCode === null && answers(urlFor(server.href)), { what: 'PgBouncer' })
  return { urlFor, keepsStatements }
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query('select 1')
    return true
  } catch {
    return false
  } finally {
    await client.end().catch(() => {})
  }
}
