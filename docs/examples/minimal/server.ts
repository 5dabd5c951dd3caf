// One server: its database, who is who, the routes, the sockets and the page.
import type { IncomingMessage, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Express } from 'express'
import openKnex from 'knex'
import { createRecordServer, startEmbeddedPostgres } from 'noclobber/server'
import type { ViteDevServer } from 'vite'
import { prepare, project } from './records.ts'

/** Believes anybody who says a name: here goes what your app knows a session by. `null` is nobody. */
const authenticate = ({ headers }: IncomingMessage) => {
  const name = /^Bearer (\w+)$/.exec(headers.authorization ?? '')?.[1]
  return name ? { id: name, name, tenantId: '' } : null
}

export const start = async (app: Express, server: Server, vite: ViteDevServer) => {
  const { PORT = '3000', DATABASE_URL } = process.env
  const postgres = DATABASE_URL ? null : await startEmbeddedPostgres({ dataDir: '.postgres' })
  const databaseUrl = DATABASE_URL || postgres?.url
  const knex = openKnex({ client: 'pg', connection: databaseUrl })
  await prepare(knex)

  const records = createRecordServer({ knex, types: [project], authenticate })
  app.use('/api/v1', records.router)
  app.use(vite.middlewares)
  records.attach(server)
  server.listen(Number(PORT), '127.0.0.1', () => {
    console.log(`http://localhost:${(server.address() as AddressInfo).port}/?name=alice`)
    console.log(`The database: ${databaseUrl}`)
  })

  server.once('error', async (error: NodeJS.ErrnoException) => {
    await stop()
    console.error(
      error.code === 'EADDRINUSE' ? `Port ${PORT} is taken. Take another: PORT=3001 npm start` : error,
    )
    process.exit(1)
  })

  const stop = async () => {
    await Promise.all([records.stop(), vite.close()])
    await knex.destroy()
    await postgres?.stop()
  }
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop)
}
