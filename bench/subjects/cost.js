// What a save costs in processor time, which says more than throughput on a machine that others use too: of the database's
// backend for each statement, and of server and database together for each request.
import { createRecordServer } from 'noclobber/server'
import { withChildren } from '../child.js'
import { byTurns } from '../rounds.js'
import { ALICE, project } from '../servers/project-type.js'
import { openPool, prepareByHand, prepareTables, TABLES } from '../tables.js'

const WORK_MS = 500
const STATUSES = ['planned', 'done']

const valuesOf = (count) => ({
  name: `Edit ${count}`,
  status: STATUSES[count % 2],
  budget: (count % 10_000) + 0.25,
})

/** A named UPDATE of one row, as a program writes it that knows nothing of us. */
const plainUpdate = async (url, table, rows) => {
  const knex = openPool(url, 1)
  const connection = await knex.client.acquireConnection()
  const text = `update ${table} set name = $2, status = $3, budget = $4 where id = $1 and tenant_id = 'acme'`
  const {
    rows: [{ pid }],
  } = await connection.query('select pg_backend_pid() as pid')
  return {
    pid,
    once: (count) => {
      const { name, status, budget } = valuesOf(count)
      return connection.query({
        name: 'bench',
        text,
        values: [1 + ((count * 7) % rows), name, status, budget],
      })
    },
    end: async () => {
      await knex.client.releaseConnection(connection)
      await knex.destroy()
    },
  }
}

/** Saves by one connection, with nothing else on it. */
const guardedSave = async (url, rows) => {
  const knex = openPool(url, 1)
  const log = { info() {}, warn: console.warn, error: console.error }
  const records = createRecordServer({ knex, types: [project], authenticate: () => ({ ...ALICE }), log })
  const { rows: found } = await knex.raw(`select id, version::integer from ${TABLES.ours}`)
  const versions = new Map(found.map(({ id, version }) => [id, version]))
  const {
    rows: [{ pid }],
  } = await knex.raw('select pg_backend_pid() as pid')
  return {
    pid,
    once: async (count) => {
      const id = 1 + ((count * 7) % rows)
      const clientVersion = versions.get(id)
      const saved = await records.save('project', String(id), {
        actor: ALICE,
        clientVersion,
        changes: valuesOf(count),
        tabId: 'bench',
      })
      if (saved.outcome !== 'saved') throw new Error(`A save came out as ${saved.outcome}.`)
      versions.set(id, clientVersion + 1)
    },
    end: async () => {
      await records.stop()
      await knex.destroy()
    },
  }
}

/** Microseconds of a backend for each statement. */
const ofDatabase = async ({ url, rounds, ms, rows, processorMs }) => {
  // Saves know their versions, so the rows that SQL changes are others'.
  const apart = await plainUpdate(url.tracked, TABLES.ours, rows)
  const sides = {
    bare: await plainUpdate(url.saved, TABLES.bare, rows),
    guarded: await guardedSave(url.saved, rows),
    sql: apart,
  }
  let count = 0
  const measure =
    ({ pid, once }) =>
    async () => {
      const before = await processorMs([pid])
      const begun = performance.now()
      const first = count
      for (; performance.now() - begun < ms; count += 1) await once(count)
      return (((await processorMs([pid])) - before) * 1_000) / (count - first)
    }
  try {
    return await byTurns(
      rounds,
      Object.fromEntries(Object.entries(sides).map(([name, side]) => [name, measure(side)])),
    )
  } finally {
    for (const { end } of Object.values(sides)) await end()
  }
}

/** Microseconds of the server's process and all of the database's for each request. */
const ofMachine = ({ url, rounds, ms, rows, processorMs }) =>
  withChildren(async (start) => {
    const open = async (module, options = {}) => {
      const server = await start(`servers/${module}.js`, { url: url.saved, ...options })
      return { server, load: await start('load/http.js', { port: await server.call('port'), rows }) }
    }
    const measure =
      ({ server, load }) =>
      async () => {
        const before = [await server.call('cpuMicros'), await processorMs()]
        const count = await load.call('countedSaves', ms)
        const after = [await server.call('cpuMicros'), await processorMs()]
        return (after[0] - before[0] + (after[1] - before[1]) * 1_000) / count
      }
    // Of the rows that were saved before, ours' load doesn't know the versions.
    const sides = {
      bare: await open('bare'),
      byHand: await open('bare', { byHand: true }),
      ours: await open('ours', { url: url.served }),
    }
    await sides.bare.server.call('answerRow', true)
    return byTurns(
      rounds,
      Object.fromEntries(Object.entries(sides).map(([name, side]) => [name, measure(side)])),
    )
  })

export const cost = async ({ fresh, rounds, ms, rows, processorMs }) => {
  const url = { saved: await fresh(), tracked: await fresh(), served: await fresh() }
  for (const one of Object.values(url)) await prepareTables(one, rows)
  await prepareByHand(url.saved, rows)
  const database = await ofDatabase({ url, rounds, ms: Math.min(ms, WORK_MS), rows, processorMs })
  const machine = await ofMachine({ url, rounds, ms, rows, processorMs })
  const unit = 'µs'
  return [
    {
      name: 'database, a guarded save to a named UPDATE',
      unit,
      ours: database.guarded,
      bare: database.bare,
      target: { atMost: 2.2 },
    },
    {
      name: 'database, one row by SQL to an untracked table',
      unit,
      ours: database.sql,
      bare: database.bare,
      target: { atMost: 2 },
    },
    {
      name: 'server and database, a save to an UPDATE … RETURNING',
      unit,
      ours: machine.ours,
      bare: machine.bare,
      target: { atMost: 0.8 },
    },
    {
      name: 'server and database, to the same promises by hand',
      unit,
      ours: machine.ours,
      bare: machine.byHand,
      target: { atMost: 0.45 },
    },
  ]
}
