// What a record server gives to the app that made it (record-server.ts): routes, sockets, operations.
import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http'
import type { Http2SecureServer, Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { Server as SocketServer } from 'socket.io'
import type { PgClient } from './base/pg.ts'
import type { Actor } from './base/record-type.ts'
import type { HostMiddleware } from './base/request.ts'
import type { RevokeOptions } from './base/revoke-options.ts'
import type { DrainOptions } from './node/drain.ts'
import type { Health } from './node/health.ts'
import type { Metrics } from './node/metrics.ts'
import type { Operations } from './operations/operations.ts'

/** Sockets that were attached to a server. */
export interface Attached {
  /** The Socket.IO server: the app's own, or the one that was made. */
  io: SocketServer
  /** Stops serving records on it, and takes away what was put there; closes it if {@link RecordServer.attach} made it. */
  stop(): Promise<void>
}

/** What {@link RecordServer.attach} takes. */
export interface AttachOptions {
  /** On an HTTP server: where sockets connect. Default `/socket.io`; the client's `socketPath` is the same. */
  path?: string
}

/** What {@link createRecordServer} gives. All operations answer with outcomes as values; they throw for broken promises alone. */
export interface RecordServer<A extends Actor = Actor> extends Operations<A> {
  /** The routes, for Express 4 and 5 and other hosts with middlewares: `app.use('/api/v1', records.router)`. */
  router: HostMiddleware
  /**
   * The routes below `basePath`, for a host without middlewares: `http.createServer(records.handler)`, Fastify, Koa, Hono. Other
   * paths go to `next`; without one they are answered 404. Of HTTP/2 too: `http2.createSecureServer({ …, allowHTTP1: true },
   * records.handler)`.
   */
  handler: (
    request: IncomingMessage | Http2ServerRequest,
    response: ServerResponse | Http2ServerResponse,
    next?: (error?: unknown) => void,
  ) => void
  /**
   * Serves live events on the app's HTTP server, or on a Socket.IO server that it has already, whose other sockets stay
   * the app's. Attached twice, it gives the same.
   *
   * @throws where another record server of this process serves that Socket.IO server, or that path of the HTTP server.
   */
  attach(server: HttpServer | Http2SecureServer | SocketServer, options?: AttachOptions): Attached
  /**
   * The client of the `pool` that an ORM's transaction runs on, for the `transaction` of a write. `ask` sends SQL within that
   * transaction: `(sql) => tx.$queryRawUnsafe(sql)` of Prisma, `(sql) => manager.query(sql)` of TypeORM.
   *
   * @throws Error where it runs on no connection of that pool.
   */
  transactionOf(ask: (sql: string) => Promise<unknown> | unknown): Promise<PgClient>
  /** Looks the tables up and begins to follow the log. Called by {@link RecordServer.attach}; await it to learn of mistakes at once. */
  start(): Promise<void>
  /** For Prometheus: `response.type(records.metrics.contentType).send(await records.metrics.text())`. */
  metrics: Metrics
  /** Is this node fit to serve? For a load balancer: 200 unless `unavailable` or `draining`, else 503. */
  health(): Promise<Health>
  /**
   * Leaves gently: first {@link RecordServer.health} says so, then sockets and streams are closed one by one, and their
   * clients come back to other nodes. Then {@link RecordServer.stop}.
   */
  drain(options?: DrainOptions): Promise<void>
  /** Permissions have changed: everybody concerned is looked at again at once, on every node, instead of within `recheckMs`. */
  revoke(options: RevokeOptions): Promise<void>
  /**
   * Stops following the log and leaves every socket server. An HTTP server that was attached is closed by the last record
   * server on it: what has begun on it is answered, and cut after `limits.leaveMs`.
   */
  stop(): Promise<void>
}
