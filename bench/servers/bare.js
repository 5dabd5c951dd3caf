// What ours is held against: Express, express.json, Knex and Socket.IO as everybody writes them, with no guard, no
// version, no log and no permission asked.
import express from 'express'
import { Server } from 'socket.io'
import { openPool, TABLES, TENANT } from '../tables.js'
import { heldBytes } from './heap.js'
import { listening } from './listening.js'

const VERSION_COLUMNS = ['id', 'version', 'updated_at', 'updated_by']
const roomOf = (id) => `record:${id}`

/** Without `readsVersions` a join is answered with what was asked; with it as ours answers it, by one query a message. */
export default async ({ url, readsVersions = false }) => {
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
    const { changes } = request.body
    const update = knex(TABLES.bare).where({ id, tenant_id: TENANT }).update(changes)
    const [row] = answersRow ? await update.returning('*') : [{ id, updated: await update }]
    if (emits) {
      io.to(roomOf(id)).emit('RecordUpdated', {
        type: 'project',
        id,
        changed_fields: Object.keys(changes),
        updated_at: new Date().toISOString(),
        updated_by: { id: 'alice', name: 'Alice', kind: 'user' },
      })
    }
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
