// What a check of a transport has: a server, a line that can be cut, and transports that keep what they said.
import type { CreateTransport, TransportEvent, TransportKind, TransportStatus } from 'noclobber/client'
import type { FaultProxy } from '../app/fault-proxy.ts'
import type { TestDatabaseOptions } from '../app/test-database.ts'
import type { TransportSetup } from '../app/test-person.ts'
import type { TestServer } from '../app/test-server.ts'
import { waitFor } from '../app/wait-for.ts'

/** What {@link transportKit} takes. */
export interface TransportKitOptions {
  /** Makes the transport. */
  create: (setup: TransportSetup) => CreateTransport
  /** What it says that it is when it is connected. Default: not looked at. */
  kind?: TransportKind
  /** What comes is waited for at most so many milliseconds. Default 15,000, which a slow machine may need. */
  deadlineMs?: number
  /** Where the kit's database is made. Default: on an embedded PostgreSQL. */
  database?: TestDatabaseOptions
}

export const DEADLINE_MS = 15_000

/** Makes transports that connect by this line. */
export const openOn =
  (proxy: FaultProxy, server: TestServer, { create, deadlineMs = DEADLINE_MS }: TransportKitOptions) =>
  (person: string | (() => string | null) = 'alice') => {
    const statuses: [TransportStatus, TransportKind | null][] = []
    const events: TransportEvent[] = []
    const transport = create({
      origin: proxy.urlFor(server.origin).replace(/\/$/, ''),
      token: typeof person === 'string' ? () => person : person,
    })({
      onStatus: (...status) => void statuses.push(status),
      onEvent: (event) => void events.push(event),
    })
    const versionsOf = (id: string) =>
      events.flatMap((received) =>
        'event' in received && 'version' in received.event && received.event.id === id
          ? [received.event.version]
          : [],
      )
    return {
      transport,
      statuses,
      events,
      versionsOf,
      is: (status: TransportStatus) =>
        waitFor(() => statuses.at(-1)?.[0] === status, {
          what: () => `the status ${status}, after ${JSON.stringify(statuses)}`,
          deadlineMs,
        }),
      receives: (id: string, version: number) =>
        waitFor(() => versionsOf(id).includes(version), {
          what: () =>
            `the event of version ${version} of record ${id}; received were ${versionsOf(id).join(', ') || 'none'}`,
          deadlineMs,
        }),
    }
  }

/** One transport, with what it said so far. */
export type Opened = ReturnType<ReturnType<typeof openOn>>

/** What a check has: a server, a line of its own, transports that are closed afterwards, and documents. */
export interface Scene {
  server: TestServer
  proxy: FaultProxy
  open: ReturnType<typeof openOn>
  /** A new document's id. */
  document(): Promise<string>
  /** One more version of it, by SQL. */
  change(id: string): Promise<unknown>
}
