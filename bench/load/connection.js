// One kept-alive HTTP connection that costs the load as little as can be: the load must never be what is measured.
import { connect } from 'node:net'

const HEAD_END = Buffer.from('\r\n\r\n')

/** Where an answer ends, or `null` where more must come. */
const readAnswer = (bytes) => {
  const end = bytes.indexOf(HEAD_END)
  if (end < 0) return null
  const head = bytes.latin1Slice(0, end)
  const status = Number(head.slice(9, 12))
  const length = status === 304 || status === 204 ? 0 : Number(/\ncontent-length: (\d+)/i.exec(head)?.[1])
  if (Number.isNaN(length)) throw new Error(`An answer without a length:\n${head}`)
  const from = end + HEAD_END.length
  return bytes.length < from + length ? null : { status, body: bytes.utf8Slice(from, from + length) }
}

/** @param {number} port @returns `send` takes one request at a time. */
export const openConnection = async (port) => {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  let waiting = null
  let received = Buffer.alloc(0)
  socket.on('data', (bytes) => {
    received = received.length === 0 ? bytes : Buffer.concat([received, bytes])
    const answer = readAnswer(received)
    if (!answer) return
    received = Buffer.alloc(0)
    const { resolve } = waiting
    waiting = null
    resolve(answer)
  })
  const fail = (error) => waiting?.reject(error ?? new Error('The server closed the connection.'))
  socket.on('error', fail)
  socket.on('close', () => fail())
  await new Promise((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  return {
    /** @returns {Promise<{ status: number, body: string }>} */
    send: (method, path, { headers = '', body = '' } = {}) =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject }
        if (socket.destroyed) return fail()
        const content = body
          ? `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`
          : ''
        socket.write(`${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}${content}\r\n${body}`)
      }),
    /** The server hasn't closed it. */
    isOpen: () => !socket.destroyed,
    close: () => socket.destroy(),
  }
}
