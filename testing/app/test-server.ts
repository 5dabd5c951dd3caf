// A server of the toolkit for tests: real HTTP and sockets on a free port, over a real database of its own.
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import openKnex, { type Knex } from 'knex'
import type { Fields, WireRecord } from 'noclobber/client'
import { type Actor, createRecordServer, type RecordServer, type RecordServerOptions } from 'noclobber/server'
import { startTestDatabase, type TestDatabaseOptions } from './test-database.ts'
import { type ClientOptions, openPerson, type TestPerson } from './test-person.ts'

/** What {@link startTestServer} takes. */
// biome-ignore lint/suspicious/noExplicitAny: each type may narrow the actor to the app's own
export interface TestServerOptions<A extends Actor = any> {
  /** The app's own record types. */
  types: RecordServerOptions<A>['types']
  /**
   * Makes and tracks the tables: your migrations, `(knex) => knex.migrate.latest()`, or another tool's by the database's URL. The change
   * log is there already.
   */
  prepare: (knex: Knex, databaseUrl: string) => Promise<unknown>
  /** Who can sign in, by their token. Default: `alice` and `bob` of the tenant `''`. */
  people?: Record<string, A>
  /** Further options of `createRecordServer`, such as `limits` or `session`. Warnings are not logged unless `log` is given. */
  server?: Partial<Omit<RecordServerOptions<A>, 'types' | 'knex' | 'pool'>>
  /** The app around the routes: `(records) => express().use('/api/v1', records.router)`. Default: the routes alone. */
  app?: (records: RecordServer<A>, knex: Knex) => RequestListener
  /** Where its database is made. Default: on an embedded PostgreSQL. */
  database?: TestDatabaseOptions
}

/** A running server: {@link startTestServer}. */
export interface TestServer<A extends Actor = Actor> {
  /** `http://127.0.0.1:PORT`. */
  origin: string
  /** Where the routes are: `origin` and `/api/v1`. */
  url: string
  /** Of its own database, as the role that made it. */
  databaseUrl: string
  /** On the same database, as the role that made it. */
  knex: Knex
  /** The record server, with the types that were given. */
  records: RecordServer<A>
  /** Opens a client for somebody of `people`, on a line of their own; its options are the client's. */
  open(person: string, options?: ClientOptions): Promise<TestPerson>
  /** Makes a record as this person, by default the first of `people`. */
  create(type: string, fields: Fields, as?: string): Promise<WireRecord>
  /**
   * Somebody saves these fields at once, on whatever version there is: an editor in which one of them is typed is in conflict with
   * its next save. `as` is one of `people`, by default the last of them.
   */
  saveNow(type: string, id: string, changes: Fields, as?: string): Promise<WireRecord>
  /** Closes the people, the server and the database. */
  stop(): Promise<void>
}

const ALICE_AND_BOB: Record<string, Actor> = {
  alice: { id: 'alice', name: 'Alice', tenantId: '' },
  bob: { id: 'bob', name: 'Bob', tenantId: '' },
}

const BASE_PATH = '/api/v1'

/**
 * Starts it, and resolves when it answers.
 *
 * @example
 * const server = await startTestServer({ types: [project], prepare: (knex) => knex.migrate.latest() })
 * const [alice, bob] = [await server.open('alice'), await server.open('bob')]
 */
// biome-ignore lint/suspicious/noExplicitAny: each type may narrow the actor to the app's own
export async function startTestServer<A extends Actor = any>(
  options: TestServerOptions<A>,
): Promise<TestServer<A>> {
  const database = await startTestDatabase(options.database)
  const knex = openKnex({ client: 'pg', connection: database.url, pool: { min: 0, max: 10 } })
  const people: Record<string, Actor> = options.people ?? ALICE_AND_BOB
  const names = Object.keys(people)
  const actorOf = (name: string | undefined): A => {
    const actor = name === undefined || !Object.hasOwn(people, name) ? undefined : people[name]
    if (!actor)
      throw new Error(`There is nobody called ${name} among the people of this server: ${names.join(', ')}.`)
    return actor as A
  }
  const stops: (() => Promise<unknown>)[] = [database.stop, () => knex.destroy()]
  const stop = async () => {
    for (const end of stops.splice(0).reverse()) await end()
  }
  try {
    await options.prepare(knex, database.url)
    const records = createRecordServer<A>({
      log: null,
      authenticate: ({ headers }) => {
        const token = /^Bearer (\S+)$/.exec(headers.authorization ?? '')?.[1] ?? ''
        return Object.hasOwn(people, token) ? (people[token] as A) : null
      },
      ...options.server,
      types: options.types,
      knex,
    })
    const http = createServer(options.app?.(records, knex) ?? records.handler).listen(0, '127.0.0.1')
    stops.push(async () => {
      await records.stop()
      http.closeAllConnections()
      http.close()
    })
    await once(http, 'listening')
    records.attach(http)
    await records.start()
    const origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
    const url = origin + BASE_PATH
    return {
      origin,
      url,
      databaseUrl: database.url,
      knex,
      records,
      stop,
      open: async (name, client) => {
        const { id } = actorOf(name)
        const person = await openPerson({ userId: () => id, ...client, url, token: name })
        stops.push(person.close)
        return person
      },
      create: async (type, fields, as = names[0]) => {
        const outcome = await records.create(type, { actor: actorOf(as), fields })
        if (outcome.outcome === 'created') return outcome.record
        throw new Error(`No ${type} was made: ${JSON.stringify(outcome)}`)
      },
      saveNow: async (type, id, changes, as = names.at(-1)) => {
        const actor = actorOf(as)
        for (let tries = 0; tries < 20; tries++) {
          const found = await records.read(type, id, { actor })
          if (found.outcome !== 'found')
            throw new Error(`${type} ${id} is not there: ${JSON.stringify(found)}`)
          const { version } = found.record
          const outcome = await records.save(type, id, { actor, clientVersion: version, changes })
          if (outcome.outcome === 'saved') return outcome.record
          if (outcome.outcome !== 'conflict')
            throw new Error(`${type} ${id} was not saved: ${JSON.stringify(outcome)}`)
        }
        throw new Error(`${type} ${id} was saved by others twenty times meanwhile.`)
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}
