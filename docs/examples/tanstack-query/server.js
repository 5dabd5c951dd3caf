// The database, the type, the routes and the page, in one process.
import express from 'express'
import openKnex from 'knex'
import { migrate, trackTable } from 'noclobber/migrations'
import {
  createAppServer,
  createRecordServer,
  defineRecordType,
  startEmbeddedPostgres,
} from 'noclobber/server'
import { createServer } from 'vite'
import { z } from 'zod'

const { PORT = '3000', DATABASE_URL } = process.env
const postgres = DATABASE_URL ? null : await startEmbeddedPostgres({ dataDir: '.postgres' })
const knex = openKnex({ client: 'pg', connection: DATABASE_URL || postgres.url })
await migrate(knex)
if (!(await knex.schema.hasTable('projects'))) {
  await knex.raw(`create table projects (id serial primary key, name text not null, budget integer);
    insert into projects (name, budget) values ('Harbour bridge', 5)`)
  await trackTable(knex, 'projects')
}

const project = defineRecordType('project', {
  table: 'projects',
  fields: { name: z.string().min(1), budget: z.number().int().nullable() },
})
/** Believes anybody who says a name: docs/sessions.md has it for real ones. */
const authenticate = ({ headers }) => {
  const name = /^Bearer (\w+)$/.exec(headers.authorization ?? '')?.[1]
  return name ? { id: name, name, tenantId: '' } : null
}
const records = createRecordServer({ knex, types: [project], authenticate })

const app = express()
const server = createAppServer(app)
const vite = await createServer({ appType: 'spa', server: { middlewareMode: true, hmr: { server } } })
app.use('/api/v1', records.router)
app.use(vite.middlewares)
records.attach(server)
server.listen(Number(PORT), '127.0.0.1', () => {
  console.log(`http://localhost:${server.address().port}/?name=alice`)
})

const stop = async () => {
  await records.stop()
  await knex.destroy()
  await postgres?.stop()
  process.exit()
}
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop)
