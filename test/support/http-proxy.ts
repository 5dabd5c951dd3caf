// An HTTP proxy as offices and hotels have them: it may know no WebSocket, or hold an answer back until it is whole.
import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { atEnd } from './at-end.ts'

export interface HttpProxy {
  origin: string
  /** Hands WebSocket upgrades on. */
  upgrades: boolean
  /** Holds every answer back until its end. */
  buffers: boolean
  /** Answers 502 to paths that begin so. */
  blocked: string[]
}

/** Starts a proxy before `http://host:port`. */
export async function startHttpProxy(target: string): Promise<HttpProxy> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Duplex>()

  const pass = (incoming: IncomingMessage, response: ServerResponse) => {
    if (proxy.blocked.some((path) => incoming.url?.startsWith(path))) {
      response.writeHead(502).end()
      return
    }
    const { method, url, headers } = incoming
    const upstream = request({ hostname, port, method, path: url, headers, agent: false }, (answer) => {
      const head = () => response.writeHead(answer.statusCode ?? 502, answer.headers)
      if (!proxy.buffers) {
        head()
        response.flushHeaders()
        answer.pipe(response)
        return
      }
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('end', () => {
        head()
        response.end(Buffer.concat(chunks))
      })
    })
    upstream.on('error', () => response.destroy())
    response.on('close', () => upstream.destroy())
    incoming.pipe(upstream)
  }

  const upgrade = (incoming: IncomingMessage, near: Duplex, head: Buffer) => {
    near.on('error', () => {})
    if (!proxy.upgrades || proxy.blocked.some((path) => incoming.url?.startsWith(path))) {
      near.end('HTTP/1.1 426 Upgrade Required\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
      return
    }
    const far = connect(Number(port), hostname, () => {
      const { rawHeaders } = incoming
      const lines = rawHeaders.flatMap((name, at) => (at % 2 ? [] : [`${name}: ${rawHeaders[at + 1]}`]))
      far.write(`GET ${incoming.url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
      far.write(head)
      near.pipe(far).pipe(near)
    })
    far.on('error', () => near.destroy())
    near.on('close', () => far.destroy())
    far.on('close', () => near.destroy())
    sockets.add(near)
  }

  const server = createServer(pass).on('upgrade', upgrade).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy: HttpProxy = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    upgrades: true,
    buffers: false,
    blocked: [],
  }
  atEnd(() => {
    for (const socket of sockets) socket.destroy()
    server.closeAllConnections()
    server.close()
  })
  return proxy
}
