// The demo as one Express app around a record server: what an embedding app would write, and nothing more.
// Invariant: it uses the public doors alone.
import type { Server } from 'node:http'
import express, { type ErrorRequestHandler, type Express, type RequestHandler, type Response } from 'express'
import type { Knex } from 'knex'
import { mcpHandler } from 'noclobber/mcp'
import { createRecordServer, type Logger, type RecordServer, type RedisClient } from 'noclobber/server'
import { accessRoutes } from './access.ts'
import { createCrowd } from './crowd.ts'
import { operationRoutes } from './operations.ts'
import { pageHeaders, pageRoutes } from './page.ts'
import { playRoutes } from './play.ts'
import { refuse } from './problem.ts'
import { personOf, sessionRoutes } from './sessions.ts'
import { comment, part, project, task } from './types.ts'

export interface DemoOptions {
  /** A prepared database: see `prepareDatabase`. */
  knex: Knex
  /** The same database, for the button that writes by SQL on a connection of its own. */
  databaseUrl: string
  /** Where Vite has put the page; without it the demo has no pages. */
  pageDirectory?: string
  /** Where several nodes serve one database. */
  redis?: RedisClient
  log?: Logger
}

export interface DemoApp {
  app: Express
  records: RecordServer
  /** Starts the feed and the sockets on the server that serves `app`; returns its stop. */
  start(server: Server): Promise<() => Promise<void>>
}

/** Four people stand for a whole office here, and for anyone who tries how much it bears. */
const LIMITS = {
  socketsPerPerson: 20_000,
  requestsPerPerson: 3_000_000,
  requestsPerAddress: 6_000_000,
  leaveMs: 5_000,
}

/** Agents, at the address that this server listens at. */
const agentsRoute = (): RequestHandler => {
  let answer: ReturnType<typeof mcpHandler> | null = null
  return (request, response) => {
    answer ??= mcpHandler({ url: `http://127.0.0.1:${request.socket.localPort}/api/v1` })
    void answer(request, response)
  }
}

const notFound = (response: Response) =>
  refuse(response, 404, 'not_found', 'Not found', 'There is nothing at this address.')

const failed =
  (log: Logger | undefined): ErrorRequestHandler =>
  (error, _request, response, next) => {
    if (response.headersSent) return next(error)
    const status = Number(error?.status)
    if (status === 404) return notFound(response)
    if (status === 413) return refuse(response, 413, 'too_large', 'Too large', 'The request is too large.')
    if (status >= 400 && status < 500) {
      return refuse(response, 400, 'malformed', 'Not understood', 'The request could not be read.')
    }
    log?.error({ err: error }, 'request failed')
    refuse(response, 500, 'internal', 'Something went wrong', 'The server failed to answer.')
  }

/** The demo on a prepared database. Listen with `app`, then `start` with that server. */
export const createDemoApp = ({ knex, databaseUrl, pageDirectory, redis, log }: DemoOptions): DemoApp => {
  const records = createRecordServer({
    knex,
    types: [project, task, part, comment],
    authenticate: personOf,
    limits: LIMITS,
    ...(redis && { redis }),
    ...(log && { log }),
  })
  const app = express().disable('x-powered-by').set('trust proxy', 'loopback, uniquelocal')
  app.use(operationRoutes(records))
  app.use('/api/v1', records.router)
  app.all('/mcp', agentsRoute())
  app.use(pageHeaders)
  const crowd = createCrowd(records, knex)
  app.use('/demo', sessionRoutes(), playRoutes(records, databaseUrl), accessRoutes(records), crowd.routes)
  if (pageDirectory) app.use(pageRoutes(pageDirectory))
  app.use((_request, response) => notFound(response))
  app.use(failed(log))

  const start = async (server: Server) => {
    records.attach(server)
    await records.start()
    return () => {
      crowd.stop()
      return records.stop()
    }
  }
  return { app, records, start }
}
