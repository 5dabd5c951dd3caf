// What Express says of a request, also of one that no middleware sees: a socket's handshake. Behind proxies that the app
// trusts (`trust proxy`) the client's address and scheme are what they say, else what the connection itself has.
import type { Server as HttpServer, IncomingMessage } from 'node:http'
import { isIPv6 } from 'node:net'

/** The part of an Express app that is used. */
interface App {
  get(name: string): unknown
  request: object
}

interface Seen {
  ip?: string | undefined
  protocol?: string
}

const apps = new WeakMap<HttpServer, App>()
const appOfRequest = new WeakMap<object, App>()

const isApp = (listener: unknown): listener is App =>
  typeof listener === 'function' &&
  'get' in listener &&
  typeof listener.get === 'function' &&
  'request' in listener

/** The Express app that answers an HTTP server's requests, where it does so itself; it is remembered for later callers. */
export const expressAppOf = (server: HttpServer): App | undefined => {
  const found = apps.get(server) ?? (server.listeners('request') as unknown[]).find(isApp)
  if (found) apps.set(server, found)
  return found
}

/** A handshake that came to this app's server. */
export const keepApp = (request: IncomingMessage, app: App | undefined): void => {
  if (app) appOfRequest.set(request, app)
}

const seenBy = (request: IncomingMessage): Seen => {
  const app = appOfRequest.get(request)
  if (!app || 'app' in request) return request as Seen
  const { headers, socket } = request
  return Object.create(app.request, {
    app: { value: app },
    headers: { value: headers },
    socket: { value: socket },
    connection: { value: socket },
  })
}

/** `2001:db8::1` and all of its network of 64 bits, which one subscriber has, are one. */
const networkOf = (address: string): string => {
  if (!address.includes(':')) return address
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped) return mapped
  if (!isIPv6(address)) return address
  const [head = '', tail] = (address.split('%')[0] as string).split('::')
  const parts = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? 0 : tail.split(':').length
  if (tail !== undefined) while (parts.length + after < 8) parts.push('0')
  const four = parts.slice(0, 4).map((part) => Number.parseInt(part, 16).toString(16))
  return `${four.join(':')}::/64`
}

/** By what requests are counted where nobody is signed in: an IPv4 address, or an IPv6 network of 64 bits. */
export const addressOf = (request: IncomingMessage): string => {
  // Without the header both are one, and Express's own way costs more.
  const ip = request.headers['x-forwarded-for'] === undefined ? undefined : seenBy(request).ip
  return networkOf(ip ?? request.socket.remoteAddress ?? '')
}

/**
 * `http` or `https`. Of a request that Express doesn't know, a proxy's word is taken unasked: no page can make a browser
 * send it.
 */
export const schemeOf = (request: IncomingMessage): string => {
  const { protocol } = seenBy(request)
  if (protocol) return protocol
  const [scheme] = String(request.headers['x-forwarded-proto'] ?? '').split(',')
  if (scheme) return scheme.trim().toLowerCase()
  return (request.socket as { encrypted?: boolean }).encrypted ? 'https' : 'http'
}
