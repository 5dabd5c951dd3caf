// Many people who have the same few records open; they count what they receive and make nothing of it.
// Somewhere else in the world they would take nothing of the server's processor. Here they share it: so while the server
// sends, only a few of them listen, from the first that came to the last, and the others receive what they were sent after.
import { sharedNow } from '../servers/shared-clock.js'
import { askingFrame, askRaw, connectPlainSockets, connectRawSockets } from './raw-sockets.js'

/** How many listen at once. */
const EARS = 10

/** `isPlain`: of a server that sends everybody everything and speaks no Socket.IO. */
export default async ({ port, sockets: count, ids, isPlain = false }) => {
  const connect = isPlain ? connectPlainSockets : connectRawSockets
  const sockets = await connect(port, count)
  const frame = askingFrame('watch', ids)
  const ears = new Set()
  for (let ear = 0; ear < EARS; ear += 1) ears.add(sockets[Math.round((ear * (count - 1)) / (EARS - 1))])
  let [expectedByListeners, expected, receivedByListeners, received, receivedAt] = [0, 0, 0, 0, 0]
  let done = () => {}
  const receive = (socket) => (text) => {
    if (!text.startsWith('42["RecordUpdated"')) return
    received += 1
    if (ears.has(socket)) {
      receivedByListeners += 1
      if (receivedByListeners === expectedByListeners) {
        receivedAt = sharedNow()
        for (const other of sockets) if (!ears.has(other)) other.listen()
      }
    }
    if (received === expected) done(receivedAt)
  }
  for (const socket of sockets) {
    if (!isPlain) await askRaw(socket, frame)
    socket.onText = receive(socket)
  }
  let end

  return {
    /** Gets ready for so many changes; only then may they be made. */
    listen: (changes) => {
      received = 0
      receivedByListeners = 0
      expected = count * changes
      expectedByListeners = ears.size * changes
      for (const socket of sockets) if (!ears.has(socket)) socket.deafen()
      end = new Promise((resolve) => {
        done = resolve
      })
    },
    /** when the last of those who listen had received all changes, once everybody has; by the clock of all processes. */
    receivedAt: () => end,
    stop: () => {
      for (const socket of sockets) socket.close()
    },
  }
}
