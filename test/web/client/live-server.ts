// A real server with one tracked table on a real database, and clients of the browser's side for its people.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import knex from 'knex'
import { createRecordServer, defineRecordType, type RecordServer } from 'noclobber/server'
import { afterAll } from 'vitest'
import { z } from 'zod'
import { trackTable } from '../../../migrations/index.ts'
import { createRecordClient } from '../../../web/client/record-client.ts'
import type { RecordClientOptions } from '../../../web/client/record-client-options.ts'
import { createFastClock } from '../../support/clocks.ts'
import { freshDatabase } from '../../support/postgres.ts'

export interface Project {
  name: string
  status: string
  budget: number | null
  notes: string
  links: { [name: string]: string }
}

/** Time runs ten times as fast for whatever waits, and the same for what reads the clock. */
const hurriedClock = createFastClock()

export interface Note {
  project_id: number | string
  text: string
}

/** Starts it all; it is stopped at the end of the file. `routes` adds the app's own. */
export async function startLiveServer(
  routes: (app: express.Express, records: RecordServer) => void = () => {},
) {
  const database = await freshDatabase()
  const connection = knex({ client: 'pg', connection: database.url, pool: { min: 0, max: 4 } })
  await connection.schema.createTable('projects', (table) => {
    table.increments('id')
    table.text('name').notNullable()
    table.text('status').notNullable().defaultTo('planned')
    table.integer('budget')
    table.text('notes').notNullable().defaultTo('')
    table.jsonb('links').notNullable().defaultTo('{}')
  })
  await trackTable(connection, 'projects', { history: 'values' })
  await connection.schema.createTable('notes', (table) => {
    table.uuid('id').primary().defaultTo(connection.raw('gen_random_uuid()'))
    table.integer('project_id').notNullable().references('projects.id')
    table.text('text').notNullable().unique()
  })
  await trackTable(connection, 'notes', { lists: ['project_id'] })
  const project = defineRecordType('project', {
    table: 'projects',
    fields: {
      name: z.string().min(1),
      status: z.string(),
      budget: z.number().nullable(),
      notes: z.string().max(5000).default(''),
      links: z.record(z.string(), z.string()).default({}),
    },
    merge: { text: ['notes'] },
    history: 'values',
    can: ({ id }, action) => id !== 'vera' || action === 'read' || action === 'propose',
  })
  const note = defineRecordType('note', {
    table: 'notes',
    fields: { project_id: z.coerce.number().int(), text: z.string().min(1) },
    can: ({ id }, action) => id !== 'vera' || action === 'read',
  })
  const records = createRecordServer({
    log: null,
    knex: connection,
    types: [project, note],
    authenticate(request) {
      const name = /^Bearer (\w+)$/.exec(request.headers.authorization ?? '')?.[1]
      return name ? { id: name, name: name.charAt(0).toUpperCase() + name.slice(1), tenantId: '1' } : null
    },
  })
  const app = express().use('/api/v1', records.router)
  routes(app, records)
  const http = createServer(app)
  await new Promise<void>((resolve) => void http.listen(0, '127.0.0.1', resolve))
  const { io } = records.attach(http)
  await records.start()
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const clients: { close(): void }[] = []

  afterAll(async () => {
    for (const client of clients) client.close()
    await records.stop()
    http.closeAllConnections()
    await new Promise((resolve) => http.close(resolve))
    await connection.destroy()
  })

  return {
    io,
    url,
    sql: (text: string) => connection.raw(text),
    /** A new record's id. */
    async createProject(name = 'Bridge'): Promise<string> {
      const [row] = await connection('projects').insert({ name }).returning('id')
      return String(row.id)
    },
    /** A tab of this person's. */
    openTab(person: string | (() => string | null), options: RecordClientOptions = {}) {
      const client = createRecordClient({
        url: `${url}/api/v1`,
        token: typeof person === 'string' ? () => person : person,
        clock: hurriedClock,
        ...options,
      })
      clients.push(client)
      return client
    },
  }
}
