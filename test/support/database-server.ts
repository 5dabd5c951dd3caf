// Vitest's global setup: a PostgreSQL for each of the run's workers, or DATABASE_URL_TEST for the only one. Files that run at
// once share none: an open transaction in one database holds back the log's horizon in all others of its server.
// Embedded ones are without fsync. Projects of one run share them through their data folders; whatever databases the run made
// are gone afterwards, and an interrupted run, which Vitest ends at once, takes the servers along.
import { readFileSync, rmSync } from 'node:fs'
import { rm } from 'node:fs/promises'
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
  const dataDirs = Array.from({ length: workers }, (_, n) => join(tmpdir(), `${prefix}_${n + 1}`))
  const endAtOnce = () => {
    dataDirs.forEach(killServer)
    for (const dir of [...dataDirs, project.tmpDir]) rmSync(dir, { recursive: true, force: true })
  }
  process.once('exit', endAtOnce)
  const servers = await Promise.all(
    dataDirs.map((dataDir) => startEmbeddedPostgres({ dataDir, durable: false })),
  )
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
