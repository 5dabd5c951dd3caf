// What grows with the log: a save, a record's history, a conflict, a list's delta, a join, a read of the feed and pruning in a database
// with a long log, against the same in one with a short log. LOG_CHANGES says how long; default 1,000,000.
import { createRecordServer, pruneLog } from 'noclobber/server'
import { createLogReader } from '../../dist/server/log/log-reader.js'
import { connectSockets } from '../load/sockets.js'
import { alternate } from '../rounds.js'
import { listening } from '../servers/listening.js'
import { ALICE, project } from '../servers/project-type.js'
import { openPool, prepareTables, TABLES } from '../tables.js'

const ROWS = 2_000
const A_COMMIT = 1_000
const TENANTS = 1_000
/** Changes of each record, here and in the log of others. */
const VERSIONS = 20
const OFTEN = 100
const DAYS = 60
const PRUNED = 20_000
/** Rounds of pruning, with the one before the first. */
const PRUNINGS = 4
const DAY_MS = 24 * 3_600_000

/** Changes of other tenants' records, the oldest first: some were made sixty days ago, the last yesterday. */
const fill = (knex, count) =>
  knex.raw(`do $$ begin
    for n in 0..${Math.ceil(count / A_COMMIT) - 1} loop
      insert into noclobber.record_changes (table_name, record_id, version, event, tenant_id, changed_fields, scopes, updated_at, updated_by, tab_id)
      select 'public.${TABLES.ours}', (1000000 + m % ${Math.ceil(count / VERSIONS)})::text, 2 + m / ${Math.ceil(count / VERSIONS)}, 'updated',
        'other ' || m * 7919 % ${TENANTS}, '{name,status}', '{}',
        clock_timestamp() - interval '1 day' * (${DAYS} - ${DAYS - 1}.0 * m / ${count}),
        '{"id": "alice", "name": "Alice", "kind": "user"}', gen_random_uuid()::text
      from (select n::bigint * ${A_COMMIT} + k as m from generate_series(0, ${A_COMMIT - 1}) k) s;
      commit;
    end loop;
  end $$`)

