// The kits of noclobber/testing: what this project has passes them, and what is broken on purpose fails each.
import { createMemoryStorage, type EditStorage } from 'noclobber/offline'
import {
  brokenServers,
  brokenStorages,
  brokenTransports,
  clientKit,
  type Kit,
  serverKit,
  storageKit,
  transportKit,
} from 'noclobber/testing'
import { afterAll, describe, expect, test } from 'vitest'
import { createSocketTransport } from '../../web/client/transport/socket.ts'
import { startApp } from '../support/app.ts'
import { postgresUrl } from '../support/postgres.ts'
import { byRun, oneIn } from '../support/short-run.ts'

const database = { serverUrl: postgresUrl() }

const passes = (name: string, { checks, stop }: Kit) =>
  describe(name, () => {
    afterAll(stop)
    for (const { name, run } of checks) test(name, run)
  })

const map = <In, Out>(from: Record<string, In>, make: (value: In) => Out): Record<string, Out> =>
  Object.fromEntries(Object.entries(from).map(([name, value]) => [name, make(value)]))

/** Files that were opened under one name see one storage. */
const storages = new Map<string, EditStorage>()
const openMemory = (name: string): EditStorage => {
  const storage = storages.get(name) ?? createMemoryStorage()
  storages.set(name, storage)
  return storage
}

const socket = ({ origin, token }: { origin: string; token: () => string | null }) =>
  createSocketTransport({
    ...{ url: origin, path: '/socket.io', tabId: 'tab', token },
    ...{ wire: 'websocket', credentials: 'include' },
  })

type Headers = Record<string, string>

const app = await startApp()
const server = {
  url: `${app.origin}/api/v1`,
  people: [{ authorization: 'Bearer alice' }, { authorization: 'Bearer bob' }] as [Headers, Headers],
  ...{ type: 'project', field: 'name', fields: (name: string) => ({ name }) },
}

passes('the storage in memory', storageKit({ open: openMemory, database }))
passes('the server', serverKit(server))
const ROUNDS = byRun({ short: 8, full: 20 })

describe('two people', () => {
  passes('over sockets', clientKit({ transports: ['websocket'], rounds: ROUNDS, database }))
  passes('over event streams', clientKit({ transports: ['event_stream'], rounds: ROUNDS, database }))
  passes('who poll', clientKit({ transports: [], rounds: ROUNDS, database }))
})

describe('a kit fails', () => {
  const FAILS: Record<string, string> = {
    'drops an event': 'delivers each of many versions',
    'delivers another record’s event': 'delivers only what is watched',
    'delivers after it is closed': 'delivers nothing once it is closed',
    'says twice that it is lost': 'is lost once',
    'answers watch with the versions of before': 'is lost once',
    'loses a draft': 'keeps every entry',
    'forgets everything with the page': 'keeps it for the next page',
    'shows the drafts of others': 'shows nobody the edits of another person',
    'gives one draft to two pages': 'gives an entry to one page',
    'answers a stale save with 200': 'saves from the current version',
    'reorders the versions of a record': 'has each change in its feed once',
    'drops a change from its feed': 'has each change in its feed once',
    'has a change twice in its feed': 'has each change in its feed once',
    'makes a save again that is sent again': 'answers a save that is sent again',
    'saves without a guard': 'loses no save of two people',
  }
  const kits: Record<string, Kit> = {
    ...map(brokenTransports, (broken) =>
      transportKit({ create: (setup) => broken(socket(setup)), deadlineMs: 3_000, database }),
    ),
    ...map(brokenStorages, (broken) => storageKit({ open: broken(openMemory), database })),
    ...map(brokenServers, (broken) => serverKit({ ...server, fetch: broken(fetch) })),
  }

  test.each(oneIn(2, Object.entries(kits)))('what %s', async (name, kit) => {
    const { passed, failed } = await kit.run(FAILS[name])
    expect([passed, failed.length]).toEqual([[], 1])
  })
})
