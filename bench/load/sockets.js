// Sockets as browsers have them, and what they ask.
import { io } from 'socket.io-client'

/** Sockets that are connected at `port`, none in any room. */
export const connectSockets = async (port, count) => {
  const sockets = []
  while (sockets.length < count) {
    const some = Array.from({ length: Math.min(50, count - sockets.length) }, () =>
      io(`http://127.0.0.1:${port}`, { transports: ['websocket'], forceNew: true, reconnection: false }),
    )
    await Promise.all(
      some.map(
        (socket) =>
          new Promise((resolve, reject) => {
            socket.once('connect', resolve)
            socket.once('connect_error', reject)
          }),
      ),
    )
    sockets.push(...some)
  }
  return sockets
}

/** Sends `watch` or `unwatch` for records of these ids; throws where one is refused. */
export const ask = async (socket, message, ids) => {
  const records = ids.map((id) => ({ type: 'project', id: String(id) }))
  const answer = await socket.timeout(30_000).emitWithAck(message, { records, lists: [] })
  if (!answer.records || answer.records.some(({ ok }) => ok === false))
    throw new Error(`refused: ${JSON.stringify(answer)}`)
}
