// Requests of HTTP/2, from Node's own `http2.createSecureServer`: its request and response lack some of what those of HTTP/1 have.
// Invariant: behind `fromHttp2` a handler sees where a request came to, and whether its reader has gone, whatever the protocol.

import type { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import type { Middleware } from '../base/request.ts'

const isHttp2 = ({ httpVersionMajor }: IncomingMessage): boolean => httpVersionMajor === 2

/** What those of HTTP/2 have beside the names of HTTP/1. */
const streamOf = (message: IncomingMessage | ServerResponse): ServerHttp2Stream =>
  (message as (IncomingMessage | ServerResponse) & { stream: ServerHttp2Stream }).stream

/** The host that a request came to, with its port: `Host`, or what HTTP/2 has in its place. */
export const hostOf = ({ headers }: IncomingMessage): string | undefined =>
  headers.host ?? (headers[':authority'] as string | undefined)

/** Has anything of the answer been sent? Other answers share the connection of HTTP/2, so its bytes don't say. */
export const sentMark = (request: IncomingMessage): (() => boolean) => {
  if (isHttp2(request)) {
    const stream = streamOf(request)
    return () => stream.headersSent || stream.destroyed
  }
  const { bytesWritten } = request.socket
  return () => request.socket.bytesWritten !== bytesWritten
}

/** What is asked of a response, as its stream has it. */
const OF_STREAM = ['destroyed', 'writableFinished', 'writableNeedDrain'] as const

const complete = (response: ServerResponse) => {
  const stream = streamOf(response)
  for (const name of OF_STREAM)
    if (!(name in response)) Object.defineProperty(response, name, { get: () => stream[name] })
}

/** HTTP/2 frames a body by itself; readers of bodies look for a length, or for the header that HTTP/1 has without one. */
const announceBody = (request: IncomingMessage) => {
  const { headers } = request
  if (!streamOf(request).endAfterHeaders && headers['content-length'] === undefined)
    headers['transfer-encoding'] = 'chunked'
}

/** Gives requests and answers of HTTP/2 what the handlers ask of them. */
export const fromHttp2: Middleware = (request, response, next) => {
  if (isHttp2(request)) {
    announceBody(request)
    complete(response)
  }
  next()
}

/** Sessions of a server of HTTP/2, which nothing else ends; on other servers there are none. */
export const sessionsOf = (server: EventEmitter): ReadonlySet<ServerHttp2Session> => {
  const sessions = new Set<ServerHttp2Session>()
  server.on('session', (session: ServerHttp2Session) => {
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
  })
  return sessions
}
