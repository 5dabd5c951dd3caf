// Where it is measured: the database of DATABASE_URL's server, or an embedded PostgreSQL in a folder that goes away.
// Invariant: every subject has a database of its own, and none of them is left behind.
import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import openKnex from 'knex'
import { startEmbeddedPostgres } from 'noclobber/server'

const openServer = async (durable) => {
  const { DATABASE_URL } = process.env
  if (DATABASE_URL) return { url: DATABASE_URL, name: 'the PostgreSQL of DATABASE_URL', stop: async () => {} }
  const dataDir = await mkdtemp(join(tmpdir(), 'noclobber-bench-'))
  // As root the server runs as somebody else, who must reach its folder.
  await chmod(dataDir, 0o755)
  const postgres = await startEmbeddedPostgres({ dataDir, durable })
  return {
    url: postgres.url,
    name: `an embedded PostgreSQL ${durable ? 'with' : 'without'} fsync`,
    stop: async () => {
      await postgres.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** Without nanoseconds in schedstat the kernel counts ticks of 10 ms, user and system in the 14th and 15th field. */
const processorMsOf = async (pid) => {
  const precise = await readFile(`/proc/${pid}/schedstat`, 'latin1').catch(() => '')
  if (precise !== '') return Number(precise.split(' ')[0]) / 1e6
  const line = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '')
  const [user = 0, system = 0] = line
    .slice(line.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .map(Number)
  return (user + system) * 10
}

/** Opens the server. `fresh()` makes a database and gives its URL. `durable`: an embedded one writes to its disk. */
export const openDatabases = async ({ durable = false } = {}) => {
  const server = await openServer(durable)
  const admin = openKnex({ client: 'pg', connection: server.url, pool: { min: 0, max: 1 } })
  const made = []
  const version = await admin.raw('show server_version')
  return {
    name: `${server.name}, ${version.rows[0].server_version}`,
    fresh: async () => {
      const name = `noclobber_bench_${randomBytes(4).toString('hex')}`
      await admin.raw('create database ??', [name])
      made.push(name)
      const url = new URL(server.url)
      url.pathname = `/${name}`
      return url.href
    },
    /**
     * Milliseconds of the processor that this PostgreSQL's processes have used, those that are there now, or these alone; 0 where that
     * can't be seen.
     */
    processorMs: async (pids) => {
      const rows = pids?.map((pid) => ({ pid })) ?? (await admin.raw('select pid from pg_stat_activity')).rows
      const used = await Promise.all(rows.map(({ pid }) => processorMsOf(pid)))
      return used.reduce((sum, ms) => sum + ms, 0)
    },
    close: async () => {
      for (const name of made) await admin.raw('drop database ?? with (force)', [name])
      await admin.destroy()
      await server.stop()
    },
  }
}
