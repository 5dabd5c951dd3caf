// An HTTP server for an Express app on which each request costs far less. Express gives every request and response the
// app's own prototypes, and V8 then forgets what it knew of them; here they are born with these.
// Invariant: nothing of the app is passed by: its middlewares, routes and settings see what they see on any server.
import {
  createServer,
  IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  ServerResponse,
} from 'node:http'

/** The part of an Express app that is used. */
export interface ExpressApp extends RequestListener {
  request: object
  response: object
}

/** Node's constructor as it is, but for the prototype of what it makes. */
const bornWith = <T extends object>(parent: T, prototype: object): T => {
  const construct = parent as unknown as (...args: unknown[]) => void
  function Born(this: object, first: unknown, second: unknown) {
    construct.call(this, first, second)
  }
  // V8 counts the properties to make room for along this chain; without it Engine.IO's handshake leaves slow ones of 1.6 kB.
  Object.setPrototypeOf(Born, parent)
  Born.prototype = prototype
  return Born as unknown as T
}

/** A class can't be called; Node's constructors are functions, as long as their prototype can be replaced. */
const isFunction = (maker: object): boolean =>
  Object.getOwnPropertyDescriptor(maker, 'prototype')?.writable === true

/**
 * `http.createServer(options, app)` for an Express app, with less work for each request, whatever its route.
 *
 * @example
 * const server = createAppServer(app)
 * records.attach(server)
 * server.listen(3000)
 */
export const createAppServer = (app: ExpressApp, options: ServerOptions = {}): Server => {
  if (!isFunction(IncomingMessage) || !isFunction(ServerResponse)) return createServer(options, app)
  const born = {
    IncomingMessage: bornWith(IncomingMessage, app.request),
    ServerResponse: bornWith(ServerResponse, app.response) as typeof ServerResponse,
  }
  return createServer({ ...options, ...born }, app)
}
