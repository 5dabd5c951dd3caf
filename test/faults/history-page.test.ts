// The commands of docs/history.md, taken from the page and run as they stand: only its folders are others here, and the time to
// which it recovers. After each of them no version stands for two contents, and a save that was lost can't be built on.
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import createKnex from 'knex'
import { migrate, trackTable } from 'noclobber/migrations'
import { createRecordServer, defineRecordType } from 'noclobber/server'
import { beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { freePort } from '../../scripts/free-port.js'
import { runCommand } from '../../server/cli/run.ts'
import { accountFor, giveTo } from '../../server/embedded-postgres/os-account.ts'
import { atEnd } from '../support/at-end.ts'
import { startSystemCluster, type TestCluster } from '../support/clusters.ts'
import { startFaultProxy } from '../support/fault-proxy.ts'
import { blocksOf } from '../support/guide.ts'
import { isWithout } from '../support/programs.ts'
import { waitFor } from '../support/wait-for.ts'

const INSTALL_MS = 300_000
const actor = { id: 'a', name: 'A', tenantId: '' }

describe.skipIf(isWithout('postgresql'))('docs/history.md', () => {
  let cluster: TestCluster
  let records: ReturnType<typeof createRecordServer>
  let knex: ReturnType<typeof createKnex>
  let lead: (port: number) => void
  let asWritten: (text: string) => string
  let scripts: string[]
  let settings: string[]
  let statements: string[]
  const done: string[] = []

  beforeAll(async () => {
    const started = await startSystemCluster()
    cluster = started.cluster
    const home = dirname(cluster.dir)
    const account = await accountFor(cluster.dir)
    await mkdir(join(home, 'backup'))
    for (const folder of [home, join(home, 'backup')]) await giveTo(account, folder)
    const folders: Record<string, string> = {
      data: cluster.dir,
      archive: started.archive,
      backup: join(home, 'backup'),
      standby: join(home, 'standby'),
    }
    asWritten = (text) =>
      text.replace(/(?<![\w/])\/(data|archive|backup|standby)\b/g, (_, name) => `${folders[name]}`)
    const blocks = await blocksOf('docs/history.md')
    const of = (wanted: string) =>
      blocks.flatMap(({ language, code }) => (language === wanted ? [asWritten(code)] : []))
    ;[scripts, settings, statements] = [of('sh'), of('ini'), of('sql')]

    await cluster.sql('create database shop')
    const proxy = await startFaultProxy(cluster.port())
    lead = (port) => proxy.lead(port)
    const url = new URL(proxy.urlFor(cluster.url()))
    url.pathname = '/shop'
    const nothing = () => {}
    const log = { warn: nothing, error: nothing, deprecate: nothing, debug: nothing }
    knex = createKnex({ client: 'pg', connection: url.href, pool: { min: 0, max: 4 }, log })
    await migrate(knex)
    await knex.raw('create table tasks (id integer primary key, title text)')
    await trackTable(knex, 'tasks')
    await knex.raw(`insert into tasks values (1, 'made')`)
    records = createRecordServer({
      log: null,
      knex,
      types: [defineRecordType('task', { table: 'tasks', fields: { title: z.string() } })],
      authenticate: () => null,
      limits: { tablesMs: 100 },
    })
    atEnd(async () => {
      await records.stop()
      await knex.destroy()
    })
    await records.start()
  }, INSTALL_MS)

  /** The scripts of the page in which this stands, each run once. */
  const run = async (sign: string, change = (script: string) => script) => {
    const script = scripts.find((each) => each.includes(sign) && !done.includes(each))
    if (script === undefined) throw new Error(`The page has no further ${sign}.`)
    const own = script.split('\n').filter((line) => line.startsWith('npx noclobber '))
    const shell = change(script)
      .split('\n')
      .filter((line) => !own.includes(line))
      .join('\n')
    // As the page says: a restore that ends with a deadlock has done nothing, and is run again.
    const runAgain = async (tries: number): Promise<string> => {
      try {
        return await cluster.script(shell)
      } catch (error) {
        if (tries === 1 || !String(error).includes('deadlock detected')) throw error
        return await runAgain(tries - 1)
      }
    }
    const printed = await runAgain(5)
    done.push(script)
    for (const line of own) {
      const said: string[] = []
      const terminal = {
        ...{ out: (text: string) => said.push(text), err: (text: string) => said.push(text), cwd: '/' },
        ...{
          env: { DATABASE_URL: cluster.url().replace(/\w+$/, 'shop') },
          signal: new AbortController().signal,
        },
      }
      expect([line, await runCommand(line.split(' ').slice(2), terminal as never), said]).toEqual([
        line,
        0,
        said,
      ])
    }
    return printed
  }

  const readTitle = async () => {
    const found = await records.read('task', '1', { actor }).catch(() => null)
    return found?.outcome === 'found' ? found.record : null
  }
  const save = async (title: string) => {
    const record = await waitFor(readTitle, { what: 'the database', deadlineMs: 60_000 })
    const saved = await records.save('task', '1', {
      actor,
      clientVersion: record.version,
      changes: { title },
    })
    if (saved.outcome !== 'saved') throw new Error(`save: ${JSON.stringify(saved)}`)
    return saved.record.version
  }
  /** What was saved last is lost: its version is above none that is given, and nothing is built on it. */
  const comesBack = async (to: string, lost: number) => {
    await waitFor(async () => (await readTitle())?.fields.title === to, {
      what: async () => `${to}, not ${JSON.stringify(await readTitle())}`,
      deadlineMs: 60_000,
    })
    const stale = { actor, clientVersion: lost, changes: { title: 'over it' } }
    expect((await records.save('task', '1', stale)).outcome).toBe('conflict')
    expect(await save(`after ${to}`)).toBeGreaterThan(lost)
    expect((await records.save('task', '1', stale)).outcome).toBe('conflict')
  }

  test('backup, and restore in place', async () => {
    await save('kept in the dump')
    await run('/shop.dump')
    const lost = await save('lost')
    await run('--dbname=shop')
    await comesBack('kept in the dump', lost)
  })

  test('recovery to a point in time', async () => {
    for (const each of settings) await cluster.set(each)
    await cluster.stop()
    await cluster.start()
    await run('pg_basebackup')
    await save('kept at the time')
    const [{ at } = { at: '' }] = await cluster.sql('select clock_timestamp()::text as at')
    const lost = await save('lost')
    await run('recovery.signal', (script) => script.replace(/(?<=recovery_target_time = ')[^']+/, at))
    await waitFor(
      async () =>
        (await cluster.sql('select pg_is_in_recovery() as still').catch(() => []))[0]?.still === false,
      { what: 'the recovery', deadlineMs: 60_000 },
    )
    expect((await run('pg_is_in_recovery')).trim()).toBe('f')
    await comesBack('kept at the time', lost)
    await run('alter system reset')
  })

  test('one table alone', async () => {
    await save('kept in the table’s dump')
    const [dump = '', restore = ''] = (scripts.find((each) => each.includes('--table=tasks')) ?? '').split(
      '\n',
    )
    done.push(scripts.find((each) => each.includes('--table=tasks')) as string)
    await cluster.script(dump)
    const lost = await save('lost')
    await cluster.script(restore)
    await comesBack('kept in the table’s dump', lost)
  })

  test('`noclobber restored`, and transactions of two phases', async () => {
    const before = await save('before')
    await run('noclobber restored')
    expect(await save('after')).toBeGreaterThan(before + 100)
    await cluster.sql('create role billing')
    const [local, ofRole] = statements as [string, string]
    await knex.raw(ofRole)
    await knex.transaction(async (transaction) => {
      await transaction.raw(local)
      await transaction.raw(`update tasks set title = 'prepared' where id = 1`)
      await transaction.raw(`prepare transaction 'page'`)
    })
    await knex.raw(`commit prepared 'page'`)
    expect((await readTitle())?.fields.title).toBe('prepared')
  })

  test('failover to a standby', async () => {
    const port = await freePort()
    atEnd(async () => {
      await cluster.script(asWritten('pg_ctl stop --mode=immediate --pgdata=/standby || true'))
    })
    await save('kept by the standby')
    await run('--write-recovery-conf', (script) =>
      script.replace('pg_ctl start', `pg_ctl start --options="-p ${port}"`),
    )
    const onStandby = async (text: string) =>
      (
        await cluster.script(`psql --port=${port} --dbname=shop --tuples-only --no-align --command="${text}"`)
      ).trim()
    await waitFor(
      async () => (await onStandby('select title from tasks').catch(() => '')) === 'kept by the standby',
      { what: 'the standby', deadlineMs: 60_000 },
    )
    await onStandby('alter system reset primary_conninfo')
    await onStandby('select pg_reload_conf()')
    await waitFor(async () => (await cluster.sql('select from pg_stat_replication')).length === 0, {
      what: 'the standby to lag',
    })
    const lost = await save('lost')
    await cluster.kill()
    await run('promote')
    lead(port)
    await comesBack('kept by the standby', lost)
    expect(scripts.filter((each) => !done.includes(each))).toEqual([])
  })
})
