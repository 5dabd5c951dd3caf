// Express 4 and CommonJS, as many apps are, without Knex: the database, the type, the routes and the page, in one process.
const { createServer } = require('node:http')
const express = require('express')
const { migrate, trackTable } = require('noclobber/migrations')
const { createRecordServer, defineRecordType, startEmbeddedPostgres } = require('noclobber/server')
const pg = require('pg')
const { z } = require('zod')

const { PORT = '3000', DATABASE_URL } = process.env

/** Believes anybody who says a name: docs/sessions.md has it for real ones. */
const authenticate = ({ headers }) => {
  const name = /^Bearer (\w+)$/.exec(headers.authorization ?? '')?.[1]
  return name ? { id: name, name, tenantId: '' } : null
}

const project = defineRecordType('project', {
  table: 'projects',
  fields: { name: z.string().min(1), budget: z.number().int().nullable() },
})

async function prepare(pool) {
  await migrate(pool)
  const { rows } = await pool.query(`select to_regclass('projects') as found`)
  if (rows[0].found) return
  await pool.query(`create table projects (id serial primary key, name text not null, budget integer);
    insert into projects (name, budget) values ('Harbour bridge', 5)`)
  await trackTable(pool, 'projects')
}

async function main() {
  const postgres = DATABASE_URL ? null : await startEmbeddedPostgres({ dataDir: '.postgres' })
  const pool = new pg.Pool({ connectionString: DATABASE_URL || postgres.url })
  await prepare(pool)
  const records = createRecordServer({ pool, types: [project], authenticate })
  const { createServer: createVite } = await import('vite')
  const app = express()
  const server = createServer(app)
  const vite = await createVite({ appType: 'spa', server: { middlewareMode: true, hmr: { server } } })
  app.use('/api/v1', records.router)
  app.use(vite.middlewares)
  records.attach(server)
  server.listen(Number(PORT), '127.0.0.1', () => {
    console.log(`http://localhost:${server.address().port}/?name=alice`)
  })
  const stop = async () => {
    await records.stop()
    await pool.end()
    await postgres?.stop()
    process.exit()
  }
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop)
}

main()
