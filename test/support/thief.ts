// Something that listens where a PostgreSQL is expected, says what it is given to say, and keeps what it receives.
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { atEnd } from './at-end.ts'

/** A message of PostgreSQL's wire protocol. */
export const message = (type: string, ...parts: (number | string)[]): Buffer => {
  const body = Buffer.concat(
    parts.map((part) => {
      if (typeof part === 'string') return Buffer.from(`${part}\0`)
      const number = Buffer.alloc(4)
      number.writeInt32BE(part)
      return number
    }),
  )
  const head = Buffer.alloc(5)
  head.write(type)
  head.writeInt32BE(4 + body.length, 1)
  return Buffer.concat([head, body])
}

export const clearText = message('R', 3)
export const md5 = message('R', 5, 7)
export const sasl = message('R', 10, 'SCRAM-SHA-256', '')
export const welcome = Buffer.concat([message('R', 0), message('Z').fill(0), Buffer.from('Z\0\0\0\x05I')])

export interface Thief {
  port: number
  /** Everything that came after the names that a client begins with. */
  received(): string
}

/** Says one thing more each time that it receives something. */
export async function startThief(says: Buffer[], port = 0): Promise<Thief> {
  const sockets = new Set<Socket>()
  let received = ''
  const server = createServer((socket) => {
    sockets.add(socket)
    let turn = 0
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      if (turn > 0) received += chunk.toString('latin1')
      const next = says[turn]
      turn += 1
      if (next) socket.write(next)
      else socket.end()
    })
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  atEnd(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, received: () => received }
}

export const passwordIn = (url: string): string => new URL(url).password
