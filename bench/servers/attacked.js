// A server with its defaults, and two people: a request that names nobody is from Alice, who works; Mallory asks for as much as one
// person can. Anything else in the header is nobody.
import express from 'express'
import { createAppServer, createRecordServer } from 'noclobber/server'
import { openPool } from '../tables.js'
import { listening } from './listening.js'
import { ALICE, judgedProject } from './project-type.js'

const PEOPLE = { '': ALICE, 'Bearer mallory': { ...ALICE, id: 'mallory', name: 'Mallory' } }

export default async ({ url, limits = {} }) => {
  const knex = openPool(url)
  const records = createRecordServer({
    knex,
    types: [judgedProject],
    authenticate: ({ headers }) => PEOPLE[headers.authorization ?? ''] ?? null,
    limits,
    log: { info() {}, warn() {}, error: console.error },
  })
  const app = express()
  app.use('/api/v1', records.router)
  const { server, port, close } = await listening(app, createAppServer)
  records.attach(server)
  await records.start()
  return {
    ready: () => port,
    port: () => port,
    stop: async () => {
      await records.stop()
      await close()
      await knex.destroy()
    },
  }
}
