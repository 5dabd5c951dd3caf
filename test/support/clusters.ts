// Whole PostgreSQL clusters whose data folders are copied, rolled back, promoted and killed. They end with the test file.
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { appendFile, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { type Cluster, openCluster } from '../../server/embedded-postgres/data-dir.ts'
import { passwordOf } from '../../server/embedded-postgres/password.ts'
import { launch, servedPort, shutDown } from '../../server/embedded-postgres/server-process.ts'
import { atEnd } from './at-end.ts'

const run = promisify(execFile)

export interface TestCluster {
  dir: string
  url(): string
  port(): number
  start(): Promise<void>
  /** Ends it in good order. */
  stop(): Promise<void>
  /** kill -9 of all of it. */
  kill(): Promise<void>
  sql(text: string): Promise<pg.QueryResultRow[]>
  /** Further settings, from the next start on. */
  set(settings: string): Promise<void>
  /** A copy of the data folder while it is stopped. With the folder it goes. */
  copy(): Promise<TestCluster>
  /** Puts that one's folder, as it is, in place of its own. */
  become(other: TestCluster): Promise<void>
}

const of = (cluster: Cluster): TestCluster => {
  let port = 0
  let password = ''
  const self: TestCluster = {
    dir: cluster.dir,
    port: () => port,
    url: () => `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
    start: async () => {
      const trouble = await launch(cluster, { port: port || undefined, durable: true })
      if (trouble) throw new Error(trouble)
      port = (await servedPort(cluster)) ?? 0
      password = await passwordOf(cluster)
    },
    stop: () => shutDown(cluster),
    kill: async () => {
      const [pid] = (await readFile(join(cluster.dir, 'postmaster.pid'), 'utf8')).split('\n')
      // Its children end when they see it gone.
      const { stdout } = await run('ps', ['-o', 'pid=', '--ppid', String(pid)])
      for (const each of [pid, ...stdout.split('\n').map((line) => line.trim())])
        if (each) process.kill(Number(each), 'SIGKILL')
      await rm(join(cluster.dir, 'postmaster.pid'), { force: true })
    },
    sql: async (text) => {
      const client = new pg.Client({ connectionString: self.url() })
      await client.connect()
      return (await client.query(text).finally(() => client.end())).rows ?? []
    },
    set: (settings) => appendFile(join(cluster.dir, 'postgresql.auto.conf'), `${settings}\n`),
    copy: async () => {
      const dir = `${cluster.dir}-${randomBytes(4).toString('hex')}`
      await run('cp', ['-a', cluster.dir, dir])
      await rm(join(dir, 'noclobber.conf'), { force: true })
      return of({ ...cluster, dir })
    },
    become: async (other) => {
      await rm(cluster.dir, { recursive: true })
      await run('cp', ['-a', other.dir, cluster.dir])
    },
  }
  atEnd(async () => {
    if ((await servedPort(cluster)) !== null) await self.kill()
    await rm(cluster.dir, { recursive: true, force: true })
  })
  return self
}

/** A cluster of its own, started. */
export const startCluster = async (): Promise<TestCluster> => {
  const home = join(tmpdir(), `noclobber_test_history_${randomBytes(6).toString('hex')}`)
  const cluster = of(await openCluster(home, false))
  atEnd(() => rm(home, { recursive: true, force: true }))
  await cluster.set('wal_writer_delay = 10s\nfsync = off\nmax_prepared_transactions = 5')
  await cluster.start()
  return cluster
}

/** Makes a copied folder a standby of the one that it was copied from, from its next start on. */
export const makeStandby = async (copy: TestCluster, primary: TestCluster): Promise<void> => {
  const { port, password } = new URL(primary.url())
  await copy.set(`primary_conninfo = 'host=127.0.0.1 port=${port} user=postgres password=${password}'`)
  await writeFile(join(copy.dir, 'standby.signal'), '')
  await run('chown', ['--reference', dirname(join(copy.dir, 'x')), join(copy.dir, 'standby.signal')])
}
