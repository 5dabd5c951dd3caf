// What ours is held against: Express, express.json, Knex and Socket.IO as everybody writes them, with no guard, no
// version, no log and no permission asked.
import express from 'express'
import { Server } from 'socket.io'
import { LOG_BY_HAND, openPool, TABLES, TENANT } from '../tables.js'
import { heldBytes } from './heap.js'
import { listening } from './listening.js'

const VERSION_COLUMNS = ['id', 'version', 'updated_at', 'updated_by']
const roomOf = (id) => `record:${id}`
const ALICE = { id: 'alice', name: 'Alice', kind: 'user' }

const eventOf = (id, changes) => ({
  type: 'project',
  id,
  changed_fields: Object.keys(changes),
  updated_at: new Date().toISOString(),
  updated_by: ALICE,
})

/** In a transaction: the update if the version is still the editor's, and a row of a log. */
const saveByHand = (knex, { id, version, changes }) =>
  knex.transaction(async (transaction) => {
    const [row] = await transaction(TABLES.byHand)
      .where({ id, tenant_id: TENANT, version })
      .update({ ...changes, version: version + 1, updated_at: knex.fn.now(), updated_by: ALICE })
      .returning('*')
    if (!row) return null
    await transaction(LOG_BY_HAND).insert({
      table_name: TABLES.byHand,
      record_id: id,
      version: version + 1,
      tenant_id: TENANT,
      changed_fields: Object.keys(changes),
      updated_at: row.updated_at,
      updated_by: ALICE,
    })
    return row
  })

/**
 * Without `readsVersions` a join is answered with what was asked; with it as ours answers it, by one query a message. With
 * `byHand` a save keeps ours' promises as people write them: see {@link saveByHand}.
 */
export default async ({ url, readsVersions = false, byHand = false }) => {
  const knex = openPool(url)
  const app = express()
  const { server, port, close } = await listening(app)
  const io = new Server(server, { serveClient: false })
  let emits = false
  let answersRow = false

  const versionsOf = async (records) => {
    const ids = records.map(({ id }) => id)
    const rows = await knex(TABLES.bare)
      .where({ tenant_id: TENANT })
      .whereIn('id', ids)
      .select(VERSION_COLUMNS)
    const byId = new Map(rows.map((row) => [String(row.id), row]))
    return records.map(({ type, id }) => {
      const { version, updated_at, updated_by } = byId.get(id)
      return { type, id, ok: true, version: Number(version), updated_at, updated_by, deleted: false }
    })
  }

  app.use(express.json())
  app.patch('/api/v1/records/project/:id', async (request, response) => {
    const { id } = request.params
    const { changes, client_version: version } = request.body
    if (byHand) {
      const saved = await saveByHand(knex, { id, version, changes })
      if (!saved) return response.status(409).json({ error: 'stale' })
      io.to(roomOf(id)).emit('RecordUpdated', { ...eventOf(id, changes), version: version + 1 })
      return response.json({ data: saved })
    }
    const update = knex(TABLES.bare).where({ id, tenant_id: TENANT }).update(changes)
    const [row] = answersRow ? await update.returning('*') : [{ id, updated: await update }]
    if (emits) {
      io.to(roomOf(id)).emit('RecordUpdated', eventOf(id, changes))
    }
    response.json({ data: row })
  })
  app.get('/api/v1/records/project/:id', async (request, response) => {
    const { id } = request.params
    const row = await knex(TABLES.bare).where({ id, tenant_id: TENANT }).first()
    response.json({ data: row })
  })
  app.get('/api/v1/records/project/:id/version', async (request, response) => {
    const { id } = request.params
    const row = await knex(TABLES.bare).where({ id, tenant_id: TENANT }).first('version', 'updated_at')
    response.json({ data: row })
  })
  io.on('connection', (socket) => {
    socket.on('watch', async ({ records }, answer) => {
      for (const { id } of records) socket.join(roomOf(id))
      answer({ records: readsVersions ? await versionsOf(records) : records })
    })
    socket.on('unwatch', ({ records }, answer) => {
      for (const { id } of records) socket.leave(roomOf(id))
      answer({ records: [] })
    })
  })

  return {
    ready: () => port,
    port: () => port,
    cpuMicros: () => {
      const { user, system } = process.cpuUsage()
      return user + system
    },
    /** Bytes held once so many sockets are connected. */
    held: (sockets) => heldBytes(() => io.engine.clientsCount === sockets),
    emit: () => {
      emits = true
    },
    answerRow: (on) => {
      answersRow = on
    },
    stop: async () => {
      await io.close()
      await close()
      await knex.destroy()
    },
  }
}
