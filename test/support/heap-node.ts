// A node in a process of its own that reports how large its heap is once everything is collected, and of what it is made.
// Anybody may sign in, by the name `PERSON@TENANT`. Run with --expose-gc.
import { createServer } from 'node:http'
import { setImmediate as turn } from 'node:timers/promises'
import { writeHeapSnapshot } from 'node:v8'
import express from 'express'
import knex from 'knex'
import { z } from 'zod'
import { createRecordServer, defineRecordType } from '../../server/index.ts'

const { DATABASE_URL = '', PORT = '' } = process.env

const connection = knex({ client: 'pg', connection: DATABASE_URL, pool: { min: 0, max: 4 } })
const records = createRecordServer({
  log: null,
  knex: connection,
  types: [
    defineRecordType('task', {
      table: 'tasks',
      fields: { project_id: z.int(), title: z.string().min(1), done: z.boolean().default(false) },
      // Looks at the record, so that rows to authorize by are read and remembered.
      can: (_person, _action, { fields }) => fields.title !== 'secret',
    }),
    defineRecordType('mark', { table: 'marks', fields: {} }),
  ],
  authenticate: ({ headers }) => {
    const [id = '', tenantId] = (/^Bearer (\S+)$/.exec(headers.authorization ?? '')?.[1] ?? '').split('@')
    return tenantId ? { id, name: id, tenantId } : null
  },
})
const server = createServer(express().use('/api/v1', records.router))
records.attach(server)
await records.start()

/** Finalizers of one round free what the next one finds. */
const ROUNDS = 6

process.on('message', async (asked: { snapshot?: string }) => {
  for (let round = 0; round < ROUNDS; round += 1) {
    globalThis.gc?.()
    await turn()
  }
  if (asked.snapshot) writeHeapSnapshot(asked.snapshot)
  process.send?.({ bytes: process.memoryUsage().heapUsed })
})
server.listen(Number(PORT), '127.0.0.1', () => process.send?.('listening'))