const openSide = async ({ url, changes, prunes, processorMs }) => {
  await prepareTables(url, ROWS)
  const knex = openPool(url, 1)
  await fill(knex, changes)
  for (let version = 1; version < VERSIONS; version += 1)
    await knex.raw(`update ${TABLES.ours} set name = 'Edit ' || version where id % 10 = 0`)
  await knex.raw('vacuum analyze noclobber.record_changes')
  const log = { info() {}, warn: console.warn, error: console.error }
  const records = createRecordServer({
    knex,
    types: [project],
    authenticate: () => ({ ...ALICE }),
    log,
    limits: {
      pruneEveryMs: 0,
      requestsPerPerson: 1e9,
      requestsPerAddress: 1e9,
      workPerPerson: 1e9,
      messagesPerPerson: 1e9,
    },
  })
  const { server, port, close } = await listening(records.handler)
  records.attach(server)
  await records.start()
  const [socket] = await connectSockets(port, 1)
  const get = async (path) => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1${path}`)
    if (!response.ok) throw new Error(`${path}: ${response.status}`)
    return response.json()
  }
  const { cursor } = await get('/records/project?limit=1')
  await knex.raw(`update ${TABLES.ours} set name = 'New' where id <= 100`)
  const { rows } = await knex.raw(`select id, version::integer from ${TABLES.ours}`)
  const versions = new Map(rows.map(({ id, version }) => [id, version]))
  const connection = openPool(url, 1)
  const feed = await connection.client.acquireConnection()
  const reader = createLogReader(feed, connection.client.driver)
  const pidOf = async (of) => (await of.query('select pg_backend_pid() as pid')).rows[0].pid
  const pids = [await pidOf(feed), (await knex.raw('select pg_backend_pid() as pid')).rows[0].pid]
  let from = await reader.here()
  let count = 0
  let pruned = 0

  const save = async () => {
    count += 1
    const id = 1 + ((count * 7) % ROWS)
    const clientVersion = versions.get(id)
    const changes = { name: `Edit ${count}` }
    const saved = await records.save('project', String(id), { actor: ALICE, clientVersion, changes })
    if (saved.outcome !== 'saved') throw new Error(`A save came out as ${saved.outcome}.`)
    versions.set(id, clientVersion + 1)
  }

  return {
    knex,
    save,
    /** Of the backends of saves and of the feed, in milliseconds. */
    databaseMs: () => processorMs(pids),
    stale: async () => {
      const id = 10 * (1 + (count++ % 100))
      const given = { actor: ALICE, clientVersion: 2, changes: { name: `Stale ${count}` } }
      const { outcome } = await records.save('project', String(id), given)
      if (outcome === 'saved') throw new Error('A stale save was saved.')
    },
    history: () => get(`/records/project/${10 * (1 + (count++ % 100))}/history`),
    delta: async () => {
      const { data } = await get(`/records/project?cursor=${encodeURIComponent(cursor)}`)
      if (data.length < 100) throw new Error(`${data.length} in the delta.`)
    },
    join: async () => {
      const asked = {
        records: Array.from({ length: 50 }, (_, at) => ({ type: 'project', id: String(at + 1), version: 1 })),
        lists: [{ type: 'project', cursor }],
      }
      const answer = await socket.timeout(30_000).emitWithAck('watch', asked)
      if (!answer.lists?.[0].behind) throw new Error(JSON.stringify(answer))
      await socket.timeout(30_000).emitWithAck('unwatch', asked)
    },
    read: async () => {
      await save()
      const page = await reader.keysAfter(from, 1_000, { sources: [`public.${TABLES.ours}`] })
      from = page.cursor
    },
    /** The oldest ones. Gives the milliseconds for a thousand. */
    prune: async () => {
      pruned += 1
      const share = (prunes * pruned) / changes
      const retentionMs = (DAYS - (DAYS - 1) * share) * DAY_MS
      const begun = performance.now()
      const { changes: gone } = await pruneLog(knex, { retentionMs, pauseMs: 0 })
      const ms = performance.now() - begun
      if (gone < prunes / 2) throw new Error(`${gone} were pruned.`)
      return (ms * 1_000) / gone
    },
    end: async () => {
      socket.disconnect()
      await connection.client.releaseConnection(feed)
      await connection.destroy()
      await records.stop()
      await close()
      await knex.destroy()
    },
  }
}

export const longLog = async ({ fresh, rounds, scale, processorMs }) => {
  const changes = Math.ceil(Number(process.env.LOG_CHANGES ?? 1_000_000) * scale)
  const begun = performance.now()
  const prunes = Math.ceil(PRUNED * scale)
  const short = PRUNINGS * prunes
  const sized = { prunes, processorMs }
  const ours = await openSide({ ...sized, url: await fresh(), changes })
  if (process.env.LOG_CHANGES) {
    const { rows } =
      await ours.knex.raw(`select pg_size_pretty(pg_table_size('noclobber.record_changes')) as rows,
      pg_size_pretty(pg_indexes_size('noclobber.record_changes')) as indexes`)
    console.log(rows[0], `filled in ${Math.round((performance.now() - begun) / 1_000)} s`)
  }
  const bare = await openSide({ ...sized, url: await fresh(), changes: short })
  const timed = (act, most) => async () => {
    const times = Math.ceil(most * scale)
    const from = performance.now()
    for (let count = 0; count < times; count += 1) await act()
    return (performance.now() - from) / times
  }
  /** By the database's processor time: what a disk and other programs do besides isn't in it. */
  const ofDatabase = (side, act) => async () => {
    const before = await side.databaseMs()
    const times = Math.ceil(OFTEN * scale)
    for (let count = 0; count < times; count += 1) await side[act]()
    return (((await side.databaseMs()) - before) * 1_000) / times
  }
  const written = async (name, act) => ({
    name: `database, ${name}, log of ${changes.toLocaleString('en')} changes to ${short.toLocaleString('en')}`,
    unit: 'µs',
    ...(await alternate(Math.min(rounds, 5), { ours: ofDatabase(ours, act), bare: ofDatabase(bare, act) })),
    target: { atMost: 1.3 },
  })
  const of = async (name, act, times, target) => ({
    name: `${name}, log of ${changes.toLocaleString('en')} changes to ${short.toLocaleString('en')}`,
    unit: 'ms',
    digits: 2,
    ...(await alternate(Math.min(rounds, 5), {
      ours: timed(ours[act], times),
      bare: timed(bare[act], times),
    })),
    target: { atMost: target },
  })
  try {
    const measurements = [
      await of('delta of 100 changes', 'delta', 20, 1.5),
      await of('join of 50 records and a list', 'join', 20, 1.5),
      await written('a save', 'save'),
      await of('conflict of 19 versions', 'stale', OFTEN, 1.5),
      await of('history of 20 versions', 'history', OFTEN, 1.5),
      await written('a save and a read of the feed', 'read'),
    ]
    const pruning = await alternate(Math.min(rounds, PRUNINGS - 1), {
      ours: ours.prune,
      bare: bare.prune,
    })
    measurements.push({
      name: `pruning a thousand of ${changes.toLocaleString('en')}`,
      unit: 'ms',
      digits: 1,
      ...pruning,
      target: { atMost: 1.5 },
    })
    return measurements
  } finally {
    await ours.end()
    await bare.end()
  }
}
