// One table, one type, one server. `npm start`, then open /?name=alice and /?name=bob beside each other.
import react from '@vitejs/plugin-react'
import express from 'express'
import openKnex from 'knex'
import { migrate, trackTable } from 'noclobber/migrations'
import {
  createAppServer,
  createRecordServer,
  defineRecordType,
  startEmbeddedPostgres,
} from 'noclobber/server'
import { createServer as createVite } from 'vite'
import { z } from 'zod'

const { PORT = '3000', DATABASE_URL } = process.env
const postgres = DATABASE_URL ? null : await startEmbeddedPostgres({ dataDir: '.postgres' })
const knex = openKnex({ client: 'pg', connection: DATABASE_URL ?? postgres.url })

// An app has migrations for this; here the table is made at the first start.
await migrate(knex)
if (!(await knex.schema.hasTable('projects'))) {
  await knex.schema.createTable('projects', (table) => {
    table.increments('id')
    table.text('name').notNullable()
    table.text('status').notNullable().defaultTo('planned')
  })
  await knex('projects').insert([{ name: 'Harbour bridge' }, { name: 'Ferry dock' }])
  await trackTable(knex, 'projects')
}

const project = defineRecordType('project', {
  table: 'projects',
  fields: { name: z.string().min(1), status: z.enum(['planned', 'active', 'done']) },
  can: () => true,
})

/** Believes anybody who says a name: here goes what your app knows a session by. `null` is nobody. */
const authenticate = ({ headers }) => {
  const name = /^Bearer (\w+)$/.exec(headers.authorization ?? '')?.[1]
  return name ? { id: name, name, tenantId: '' } : null
}

const app = express()
const records = createRecordServer({ knex, types: [project], authenticate })
app.use('/api/v1', records.router)
const vite = await createVite({
  appType: 'spa',
  plugins: [react()],
  server: { middlewareMode: true, hmr: false },
})
app.use(vite.middlewares)

const server = createAppServer(app)
records.attach(server)
server.listen(Number(PORT), '127.0.0.1', () =>
  console.log(`http://localhost:${server.address().port}/?name=alice`),
)

process.once('SIGINT', async () => {
  await Promise.all([records.stop(), vite.close()])
  await knex.destroy()
  await postgres?.stop()
})
