// Socket.IO's protocol over bare WebSockets, so that thousands of clients cost the load little: frames are written as
// they were built, answers are distinguished by their first characters and left unread.
import { WebSocket } from 'ws'

const CONNECTED = '40'
const REFUSED = '44'
const OPENED = '0'
const PING = '2'
const PONG = '3'

/** A client that is given each text from the first one on; `onOpen` runs when the connection is open. */
const openSocket = (url, { onText, onOpen = () => {}, onError }) => {
  const ws = new WebSocket(url, { perMessageDeflate: false })
  ws.on('error', onError)
  ws.on('open', onOpen)
  ws.on('message', (bytes) => onText(bytes.latin1Slice()))
  return {
    send: (text) => ws.send(text),
    close: () => ws.terminate(),
    onText: () => {},
    /** What arrives stays with the system, and wakes nobody. */
    deafen: () => ws._socket._handle.readStop(),
    listen: () => ws._socket._handle.readStart(),
  }
}

/** One client in the default namespace; its `onText` gets what isn't the connection's own. */
const connectSocket = (port) =>
  new Promise((resolve, reject) => {
    const onText = (text) => {
      if (text === PING) socket.send(PONG)
      else if (text.startsWith(OPENED)) socket.send(CONNECTED)
      else if (text.startsWith(CONNECTED)) resolve(socket)
      else if (text.startsWith(REFUSED)) reject(new Error(`refused: ${text}`))
      else socket.onText(text)
    }
    const url = `ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`
    const socket = openSocket(url, { onText, onError: reject })
  })

/** One client of a server that speaks no Socket.IO. */
const connectPlain = (port) =>
  new Promise((resolve, reject) => {
    const options = {
      onText: (text) => socket.onText(text),
      onOpen: () => resolve(socket),
      onError: reject,
    }
    const socket = openSocket(`ws://127.0.0.1:${port}/`, options)
  })

const connectAll = async (count, connect) => {
  const sockets = []
  while (sockets.length < count) {
    const some = Array.from({ length: Math.min(50, count - sockets.length) }, connect)
    sockets.push(...(await Promise.all(some)))
  }
  return sockets
}

/** Clients of a Socket.IO server, none in any room. */
export const connectRawSockets = (port, count) => connectAll(count, () => connectSocket(port))

/** Clients of a server that speaks no Socket.IO. */
export const connectPlainSockets = (port, count) => connectAll(count, () => connectPlain(port))

/** The frame of a `watch` or `unwatch` for records of these ids, to be acknowledged by `43`. */
export const askingFrame = (message, ids) => {
  const records = ids.map((id) => ({ type: 'project', id: String(id) }))
  return `420${JSON.stringify([message, { records, lists: [] }])}`
}

/** Sends a frame that {@link askingFrame} made; resolves with its answer's text, throws where something was refused. */
export const askRaw = (socket, frame) =>
  new Promise((resolve, reject) => {
    socket.onText = (text) => {
      if (!text.startsWith('430')) return
      if (text.includes('"ok":false')) reject(new Error(`refused: ${text.slice(0, 500)}`))
      else resolve(text)
    }
    socket.send(frame)
  })
