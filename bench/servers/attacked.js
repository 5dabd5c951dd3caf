// A server with its defaults, and two people: a request that names nobody is from Alice, who works; Mallory asks for as much as one
// person can. Anything else in the header is nobody.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import express from 'express'
import { createAppServer, createRecordServer } from 'noclobber/server'
import { openPool } from '../tables.js'
import { listening } from './listening.js'
import { ALICE, authorizedProject } from './project-type.js'

const PEOPLE = { '': ALICE, 'Bearer mallory': { ...ALICE, id: 'mallory', name: 'Mallory' } }

export default async ({ url, limits = {} }) => {
  const knex = openPool(url)
  const records = createRecordServer({
    knex,
    types: [authorizedProject],
    authenticate: ({ headers }) => PEOPLE[headers.authorization ?? ''] ?? null,
    limits,
    log: { info() {}, warn() {}, error: console.error },
  })
  const app = express()
  app.use('/api/v1', records.router)
  const { server, port, close } = await listening(app, createAppServer)
  records.attach(server)
  await records.start()
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  return {
    ready: () => port,
    port: () => port,
    /** Milliseconds of the processor that this process has used, and the event loop's delay since this was asked last. */
    spent: () => {
      const { user, system } = process.cpuUsage()
      const loopP99 = delay.percentile(99) / 1e6
      delay.reset()
      return { processorMs: (user + system) / 1_000, loopP99 }
    },
    stop: async () => {
      await records.stop()
      await close()
      await knex.destroy()
    },
  }
}
