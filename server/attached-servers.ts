// The Socket.IO servers on which a record server sends live events: the app's own, or ones that it makes on HTTP servers.
// Invariant: what `attach` puts on a server, its `stop` takes away; one server is attached once.
import type { Server as HttpServer } from 'node:http'
import type { Server as SocketServer } from 'socket.io'
import type { Shortcut } from './base/shortcuts.ts'
import { makeSocketServer } from './endpoints/socket-server.ts'
import { type SocketOptions, serveSockets } from './endpoints/sockets.ts'
import { createDelivery, type Delivery } from './live/delivery.ts'
import type { Access } from './live/recheck-access.ts'
import { socketAudience } from './live/socket-broadcast.ts'
import { serveServer, watchersOf } from './live/socket-watchers.ts'
import type { Audience, Watcher, WatcherServer } from './live/watchers.ts'
import type { RecordNode } from './node/node.ts'
import type { Attached, AttachOptions } from './record-server-interface.ts'

export interface AttachedServersOptions {
  /** What the sockets of each server share. */
  sockets: Omit<SocketOptions, 'hasGuests'>
  /** Of events, past Socket.IO. */
  frames: Shortcut
  node: RecordNode
  /** Looks at the permissions of an audience again and again. */
  recheck(audience: Audience): Access
  /** Of saves that this node has committed, those that may go out ahead of the feed. */
  ahead(deliver: Delivery['deliverEarly']): Delivery['deliverEarly']
  /** A server is attached: events are wanted. */
  onAttached(): void
}

export interface AttachedServers {
  /** {@link RecordServer.attach} */
  attach(server: HttpServer | SocketServer, options?: AttachOptions): Attached
  /** The watchers of all servers. */
  watchers(): Watcher[]
  /** How many there are, without a look at each. */
  watcherCount(): number
  deliveries(): Delivery[]
  stop(): Promise<unknown>
}

type AttachedServer = Attached & { server: object; path: string; delivery: Delivery }

/** By its shape: an app may have another copy of Socket.IO than ours. */
const isSocketServer = (server: HttpServer | SocketServer): server is SocketServer => 'of' in server

export const createAttachedServers = (options: AttachedServersOptions): AttachedServers => {
  const { frames, node, recheck, ahead, onAttached } = options
  const { database, limits } = options.sockets
  const attached = new Map<WatcherServer, AttachedServer>()

  /** Takes the sockets of a server in. Returns its delivery, and what undoes all of it. */
  const serve = (io: WatcherServer, sockets: SocketOptions) => {
    serveServer(io)
    const leave = node.join(io)
    const unserve = serveSockets(io, {
      ...sockets,
      onWatched: node.watched,
      onLimited: () => node.metrics.limited('sockets'),
      isDraining: node.isDraining,
    })
    const audience = node.metrics.counted(socketAudience(io, frames))
    const access = recheck(audience)
    const delivery = createDelivery(database, audience)
    const stopEarly = database.savedChanges.subscribe(ahead(delivery.deliverEarly))
    const undo = () => {
      stopEarly()
      unserve()
      leave()
      access.stop()
    }
    return { delivery, undo }
  }

  return {
    attach: (server, { path = '/socket.io' } = {}) => {
      if (typeof server === 'function' || !('listeners' in server || 'of' in server))
        throw new Error(
          'attach takes the HTTP server, not the app: what app.listen(port), createAppServer(app) or http.createServer(app) gives.',
        )
      for (const known of attached.values())
        if (known.server === server && (known.path === path || isSocketServer(server)))
          return { io: known.io, stop: known.stop }
      const sockets: SocketOptions = { ...options.sockets, hasGuests: isSocketServer(server) }
      const made = isSocketServer(server) ? null : makeSocketServer(server, path, sockets, node.isDraining)
      // An app's server has the app's event map; ours is one more.
      const io = made?.io ?? (server as unknown as WatcherServer)
      const { delivery, undo } = serve(io, sockets)
      const stop = async () => {
        if (!attached.delete(io)) return
        undo()
        await made?.close(limits.leaveMs)
      }
      // The app's own events are none of our types': it gets the server without them.
      const given: Attached = { io: io as unknown as SocketServer, stop }
      attached.set(io, { ...given, server, path, delivery })
      onAttached()
      return given
    },
    watchers: () => [...attached.keys()].flatMap((io) => [...watchersOf(io).values()]),
    watcherCount: () => {
      let count = 0
      for (const io of attached.keys()) count += watchersOf(io).size
      return count
    },
    deliveries: () => Array.from(attached.values(), ({ delivery }) => delivery),
    stop: () => Promise.all(Array.from(attached.values(), ({ stop }) => stop())),
  }
}
