// The whole product as the README has it, with its defaults: router, sockets, feed; and a save in a route of the app's own. Only how much one person may ask for is unlimited, because
// here one person asks for everybody.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import express from 'express'
import { createAppServer, createRecordServer } from 'noclobber/server'
import { openPool, TABLES, TENANT } from '../tables.js'
import { eventOf } from './event-of.js'
import { heldBytes } from './heap.js'
import { listenForChanges } from './listen-changes.js'
import { listening } from './listening.js'
import { ALICE, authorizedProject, project } from './project-type.js'
import { firstLook } from './shared-clock.js'

const UNLIMITED = 1_000_000_000

/** How often memory is looked at. */
const LOOK_MS = 20

/** The most memory in use from now on, and how long the event loop was held by one thing, in bytes and milliseconds. */
const watchProcess = () => {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const before = process.memoryUsage()
  const most = { rss: before.rss, heapUsed: before.heapUsed }
  const timer = setInterval(() => {
    const now = process.memoryUsage()
    for (const name of Object.keys(most)) most[name] = Math.max(most[name], now[name])
  }, LOOK_MS)
  return () => {
    clearInterval(timer)
    delay.disable()
    return {
      rss: before.rss,
      moreRss: most.rss - before.rss,
      moreHeap: most.heapUsed - before.heapUsed,
      heldP99: delay.percentile(99) / 1e6,
      heldWorst: delay.max / 1e6,
    }
  }
}

export default async ({ url, limits = {}, authorizesRows = false }) => {
  const knex = openPool(url)
  let endWatch = null
  const records = createRecordServer({
    knex,
    types: [authorizesRows ? authorizedProject : project],
    authenticate: () => ({ ...ALICE }),
    limits: {
      // A round changes one record again and again.
      eventsPerRecord: UNLIMITED,
      requestsPerPerson: UNLIMITED,
      requestsPerAddress: UNLIMITED,
      joinsPerSecond: UNLIMITED,
      socketsPerPerson: UNLIMITED,
      roomsPerPerson: UNLIMITED,
      messagesPerPerson: UNLIMITED,
      pollsPerPerson: UNLIMITED,
      shortPerPerson: UNLIMITED,
      longPerPerson: UNLIMITED,
      workPerPerson: UNLIMITED,
      longAtOnce: UNLIMITED,
      waitingPerPerson: UNLIMITED,
      ...limits,
    },
    log: { info() {}, warn: console.warn, error: console.error },
  })
  const app = express()
  app.use('/api/v1', records.router)
  app.patch('/own/records/project/:id', express.json(), async (request, response) => {
    const { client_version: clientVersion, changes } = request.body
    const outcome = await records.save('project', request.params.id, { actor: ALICE, clientVersion, changes })
    if (outcome.outcome !== 'saved') return response.status(outcome.problem.status).json(outcome.problem)
    response.json({ data: outcome.record })
  })
  const { server, port, close } = await listening(app, createAppServer)
  const { io } = records.attach(server)
  await records.start()
  const look = firstLook(io.of('/').adapter.rooms)
  const plain = await listenForChanges(url, (ids) => {
    for (const id of ids) io.to(`tenant:${TENANT}:record:project:${id}`).emit('RecordUpdated', eventOf(id))
  })

  return {
    ready: () => port,
    port: () => port,
    /** One transaction that changes these records, as somebody who isn't a node of ours. */
    change: (ids) =>
      knex(TABLES.ours)
        .whereIn('id', ids)
        .update({ notes: `Changed at ${performance.now()}.` }),
    /** What Socket.IO alone does for the same watchers once the app was notified of such a transaction. */
    emit: (ids) => plain.change(ids),
    /** From here on a round begins. */
    begin: look.begin,
    /** When the server turned to a room, by the clock of all processes. */
    begunAt: look.at,
    /** Time of the processor that this process has used, in microseconds. */
    cpuMicros: () => {
      const { user, system } = process.cpuUsage()
      return user + system
    },
    /** Bytes held once so many sockets are connected. */
    held: (sockets) => heldBytes(() => io.engine.clientsCount === sockets),
    watch: () => {
      endWatch = watchProcess()
    },
    watched: () => endWatch(),
    stop: async () => {
      await plain.stop()
      await records.stop()
      await close()
      await knex.destroy()
    },
  }
}
