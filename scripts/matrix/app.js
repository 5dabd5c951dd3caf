// One cell of the matrix: a small app as a developer would write it, with whatever versions lie beside it. It starts, saves, is
// refused and receives an event, through a form in React, and prints what happened as JSON. Written as ESM; matrix.js makes CommonJS of it.

import { createServer } from 'node:http'
import express from 'express'
import { createRecordClient } from 'noclobber/client'
import { migrate, trackTable } from 'noclobber/migrations'
import { createRecordServer, defineRecordType } from 'noclobber/server'
import pg from 'pg'
import { z } from 'zod'

const { WITH_KNEX, DATABASE_URL } = process.env

const openDatabase = async () => {
  const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 4 })
  if (!WITH_KNEX)
    return { sql: pool, given: { pool }, query: (text) => pool.query(text), close: () => pool.end() }
  const { default: openKnex } = await import('knex')
  const knex = openKnex({ client: 'pg', connection: DATABASE_URL })
  const close = async () => {
    await knex.destroy()
    await pool.end()
  }
  return { sql: knex, given: { knex }, query: (text) => pool.query(text), close }
}

const until = async (what, condition) => {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; ) {
    const found = await condition()
    if (found) return found
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`Waited in vain for ${what}.`)
}

const main = async () => {
  const database = await openDatabase()
  await database.query(
    'create table boats (id serial primary key, tenant_id text not null, name text not null)',
  )
  await migrate(database.sql)
  await trackTable(database.sql, 'boats', { tenant: 'tenant_id' })
  await database.query(`insert into boats (tenant_id, name) values ('acme', 'Gull')`)

  const boat = defineRecordType('boat', { table: 'boats', fields: { name: z.string().min(1) } })
  const alice = { id: 'alice', name: 'Alice', tenantId: 'acme' }
  const records = createRecordServer({
    log: null,
    ...database.given,
    types: [boat],
    authenticate: ({ headers }) => (headers.authorization === 'Bearer alice' ? alice : null),
  })
  const app = express()
  app.use(express.json(), express.urlencoded({ extended: true }))
  app.use('/api/v1', records.router)
  const server = createServer(app)
  records.attach(server)
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  await records.start()
  const origin = `http://127.0.0.1:${server.address().port}`

  // An ES module alone, whatever this file is.
  const { Window } = await import(/* as it is */ 'happy-dom')
  const window = new Window({ url: origin })
  globalThis.window = window
  globalThis.document = window.document
  globalThis.navigator ??= window.navigator
  const React = await import('react')
  const { createRoot } = await import('react-dom/client')
  const { LiveProvider, UpdateBanner, useRecordEditor } = await import('noclobber/react')
  const client = createRecordClient({ url: `${origin}/api/v1`, token: () => 'alice' })
  let editor = null
  const Form = () => {
    editor = useRecordEditor('boat', '1')
    return React.createElement(
      'form',
      editor.form,
      React.createElement(UpdateBanner, { editor }),
      React.createElement('input', editor.field('name')),
    )
  }
  const root = createRoot(window.document.body.appendChild(window.document.createElement('main')))
  root.render(React.createElement(LiveProvider, { client }, React.createElement(Form)))
  const shown = () => window.document.querySelector('input')?.value
  await until('the form', () => shown() === 'Gull' && client.connection.get().status === 'live')

  editor.change('name', 'Tern')
  const saved = await editor.save()
  const stale = await fetch(`${origin}/api/v1/records/boat/1`, {
    method: 'PATCH',
    headers: { authorization: 'Bearer alice', 'content-type': 'application/json' },
    body: JSON.stringify({ client_version: 1, changes: { name: 'Swan' } }),
  })
  await database.query(`update boats set name = 'Crane' where id = 1`)
  await until('the other writer’s name in the form', () => shown() === 'Crane')
  const bad = []
  for (const query of ['sort[]=x', 'limit[a]=1', 'name[__proto__][x]=1', 'cursor=%', 'limit=-1'])
    bad.push(
      (await fetch(`${origin}/api/v1/records/boat?${query}`, { headers: { authorization: 'Bearer alice' } }))
        .status,
    )

  root.unmount()
  client.close()
  await records.stop()
  await database.close()
  const { version: react } = React
  return { saved: saved.outcome, refused: stale.status, received: true, bad, react }
}

main().then(
  (done) => {
    console.log(JSON.stringify(done))
    process.exit(0)
  },
  (error) => {
    console.error(error)
    process.exit(1)
  },
)
