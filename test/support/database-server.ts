// Vitest's global setup: one PostgreSQL for the whole run, DATABASE_URL_TEST or else an embedded one without fsync.
// Projects of one run share it through its data folder; whatever databases the run made are gone afterwards, and an
// interrupted run, which Vitest ends at once, takes the server along.
import { readFileSync, rmSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { startEmbeddedPostgres } from '../../server/db/embedded-postgres.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** A superuser's URL of the run's PostgreSQL. */
    postgresUrl: string
    /** What the names of all the run's databases begin with. */
    databasePrefix: string
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const prefix = `noclobber_test_${process.pid}`
  project.provide('databasePrefix', prefix)
  const given = process.env.DATABASE_URL_TEST
  if (given) {
    project.provide('postgresUrl', given)
    return () => dropDatabases(given, prefix)
  }
  const dataDir = join(tmpdir(), prefix)
  const { url, stop } = await startEmbeddedPostgres({ dataDir, durable: false })
  project.provide('postgresUrl', url)
  const endAtOnce = () => {
    killServer(dataDir)
    for (const dir of [dataDir, project.tmpDir]) rmSync(dir, { recursive: true, force: true })
  }
  process.once('exit', endAtOnce)
  return async () => {
    await stop()
    await rm(dataDir, { recursive: true, force: true })
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
