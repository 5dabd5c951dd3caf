// The ways in which a database's history goes back, each played on whole PostgreSQL servers behind the proxies of two nodes.
// A kind calls `lose` where what is saved may be lost, and `out` just before the database goes away; when it ends, the
// database has just come back.
import { join } from 'node:path'
import type { TestCluster } from './clusters.ts'
import type { FaultProxy } from './fault-proxy.ts'
import { waitFor } from './wait-for.ts'

export interface Servers {
  primary: TestCluster
  archive: string
  /** One before each node. */
  proxies: readonly [FaultProxy, FaultProxy]
}

interface Moments {
  lose(): Promise<void>
  out(): void
  /** The first node answers, and so knows the primary that it is led to. */
  reached(): Promise<void>
  /** The first node answers nothing but 503. */
  refused(): Promise<void>
}

export type Kind = (servers: Servers, moments: Moments) => Promise<void>

const away = ({ proxies }: Servers) => {
  for (const proxy of proxies) proxy.set('refuse')
}

const lead = (proxy: FaultProxy, cluster: TestCluster) => {
  proxy.lead(cluster.port())
  proxy.set('pass')
}

/** Another server is the primary from now on; the one before goes. */
const succeed = async (servers: Servers, next: TestCluster) => {
  const before = servers.primary
  servers.primary = next
  for (const proxy of servers.proxies) lead(proxy, next)
  await before.remove()
}

const standbyOf = async (primary: TestCluster) => {
  const standby = await primary.baseBackup(true)
  await standby.start()
  return standby
}

/** All that is committed has arrived there. */
const caughtUp = async (primary: TestCluster, standby: TestCluster) => {
  const [{ lsn } = { lsn: '' }] = await primary.sql('select pg_current_wal_flush_lsn() as lsn')
  const [sql, what] = [`select pg_last_wal_replay_lsn() >= '${lsn}' as there`, 'the standby to catch up']
  await waitFor(async () => (await standby.sql(sql))[0]?.there, { what })
}

const promote = (standby: TestCluster) => standby.sql('select pg_promote()')

const folderRolledBack: Kind = async (servers, { lose, out }) => {
  const { primary } = servers
  await primary.stop()
  const saved = await primary.copy()
  await primary.start()
  await lose()
  out()
  away(servers)
  await primary.stop()
  await primary.become(saved)
  await primary.start()
  await saved.remove()
  for (const proxy of servers.proxies) lead(proxy, primary)
}

const crashed: Kind = async (servers, { lose, out }) => {
  const { primary } = servers
  await primary.sql('alter system set synchronous_commit = off')
  await primary.sql('select pg_reload_conf()')
  await primary.sql('checkpoint')
  await lose()
  out()
  await primary.kill()
  await primary.set('synchronous_commit = on')
  await primary.start()
}

const laggingStandby: Kind = async (servers, { lose, out }) => {
  const { primary } = servers
  const standby = await standbyOf(primary)
  await caughtUp(primary, standby)
  await standby.sql('alter system reset primary_conninfo')
  await standby.sql('select pg_reload_conf()')
  const gone = async () => (await primary.sql('select from pg_stat_replication')).length === 0
  await waitFor(gone, { what: 'the standby to lose its primary' })
  await lose()
  out()
  away(servers)
  await promote(standby)
  await succeed(servers, standby)
}

/** Nothing that was answered is lost. */
const synchronousStandby: Kind = async (servers, { lose, out }) => {
  const { primary } = servers
  const standby = await standbyOf(primary)
  await primary.sql(`alter system set synchronous_standby_names = '*'`)
  await primary.sql('select pg_reload_conf()')
  const isSynchronous = async () =>
    (await primary.sql(`select from pg_stat_replication where sync_state = 'sync'`)).length > 0
  await waitFor(isSynchronous, { what: 'the synchronous standby' })
  await lose()
  out()
  away(servers)
  await primary.kill()
  await standby.sql('alter system reset synchronous_standby_names')
  await promote(standby)
  await succeed(servers, standby)
}

/** Recovery to a point in time, by a name or by the clock. */
const pointInTime =
  (by: 'name' | 'time'): Kind =>
  async (servers, { lose, out }) => {
    const { primary, archive } = servers
    const base = await primary.baseBackup()
    await primary.sql(`select pg_create_restore_point('before')`)
    const [{ at } = { at: '' }] = await primary.sql('select clock_timestamp()::text as at')
    await lose()
    out()
    away(servers)
    await primary.stop()
    await base.set(`restore_command = 'cp "${archive}/%f" "%p"'
recovery_target_${by} = '${by === 'name' ? 'before' : at}'
recovery_target_action = 'promote'`)
    await base.signal('recovery.signal')
    await base.start()
    const isOver = async () => (await base.sql('select pg_is_in_recovery() as still'))[0]?.still === false
    await waitFor(isOver, { what: 'the recovery', deadlineMs: 60_000 })
    for (const name of ['restore_command', `recovery_target_${by}`, 'recovery_target_action'])
      await base.sql(`alter system reset ${name}`)
    await succeed(servers, base)
  }

/** `away`: the nodes reach no database meanwhile; else they go on, and the restore is one transaction. */
const restoredInPlace =
  (nodes: 'away' | 'beside'): Kind =>
  async (servers, { lose, out }) => {
    const { primary, archive } = servers
    const dump = join(archive, 'backup.dump')
    await primary.run('pg_dump', ['--format=custom', '--file', dump])
    await lose()
    out()
    if (nodes === 'away') away(servers)
    const single = nodes === 'beside' ? ['--single-transaction'] : []
    const restore = () =>
      primary
        .run('pg_restore', ['--clean', '--if-exists', ...single, '--dbname', 'postgres', dump])
        .then(() => true)
    // Beside nodes that read it may be chosen to end a deadlock; then nothing has happened.
    if (nodes === 'away') await restore()
    else await waitFor(restore, { what: 'the restore', deadlineMs: 60_000 })
    for (const proxy of servers.proxies) lead(proxy, primary)
  }

/** Each node goes on with another primary; then the first is given up, comes back once by mistake, and is gone for good. */
const splitBrain: Kind = async (servers, { lose, out, reached, refused }) => {
  const { primary: old, proxies } = servers
  const [ofFirst, ofSecond] = proxies
  const standby = await standbyOf(old)
  await caughtUp(old, standby)
  ofSecond.set('refuse')
  await promote(standby)
  lead(ofSecond, standby)
  await lose()
  out()
  lead(ofFirst, standby)
  await reached()
  lead(ofFirst, old)
  await refused()
  await succeed(servers, standby)
}

export const KINDS = {
  'folder rolled back': folderRolledBack,
  crashed,
  'lagging standby': laggingStandby,
  'synchronous standby': synchronousStandby,
  'point in time by name': pointInTime('name'),
  'point in time by clock': pointInTime('time'),
  'pg_restore --clean, nodes away': restoredInPlace('away'),
  'pg_restore --clean, nodes beside': restoredInPlace('beside'),
  'split brain': splitBrain,
}

export type KindName = keyof typeof KINDS
