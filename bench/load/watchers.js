// People who have records open: loaded over HTTP, then watched by sockets, each in several records' rooms; and how long an event
// takes to reach them.

import { openConnection } from './connection.js'
import { holdVersions } from './held-versions.js'
import { ask, connectSockets } from './sockets.js'

const CONNECTIONS = 16

/** `watched` records, each watched by `watchersEach` of `sockets` sockets. */
export default async ({ port, rows, sockets: count, watched, watchersEach }) => {
  const sockets = await connectSockets(port, count)
  const connections = await Promise.all(Array.from({ length: CONNECTIONS }, () => openConnection(port)))
  const held = holdVersions(rows)
  const sentAt = new Map()
  let delays = []

  for (let id = 1; id <= watched; id += 1) {
    const { status, body } = await connections[0].send('GET', `/api/v1/records/project/${id}`)
    if (status !== 200) throw new Error(`A record was answered ${status}: ${body}`)
  }
  await Promise.all(
    sockets.map((socket, at) => {
      const ids = []
      for (let id = 1; id <= watched; id += 1) {
        const distance = (at - id + watched * count) % count
        if (distance < watchersEach) ids.push(id)
      }
      socket.on('RecordUpdated', ({ id }) => delays.push(performance.now() - sentAt.get(id)))
      return ask(socket, 'watch', ids)
    }),
  )

  return {
    /** Saves at an even pace, and the delay of each event at each watcher in milliseconds. */
    delays: async (ms, perSecond) => {
      delays = []
      const free = [...connections]
      const begun = performance.now()
      const running = []
      for (let count = 0; performance.now() - begun < ms; count += 1) {
        const due = begun + (count * 1_000) / perSecond
        while (performance.now() < due || free.length === 0) await new Promise((next) => setTimeout(next, 0))
        const id = held.pick(watched)
        const connection = free.pop()
        sentAt.set(String(id), performance.now())
        running.push(held.save(connection, id).then(() => free.push(connection)))
      }
      await Promise.all(running)
      const expected = running.length * watchersEach
      const deadline = performance.now() + 5_000
      while (delays.length < expected) {
        if (performance.now() > deadline) throw new Error(`${delays.length} of ${expected} events arrived.`)
        await new Promise((next) => setTimeout(next, 5))
      }
      return delays
    },
    stop: () => {
      for (const socket of sockets) socket.disconnect()
      for (const connection of connections) connection.close()
    },
  }
}
