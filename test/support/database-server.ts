// Vitest's global setup: a PostgreSQL for each of the run's workers, or DATABASE_URL_TEST for the only one. Files that run at
// once share none: an open transaction in one database holds back the log's horizon in all others of its server.
// Embedded ones are without fsync, and their data is in memory where there is room. Projects of one run share them through their data
// folders; whatever databases the run made are gone afterwards, and an interrupted run, which Vitest ends at once, takes the servers along.
import { readFileSync, rmSync } from 'node:fs'
import { readdir, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { startEmbeddedPostgres } from '../../server/embedded-postgres/index.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** A superuser's URLs of the run's PostgreSQL servers: each worker's at the place of its number. */
    postgresUrls: string[]
    /** What the names of all the run's databases begin with. */
    databasePrefix: string
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const prefix = `noclobber_test_${process.pid}`
  project.provide('databasePrefix', prefix)
  const given = process.env.DATABASE_URL_TEST
  if (given) {
    project.provide('postgresUrls', [given])
    return () => dropDatabases(given, prefix)
  }
  const workers = project.config.maxWorkers
  const home = await homeOfData()
  const dataDirs = Array.from({ length: workers }, (_, n) => join(home, `${prefix}_${n + 1}`))
  const endAtOnce = () => {
    dataDirs.forEach(killServer)
    for (const dir of [...dataDirs, project.tmpDir]) rmSync(dir, { recursive: true, force: true })
  }
  process.once('exit', endAtOnce)
  const servers = await Promise.all(
    dataDirs.map((dataDir) => startEmbeddedPostgres({ dataDir, durable: false })),
  )
  for (const { url } of servers) await setUpServer(url)
  project.provide(
    'postgresUrls',
    servers.map(({ url }) => url),
  )
  return async () => {
    for (const { stop } of servers) await stop()
    for (const dataDir of dataDirs) await rm(dataDir, { recursive: true, force: true })
    process.off('exit', endAtOnce)
  }
}

/** Files in memory, on Linux: to make the 300 of a database takes half the processor time that it takes on a disk. */
const MEMORY = '/dev/shm'
const LEAST_FREE_BYTES = 4e9

/** Data of runs that were killed is removed from there: nothing else does it. */
async function homeOfData(): Promise<string> {
  const { bavail, bsize } = await statfs(MEMORY).catch(() => ({ bavail: 0, bsize: 0 }))
  if (bavail * bsize < LEAST_FREE_BYTES) return tmpdir()
  for (const name of await readdir(MEMORY)) {
    const pid = Number(/^noclobber_test_(\d+)_/.exec(name)?.[1] ?? Number.NaN)
    if (pid > 0 && !isAlive(pid)) await rm(join(MEMORY, name), { recursive: true, force: true })
  }
  return MEMORY
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** By itself a server keeps up to 1 GB of its log, and looks through each database once a minute. */
async function setUpServer(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(`alter system set max_wal_size = '128MB'`)
  await client.query('alter system set autovacuum = off')
  await client.query('select pg_reload_conf()')
  await client.end()
}

function killServer(dataDir: string): void {
  try {
    const [pid] = readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')
    process.kill(Number(pid), 'SIGQUIT')
  } catch {
    // Another project of the run has ended it.
  }
}

async function dropDatabases(url: string, prefix: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query('select datname from pg_database where starts_with(datname, $1)', [
    prefix,
  ])
  for (const { datname } of rows) await client.query(`drop database if exists "${datname}" with (force)`)
  await client.end()
}
