// How the log is read: a page of the feed by snapshot against a plain scan of its index, and how many changes a second
// one node brings to a watcher of their list, from a log that is ahead of it.

import { createLogReader } from '../../dist/server/log/log-reader.js'
import { startChild } from '../child.js'
import { NODE_SETTING } from '../node-setting.js'
import { alternate } from '../rounds.js'
import { openPool, prepareTables, TABLES, TENANT } from '../tables.js'

const LOG_ROWS = 20_000
const PAGE = 1_000
const READS = 20

/** Few enough for lists to receive each. */
const ROWS_A_COMMIT = 20
const WATCHED = 1_000

/** The node looks by itself once an hour: only a wake-up counts. */
const NEVER = 3_600_000

/** Changes in many commits, by a node that wakes nobody. */
const write = (knex, commits) =>
  knex.raw(`do $$ begin
    for n in 1..${commits} loop
      perform set_config('noclobber.actor', ${NODE_SETTING}, true);
      update ${TABLES.ours} set name = 'Edit ' || clock_timestamp()
        where id in (select (n * 37 + k * 101) % ${WATCHED} + 1 from generate_series(1, ${ROWS_A_COMMIT}) k);
      commit;
    end loop;
  end $$`)

const SCAN = `
select xid::text, seq::text, table_name, record_id, version, event, tenant_id, changed_fields, scopes, updated_at,
  updated_by, tab_id, socket_id, import_id, old_row
from noclobber.record_changes where (xid, seq) > ($1, $2) order by xid, seq limit ${PAGE}`

const END = `
select xid::text, seq::text from noclobber.record_changes order by xid desc, seq desc limit 1`

/** Changes read a second. */
const timed = async (read) => {
  const begun = performance.now()
  for (let count = 0; count < READS; count += 1) {
    const found = await read()
    if (found !== PAGE) throw new Error(`${found} changes instead of ${PAGE}.`)
  }
  return (READS * PAGE * 1_000) / (performance.now() - begun)
}

const measureReads = async (knex, { rounds, scale }) => {
  const connection = await knex.client.acquireConnection()
  try {
    const reader = createLogReader(connection, knex.client.driver)
    await write(knex, Math.ceil((LOG_ROWS * scale) / ROWS_A_COMMIT))
    const from = await reader.here()
    const { rows } = await connection.query(END)
    await write(knex, PAGE / ROWS_A_COMMIT)
    const scan = { name: 'bench_scan', text: SCAN, values: [rows[0].xid, rows[0].seq] }
    return await alternate(rounds, {
      ours: () => timed(async () => (await reader.changesAfter(from, PAGE)).changes.length),
      bare: () => timed(async () => (await connection.query(scan)).rows.length),
    })
  } finally {
    await knex.client.releaseConnection(connection)
  }
}

/**
 * The changes lie there before the node is woken, so that it is never the writer that is measured, nor a pause; the time
 * runs from the wake-up until the last has arrived. What the node itself worked is given apart.
 */
const measureDelivery = async (knex, url, { rounds, scale }) => {
  const commits = Math.ceil((10_000 * scale) / ROWS_A_COMMIT)
  const count = commits * ROWS_A_COMMIT
  const server = await startChild('servers/ours.js', { url, limits: { pollMs: NEVER } })
  const watcher = await startChild('load/list-watcher.js', { port: await server.call('port') })
  const perSecond = []
  const micros = []
  try {
    for (let round = 0; round < rounds; round += 1) {
      await watcher.call('listen', count)
      await write(knex, commits)
      const before = await server.call('cpuMicros')
      const begun = performance.now()
      await knex.raw(`select pg_notify('noclobber', '')`)
      await watcher.call('received')
      perSecond.push((count * 1_000) / (performance.now() - begun))
      micros.push(((await server.call('cpuMicros')) - before) / count)
    }
    return { perSecond, micros }
  } finally {
    await watcher.stop()
    await server.stop()
  }
}

const FOREIGN = 10_000

/** Changes of another tenant, one by one: by a node that wakes nobody, or by plain SQL, which notifies. */
const writeForeign = (knex, count, isNode) =>
  knex.raw(`do $$ begin
    for n in 1..${count} loop
      ${isNode ? `perform set_config('noclobber.actor', ${NODE_SETTING}, true);` : ''}
      update ${TABLES.ours} set name = 'Edit ' || clock_timestamp() where id = ${WATCHED} + 1 + n % ${WATCHED};
      commit;
    end loop;
  end $$`)

/**
 * What the node works for changes that nobody there watches, while somebody watches something else: the changes lie there before it
 * is woken, or it is woken by each of them. A watched one behind them says when it has come to the last.
 */
const measureUnwatched = async (knex, url, { rounds, scale }) => {
  const count = Math.ceil(FOREIGN * scale)
  await knex.raw(`update ${TABLES.ours} set tenant_id = 'not ${TENANT}' where id > ?`, [WATCHED])
  const server = await startChild('servers/ours.js', { url, limits: { pollMs: NEVER } })
  const watcher = await startChild('load/list-watcher.js', { port: await server.call('port') })
  const micros = { together: [], each: [] }
  try {
    for (let round = 0; round <= rounds; round += 1) {
      for (const how of Object.keys(micros)) {
        const before = await server.call('cpuMicros')
        await writeForeign(knex, count, how === 'together')
        await watcher.call('listen', 1)
        await knex(TABLES.ours)
          .where({ id: 1 })
          .update({ name: `Edit ${round} ${how}` })
        await watcher.call('received')
        if (round > 0) micros[how].push(((await server.call('cpuMicros')) - before) / count)
      }
    }
    return micros
  } finally {
    await watcher.stop()
    await server.stop()
  }
}

export const feed = async ({ fresh, rounds, scale }) => {
  const url = await fresh()
  await prepareTables(url, 2 * WATCHED)
  const knex = openPool(url, 2)
  try {
    const reads = await measureReads(knex, { rounds, scale })
    const few = { rounds: Math.min(rounds, 5), scale }
    const { perSecond, micros } = await measureDelivery(knex, url, few)
    const unwatched = await measureUnwatched(knex, url, few)
    return [
      {
        name: 'feed read, to a plain index scan',
        unit: 'changes/s',
        ...reads,
      },
      {
        name: 'a backlog, brought to a watcher by one node',
        unit: 'changes/s',
        ours: perSecond,
      },
      { name: "the node's own work for a change of it", unit: 'µs of CPU', ours: micros },
      {
        name: 'its work for a change that nobody there watches, of a backlog',
        unit: 'µs of CPU',
        digits: 1,
        ours: unwatched.together,
        target: { atMost: 10 },
      },
      {
        name: 'the same, woken by the commit of each',
        unit: 'µs of CPU',
        digits: 1,
        ours: unwatched.each,
        target: { atMost: 10 },
      },
    ]
  } finally {
    await knex.destroy()
  }
}
