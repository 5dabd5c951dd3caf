// An HTTP server for an Express app on which each request costs far less. Express gives every request and response the
// app's own prototypes, and V8 then forgets what it knew of them; here they are born with these.
// Invariant: nothing of the app is passed by: its middlewares, routes and settings see what they see on any server.
//
// Relies on Node's `IncomingMessage` and `ServerResponse` being functions that can be called on an object made elsewhere (tried
// with Node 20.20), on `createServer`'s options of these names, and on an Express app's `request` and `response` (tried with
// 4.22 and 5.3). Where one isn't so the server is Node's own. `http.createServer(app)` is the way to do without. A save takes
// 0.64 to 0.73 of the CPU of bare Express and Knex instead of 0.89 to 0.99: docs/decisions/014-lean-requests.md.
import {
  createServer,
  IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  ServerResponse,
} from 'node:http'
import { harmlessLogger, type Logger, loggerOf } from '../base/logger.ts'
import { createShortcut } from '../base/shortcuts.ts'

/** The part of an Express app that is used. */
export interface ExpressApp extends RequestListener {
  /** The prototype of its requests. */
  request: object
  /** The prototype of its responses. */
  response: object
}

/** Node's own options, and where to log that the shortcut is off. */
export interface AppServerOptions extends ServerOptions {
  /** Where it says, once, that the shortcut is off. Default: the console; `null` or `false`: nobody. */
  log?: Logger | null | false
}

/** Node's constructor as it is, but for the prototype of what it makes. */
const bornWith = <T extends object>(parent: T, prototype: object): T => {
  // Node's types have a class; that it can be called was looked at before.
  const construct = parent as unknown as (...args: unknown[]) => void
  function Born(this: object, first: unknown, second: unknown) {
    construct.call(this, first, second)
  }
  // V8 counts the properties to make room for along this chain; without it Engine.IO's handshake leaves slow ones of 1.6 kB.
  Object.setPrototypeOf(Born, parent)
  Born.prototype = prototype
  // A function that is called by `new` is a class to Node, and none to TypeScript.
  return Born as unknown as T
}

/** A class can't be called; Node's constructors are functions, as long as their prototype can be replaced. */
const isFunction = (maker: object): boolean =>
  Object.getOwnPropertyDescriptor(maker, 'prototype')?.writable === true

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null

/**
 * `http.createServer(options, app)` for an Express app, with less work for each request, whatever its route.
 *
 * @example
 * const server = createAppServer(app)
 * records.attach(server)
 * server.listen(3000)
 */
export const createAppServer = (app: ExpressApp, { log, ...options }: AppServerOptions = {}): Server => {
  const { IncomingMessage: Message = IncomingMessage, ServerResponse: Answer = ServerResponse } = options
  if (!isFunction(Message) || !isFunction(Answer) || !isObject(app.request) || !isObject(app.response)) {
    createShortcut('prototypes', true, harmlessLogger(loggerOf(log))).turnOff()
    return createServer(options, app)
  }
  const born = {
    IncomingMessage: bornWith(Message, app.request),
    ServerResponse: bornWith(Answer, app.response) as typeof ServerResponse,
  }
  return createServer({ ...options, ...born }, app)
}
