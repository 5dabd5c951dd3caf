// Many people who have the same few records open; they count what they hear and read none of it.
import { askingFrame, askRaw, connectPlainSockets, connectRawSockets } from './raw-sockets.js'

/** `isPlain`: of a server that tells everybody everything and speaks no Socket.IO. */
export default async ({ port, sockets: count, ids, isPlain = false }) => {
  const connect = isPlain ? connectPlainSockets : connectRawSockets
  const sockets = await connect(port, count)
  const frame = askingFrame('watch', ids)
  let expected = 0
  let begun = 0
  let arrived = 0
  let done = () => {}
  const hear = (text) => {
    if (!text.startsWith('42["RecordUpdated"')) return
    if (arrived === 0) begun = performance.now()
    arrived += 1
    if (arrived === expected) done(performance.now() - begun)
  }
  for (const socket of sockets) {
    if (!isPlain) await askRaw(socket, frame)
    socket.onText = hear
  }
  let spread

  return {
    /** Gets ready for so many changes; only then may they be made. */
    listen: (changes) => {
      arrived = 0
      expected = count * changes
      spread = new Promise((resolve) => {
        done = resolve
      })
    },
    /** Milliseconds from the first event until everybody has heard of all changes. */
    spread: () => spread,
    stop: () => {
      for (const socket of sockets) socket.close()
    },
  }
}
