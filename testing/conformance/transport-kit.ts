// What every transport owes the client above it, tried on a real server behind a line that can be cut.
import { type FaultProxy, startFaultProxy } from '../app/fault-proxy.ts'
import type { TestDatabaseOptions } from '../app/test-database.ts'
import { createKit, createOnce, type Kit } from './check.ts'
import { TRANSPORT_CHECKS } from './transport-checks.ts'
import { type Opened, openOn, type TransportKitOptions } from './transport-scene.ts'
import { startWorld } from './world.ts'

const startLine = async (database?: TestDatabaseOptions) => {
  const server = await startWorld(database)
  const proxies: FaultProxy[] = []
  return {
    server,
    /** Its own for each check, so that one can be cut while others run. */
    line: async () => {
      const proxy = await startFaultProxy(Number(new URL(server.origin).port))
      proxies.push(proxy)
      return proxy
    },
    stop: async () => {
      for (const proxy of proxies) await proxy.stop()
      await server.stop()
    },
  }
}

/**
 * Everything that a transport must do: see `Transport` of `noclobber/client`. Each check has a connection of its own; all share one
 * server, which the first of them starts.
 *
 * @example
 * const kit = transportKit({ create: ({ origin, token }) => createMyTransport(origin, token) })
 * for (const { name, run } of kit.checks) test(name, run)
 * afterAll(kit.stop)
 */
export function transportKit(options: TransportKitOptions): Kit {
  const world = createOnce(() => startLine(options.database))
  const within = (check: (typeof TRANSPORT_CHECKS)[string]) => async () => {
    const { server, line } = await world.get()
    const proxy = await line()
    const opened: Opened[] = []
    const open = openOn(proxy, server, options)
    try {
      await check(
        {
          server,
          proxy,
          open: (person) => {
            const one = open(person)
            opened.push(one)
            return one
          },
          document: async () => (await server.create('document', { name: 'Bridge' })).id,
          change: (id) =>
            server
              .knex('documents')
              .where({ id })
              .update({ name: server.knex.raw(`name || '!'`) }),
        },
        options.kind,
      )
    } finally {
      for (const { transport } of opened) transport.close()
      proxy.set('pass')
    }
  }
  return createKit(
    Object.fromEntries(Object.entries(TRANSPORT_CHECKS).map(([name, check]) => [name, within(check)])),
    world.stop,
  )
}
