// As little as WebSockets can cost a server: a loop that writes one frame, built once, to each connection.
import { createServer } from 'node:http'
import { Sender, WebSocketServer } from 'ws'
import { eventOf } from './event-of.js'
import { listenForChanges } from './listen-changes.js'
import { listening } from './listening.js'
import { sharedNow } from './shared-clock.js'

const TEXT = { readOnly: false, mask: false, rsv1: false, opcode: 1, fin: true }

export default async ({ url }) => {
  const { server, port, close } = await listening(undefined, createServer)
  const wss = new WebSocketServer({ server, perMessageDeflate: false })

  let begunAt = 0
  const plain = await listenForChanges(url, (ids) => {
    begunAt = sharedNow()
    for (const id of ids) {
      const text = `42${JSON.stringify(['RecordUpdated', eventOf(id)])}`
      const frame = Buffer.concat(Sender.frame(Buffer.from(text), TEXT))
      for (const { _socket } of wss.clients) _socket.write(frame)
    }
  })

  return {
    ready: () => port,
    port: () => port,
    emit: (ids) => plain.change(ids),
    begin: () => {},
    begunAt: () => begunAt,
    cpuMicros: () => {
      const { user, system } = process.cpuUsage()
      return user + system
    },
    stop: async () => {
      await plain.stop()
      for (const client of wss.clients) client.terminate()
      await close()
    },
  }
}
