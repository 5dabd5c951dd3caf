// Starts the demo, and shuts it down in order. The only file of the server that touches `process`.
import type { AddressInfo } from 'node:net'
import { resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import openKnex from 'knex'
import { createAppServer, startEmbeddedPostgres } from 'noclobber/server'
import { createDemoApp } from './app.ts'
import { PEOPLE } from './people.ts'
import { prepareDatabase } from './seed.ts'

/** Nobody but this machine, unless it is asked for: the demo believes anyone who says a name. */
const { HOST = '127.0.0.1', PORT = '3000', DATABASE_URL, REDIS_URL, DATA_DIR = '.noclobber' } = process.env
/** How long the long list is, in each tenant. */
const { DEMO_PARTS = '100000' } = process.env
const DRAIN_MS = 25_000
const LAST_STATEMENT_MS = 5_000
/** How long a proxy may take to notice that this node leaves; alone there is none. */
const NOTICE_MS = REDIS_URL ? 2_000 : 0
/** A statement that hangs, or a database that swallows it, costs one request and not the pool. */
const TIMEOUTS = { statement_timeout: 30_000, query_timeout: 35_000 }

/** A new connection, with all that it has to learn, takes its first save some hundred milliseconds: what is open stays open. */
const POOL = { min: 10, max: 10 }

/** What was started, each with its end; ended in reverse order. */
const ends: (() => Promise<unknown>)[] = []

const log = {
  info: () => {},
  warn: (details: object, message: string) => console.warn(message, details),
  error: (details: object, message: string) => console.error(message, details),
}

const openDatabase = async (): Promise<string> => {
  if (DATABASE_URL) return DATABASE_URL
  const postgres = await startEmbeddedPostgres({ dataDir: resolve(DATA_DIR) })
  ends.push(() => postgres.stop())
  return postgres.url
}

/** Without `REDIS_URL` this is one node. Redis may come and go: its errors are logged, and end nothing. */
const openRedis = (): Redis | null => {
  if (!REDIS_URL) return null
  const redis = new Redis(REDIS_URL, { lazyConnect: true })
  redis.on('error', (error) => log.warn({ err: error }, 'Redis'))
  ends.push(async () => redis.disconnect())
  return redis
}

const start = async () => {
  const databaseUrl = await openDatabase()
  const knex = openKnex({
    client: 'pg',
    connection: { connectionString: databaseUrl, ...TIMEOUTS },
    pool: POOL,
  })
  // A statement that still waits for a lock then is rolled back with its connection.
  ends.push(() => Promise.race([knex.destroy(), pause(LAST_STATEMENT_MS)]))
  await prepareDatabase(knex, { parts: Number(DEMO_PARTS) })

  const pageDirectory = fileURLToPath(new URL('../../web/demo', import.meta.url))
  const redis = openRedis()
  const demo = createDemoApp({ knex, databaseUrl, pageDirectory, log, ...(redis && { redis }) })
  const server = createAppServer(demo.app)
  const stopRecords = await demo.start(server)
  ends.push(async () => {
    await demo.records.drain({ noticeMs: NOTICE_MS })
    await stopRecords()
  })
  await new Promise<void>((listening, refused) => {
    server.once('error', refused)
    server.listen(Number(PORT), HOST, listening)
  })

  const { port } = server.address() as AddressInfo
  console.log(`noclobber's demo is at  http://localhost:${port}`)
  console.log(`its database is at      ${DATABASE_URL ? 'DATABASE_URL' : databaseUrl}`)
  console.log(`sign in as              ${PEOPLE.map(({ id, tenantId }) => `${id} (${tenantId})`).join(', ')}`)
}

let stopping = false
const stop = async (exitCode: number) => {
  if (stopping) return
  stopping = true
  setTimeout(() => process.exit(1), DRAIN_MS).unref()
  for (const end of ends.reverse()) await end().catch((error) => log.error({ err: error }, 'stopping failed'))
  process.exit(exitCode)
}

process.on('SIGTERM', () => stop(0))
process.on('SIGINT', () => stop(0))
start().catch((error) => {
  const isTaken = error?.code === 'EADDRINUSE'
  const sentence = isTaken ? `Port ${PORT} is taken: choose another one with PORT.` : error?.message
  console.error(sentence ?? error)
  stop(1)
})
