// A node in a process of its own over one table, for tests of what many large answers cost it.
import { createServer } from 'node:http'
import express from 'express'
import knex from 'knex'
import { z } from 'zod'
import { createRecordServer, defineRecordType } from '../../server/index.ts'

const { DATABASE_URL = '', PORT = '' } = process.env

const field = z.string()
const letter = defineRecordType('letter', {
  table: 'letters',
  fields: { owner: field, body: field },
  history: 'values',
})
const own = defineRecordType('own_letter', {
  table: 'own_letters',
  fields: { owner: field, body: field },
  can: (actor, _action, { fields }) => fields.owner === actor.id,
})

const records = createRecordServer({
  log: null,
  knex: knex({ client: 'pg', connection: DATABASE_URL, pool: { min: 0, max: 10 } }),
  types: [letter, own],
  authenticate: ({ headers }) => {
    const id = String(headers['x-person'] ?? 'ann')
    return { id, name: id, tenantId: 'a' }
  },
})
const server = createServer(express().use('/api/v1', records.router))
records.attach(server)
await records.start()
server.listen(Number(PORT), '127.0.0.1')
