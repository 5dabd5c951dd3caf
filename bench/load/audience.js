// Many people who have the same few records open.
import { ask, connectSockets } from './sockets.js'

export default async ({ port, sockets: count, ids }) => {
  const sockets = await connectSockets(port, count)
  const expected = count * ids.length
  let begun = 0
  let arrived = 0
  let done = () => {}
  for (const socket of sockets) {
    await ask(socket, 'watch', ids)
    socket.on('RecordUpdated', () => {
      if (arrived === 0) begun = performance.now()
      arrived += 1
      if (arrived === expected) done(performance.now() - begun)
    })
  }
  let spread

  return {
    /** Gets ready; only then may the changes be made. */
    listen: () => {
      arrived = 0
      spread = new Promise((resolve) => {
        done = resolve
      })
    },
    /** Milliseconds from the first event until everybody has heard of all changes. */
    spread: () => spread,
    stop: () => {
      for (const socket of sockets) socket.disconnect()
    },
  }
}
