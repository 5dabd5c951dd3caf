// People who have records open and do nothing.
import { askingFrame, askRaw, connectRawSockets } from './raw-sockets.js'

export default async ({ port, rows, sockets: count }) => {
  let sockets = []
  const idsOf = (at, records) => Array.from({ length: records }, (_, n) => 1 + ((at * 7 + n * 13) % rows))

  return {
    /** All connect and watch so many records each. */
    open: async (records) => {
      sockets = await connectRawSockets(port, count)
      for (const [at, socket] of sockets.entries())
        await askRaw(socket, askingFrame('watch', idsOf(at, records)))
    },
    close: () => {
      for (const socket of sockets) socket.close()
      sockets = []
    },
    stop: () => {
      for (const socket of sockets) socket.close()
    },
  }
}
