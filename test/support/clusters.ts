// Whole PostgreSQL clusters whose data folders are copied, rolled back, promoted and killed. They end with the test file.
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { appendFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { type Cluster, newPassword, openCluster } from '../../server/embedded-postgres/data-dir.ts'
import {
  accountFor,
  EMBEDDED_USER,
  giveTo,
  runProgram,
  writePrivately,
} from '../../server/embedded-postgres/os-account.ts'
import { passwordOf } from '../../server/embedded-postgres/password.ts'
import { launch, servedPort, shutDown } from '../../server/embedded-postgres/server-process.ts'
import { atEnd } from './at-end.ts'
import { postgresFolder } from './programs.ts'

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
  /** Kills it, and removes its folder. */
  remove(): Promise<void>
  /** Runs a program of PostgreSQL against it, which is at `$PGHOST`, `$PGPORT` …; gives what it printed. */
  run(program: string, args: string[]): Promise<string>
  /** The same of a script of bash, for which these programs are on the path; what fails ends it. */
  script(text: string): Promise<string>
  /** A copy made by pg_basebackup while it runs. `isStandby`: it follows from its start on. */
  baseBackup(isStandby?: boolean): Promise<TestCluster>
  /** Writes an empty file into its folder: `recovery.signal`, `standby.signal`. */
  signal(name: string): Promise<void>
}

const of = (cluster: Cluster): TestCluster => {
  let port = 0
  let password = ''
  const account = cluster.account ?? {}
  // A copy of a copy is named after the first: a name has an end.
  const beside = () => `${cluster.dir.replace(/(-[0-9a-f]{8})+$/, '')}-${randomBytes(4).toString('hex')}`
  const copied = async (dir: string) => {
    await rm(join(dir, 'noclobber.conf'), { force: true })
    await rm(join(dir, 'postmaster.pid'), { force: true })
    return of({ ...cluster, dir })
  }
  const self: TestCluster = {
    dir: cluster.dir,
    port: () => port,
    url: () => `postgres://${EMBEDDED_USER}:${password}@127.0.0.1:${port}/postgres`,
    start: async () => {
      const trouble = await launch(cluster, { port: port || undefined, durable: true })
      if (trouble) throw new Error(trouble)
      port = (await servedPort(cluster)) ?? 0
      password = await passwordOf(cluster)
    },
    stop: () => shutDown(cluster),
    kill: async () => {
      const [pid] = (await readFile(join(cluster.dir, 'postmaster.pid'), 'utf8')).split('\n')
      const { stdout } = await run('ps', ['-o', 'pid=', '--ppid', String(pid)])
      const all = [pid, ...stdout.split('\n').map((line) => line.trim())].filter((each) => each)
      // Some of its children have ended by now.
      for (const each of all)
        try {
          process.kill(Number(each), 'SIGKILL')
        } catch {}
      await rm(join(cluster.dir, 'postmaster.pid'), { force: true })
    },
    sql: async (text) => {
      const client = new pg.Client({ connectionString: self.url() })
      await client.connect()
      return (await client.query(text).finally(() => client.end())).rows ?? []
    },
    set: (settings) => appendFile(join(cluster.dir, 'postgresql.auto.conf'), `${settings}\n`),
    copy: async () => {
      const dir = beside()
      await run('cp', ['-a', cluster.dir, dir])
      return copied(dir)
    },
    become: async (other) => {
      await rm(cluster.dir, { recursive: true })
      await run('cp', ['-a', other.dir, cluster.dir])
    },
    remove: async () => {
      if ((await servedPort(cluster)) !== null) await self.kill()
      await rm(cluster.dir, { recursive: true, force: true })
    },
    run: async (program, args) => {
      const env = { PGHOST: '127.0.0.1', PGPORT: String(port), PGUSER: EMBEDDED_USER, PGPASSWORD: password }
      const path = join(cluster.binaries.initdb, '..', program)
      const { PATH } = process.env
      return (await run(path, args, { env: { PATH, ...env, PGDATABASE: 'postgres' }, cwd: '/', ...account }))
        .stdout
    },
    script: (text) => {
      const programs = join(cluster.binaries.initdb, '..')
      const bash = relative(programs, '/bin/bash')
      return self.run(bash, ['--norc', '-euc', `export PATH="${programs}:$PATH"\n${text}`])
    },
    baseBackup: async (isStandby = false) => {
      const dir = beside()
      await mkdir(dir, { mode: 0o700 })
      await giveTo(cluster.account, dir)
      await self.run('pg_basebackup', [
        ...['--pgdata', dir, '--checkpoint=fast', '--wal-method=stream', '--no-sync'],
        ...(isStandby ? ['--write-recovery-conf'] : []),
      ])
      return copied(dir)
    },
    signal: async (name) => {
      await writeFile(join(cluster.dir, name), '')
      await giveTo(cluster.account, join(cluster.dir, name))
    },
  }
  atEnd(self.remove)
  return self
}

const home = async () => {
  const dir = join(tmpdir(), `noclobber_test_history_${randomBytes(6).toString('hex')}`)
  await mkdir(dir)
  atEnd(() => rm(dir, { recursive: true, force: true }))
  return dir
}

const SETTINGS = 'wal_writer_delay = 10s\nfsync = off\nmax_prepared_transactions = 5'

/** A cluster of its own, started. */
export const startCluster = async (): Promise<TestCluster> => {
  const cluster = of(await openCluster(await home(), false))
  await cluster.set(SETTINGS)
  await cluster.start()
  return cluster
}

/** The same of the PostgreSQL that the system has, which brings pg_dump, pg_restore and pg_basebackup; it archives into a folder. */
export const startSystemCluster = async (): Promise<{ cluster: TestCluster; archive: string }> => {
  const [folder, parent] = [await postgresFolder(), await home()]
  const account = await accountFor(join(parent, 'postgres'))
  const [dir, archive] = [join(parent, 'postgres'), join(parent, 'archive')]
  for (const each of [dir, archive]) {
    await mkdir(each, { mode: 0o700 })
    await giveTo(account, each)
  }
  const passwordFile = join(parent, 'password')
  await writePrivately(account, passwordFile, `${newPassword()}\n`)
  const initdb = join(folder, 'initdb')
  const { code, output } = await runProgram(account, initdb, [
    ...['--pgdata', dir, '--username', EMBEDDED_USER, '--pwfile', passwordFile, '--auth=scram-sha-256'],
    ...['--encoding=UTF8', '--locale=C', '--no-sync', '--wal-segsize=1'],
  ])
  if (code !== 0) throw new Error(output)
  await appendFile(join(dir, 'postgresql.conf'), "include = 'noclobber.conf'\n")
  await run('mv', [passwordFile, join(dir, 'noclobber.password')])
  const binaries = { initdb, pgCtl: join(folder, 'pg_ctl'), major: '' }
  const cluster = of({ dir, account, binaries })
  await cluster.set(`${SETTINGS}\narchive_mode = on\narchive_command = 'cp %p "${archive}/%f"'`)
  await cluster.start()
  return { cluster, archive }
}

/** Makes a copied folder a standby of the one that it was copied from, from its next start on. */
export const makeStandby = async (copy: TestCluster, primary: TestCluster): Promise<void> => {
  const { port, password } = new URL(primary.url())
  await copy.set(`primary_conninfo = 'host=127.0.0.1 port=${port} user=postgres password=${password}'`)
  await copy.signal('standby.signal')
}
