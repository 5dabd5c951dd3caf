// Many people at once who open what they had open, as after a restart.
import { ask, connectSockets } from './sockets.js'

export default async ({ port, rows, sockets: count, records }) => {
  const sockets = await connectSockets(port, count)
  const idsOf = (at) => Array.from({ length: records }, (_, n) => 1 + ((at * 7 + n * 13) % rows))

  return {
    /** Joins a second, of all sockets at once, each with one message. */
    joins: async () => {
      const begun = performance.now()
      await Promise.all(sockets.map((socket, at) => ask(socket, 'watch', idsOf(at))))
      const perSecond = (count * records * 1_000) / (performance.now() - begun)
      await Promise.all(sockets.map((socket, at) => ask(socket, 'unwatch', idsOf(at))))
      return perSecond
    },
    stop: () => {
      for (const socket of sockets) socket.disconnect()
    },
  }
}
