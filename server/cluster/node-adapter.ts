// The adapter of the app's Socket.IO server: its own emits reach the sockets of all nodes.
// Invariant: it takes sealed messages alone, so nobody else on Redis can emit, move or disconnect a socket. No handshake
// and nothing of `socket.data` leaves the node: `fetchSockets` answers other nodes with ids and rooms.
import type { Namespace } from 'socket.io'
import {
  Adapter,
  type BroadcastOptions,
  ClusterAdapterWithHeartbeat,
  type ClusterMessage,
  type ClusterResponse,
  MessageType,
} from 'socket.io-adapter'

/** A message from one adapter to the others; `to` names the one that asked. */
export type AdapterMessage = (ClusterMessage | ClusterResponse) & { to?: string }

/** The way between adapters. */
export interface AdapterLink {
  send(message: AdapterMessage): void
  add(adapter: LinkedAdapter): void
  remove(adapter: LinkedAdapter): void
}

/** An adapter, as the link sees it. */
export interface LinkedAdapter {
  receive(message: AdapterMessage): void
  /** The way stands: the others learn of this one. */
  init(): void
}

const withoutPeople = (response: ClusterResponse): ClusterResponse => {
  if (response.type !== MessageType.FETCH_SOCKETS_RESPONSE) return response
  const sockets = (response.data.sockets as { id: string; rooms: string[] }[]).map(({ id, rooms }) => ({
    id,
    rooms,
    handshake: {},
    data: {},
  }))
  return { ...response, data: { ...response.data, sockets } } as ClusterResponse
}

/** Lets Node end in spite of a timer that is private in the adapter's types. */
const unrefTimer = (adapter: object, name: 'cleanupTimer' | 'heartbeatTimer') => {
  const timer: NodeJS.Timeout | undefined = Reflect.get(adapter, name)
  timer?.unref()
}

/** An adapter for each namespace of a server, for `io.adapter(…)`. */
export const nodeAdapter = (link: AdapterLink): (new (namespace: Namespace) => LinkedAdapter) =>
  class NodeAdapter extends ClusterAdapterWithHeartbeat implements LinkedAdapter {
    constructor(namespace: Namespace) {
      super(namespace, {})
      // An app that has closed its own server needn't close this too.
      unrefTimer(this, 'cleanupTimer')
      // There is no connection state recovery here, so events need no offset as a last argument.
      Object.assign(this, { addOffsetIfNecessary: () => {} })
      link.add(this)
    }

    override publish(message: Parameters<ClusterAdapterWithHeartbeat['publish']>[0]): void {
      super.publish(message)
      unrefTimer(this, 'heartbeatTimer')
    }

    /** This node's own sockets get it at once, so that what the app emits to all and to one keeps its order. */
    override async broadcast(packet: unknown, options: BroadcastOptions): Promise<void> {
      const { rooms, except = new Set(), flags = {} } = options
      const opts = { rooms: [...rooms], except: [...except], flags }
      if (!flags.local) this.publish({ type: MessageType.BROADCAST, data: { packet, opts } })
      Adapter.prototype.broadcast.call(this, packet, options)
    }

    /** Nobody waits for Redis. */
    override async doPublish(message: ClusterMessage): Promise<string> {
      link.send(message)
      return ''
    }

    override async doPublishResponse(to: string, response: ClusterResponse): Promise<void> {
      link.send({ ...withoutPeople(response), to })
    }

    receive(message: AdapterMessage): void {
      if (message.nsp !== this.nsp.name) return
      if (message.to === undefined) this.onMessage(message as ClusterMessage)
      else if (message.to === this.uid) this.onResponse(message as ClusterResponse)
    }

    override close(): void {
      super.close()
      link.remove(this)
    }
  }
