// Many people at once who open what they had open, as after a restart.
import { askingFrame, askRaw, connectRawSockets } from './raw-sockets.js'

export default async ({ port, rows, sockets: count, records }) => {
  const sockets = await connectRawSockets(port, count)
  const idsOf = (at) => Array.from({ length: records }, (_, n) => 1 + ((at * 7 + n * 13) % rows))
  const framesOf = (message) => sockets.map((_, at) => askingFrame(message, idsOf(at)))
  const [watch, unwatch] = ['watch', 'unwatch'].map(framesOf)
  const askAll = (frames) => Promise.all(sockets.map((socket, at) => askRaw(socket, frames[at])))

  return {
    /** All ask at once, each with one message. Resolves with joins a second. */
    join: async () => {
      const begun = performance.now()
      await askAll(watch)
      return (count * records * 1_000) / (performance.now() - begun)
    },
    leave: async () => {
      await askAll(unwatch)
    },
    stop: () => {
      for (const socket of sockets) socket.close()
    },
  }
}
