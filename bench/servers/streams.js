// The product's event streams, and beside them what a bare loop would write to as many open answers.
import express from 'express'
import { createRecordServer } from 'noclobber/server'
import { openPool, TABLES } from '../tables.js'
import { eventOf } from './event-of.js'
import { listening } from './listening.js'
import { ALICE, project } from './project-type.js'

const UNLIMITED = 1_000_000_000

export default async ({ url }) => {
  const knex = openPool(url)
  const records = createRecordServer({
    knex,
    types: [project],
    authenticate: () => ALICE,
    limits: {
      // A round changes one record again and again.
      eventsPerRecord: UNLIMITED,
      requestsPerPerson: UNLIMITED,
      requestsPerAddress: UNLIMITED,
      streamsPerPerson: UNLIMITED,
    },
    log: { info() {}, warn: console.warn, error: console.error },
  })
  const bare = new Set()
  const app = express()
  app.get('/bare', (_request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' })
    response.write('event: Watching\ndata: {}\n\n')
    bare.add(response)
    response.on('close', () => bare.delete(response))
  })
  app.use('/api/v1', records.router)
  const { port, close } = await listening(app)
  await records.start()

  return {
    ready: () => port,
    port: () => port,
    change: (ids) =>
      knex(TABLES.ours)
        .whereIn('id', ids)
        .update({ notes: `Changed at ${performance.now()}.` }),
    loop: (ids) => {
      for (const id of ids) {
        const chunk = `event: RecordUpdated\ndata: ${JSON.stringify(eventOf(id))}\n\n`
        for (const response of bare) response.write(chunk)
      }
    },
    stop: async () => {
      await records.stop()
      await close()
      await knex.destroy()
    },
  }
}
