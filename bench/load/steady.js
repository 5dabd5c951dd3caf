// Saves at an even rate, as an office makes them: each is sent when it is due, however long those before it take.
import { setTimeout as pause } from 'node:timers/promises'
import { percentile } from '../rounds.js'
import { openConnection } from './connection.js'
import { holdVersions } from './held-versions.js'

export default async ({ port, rows }) => {
  const held = holdVersions(rows)
  const connections = []
  const free = []
  let running = null

  const save = async (took) => {
    const from = performance.now()
    let connection = free.pop()
    while (connection && !connection.isOpen()) connection = free.pop()
    connection ??= await openConnection(port)
    if (!connections.includes(connection)) connections.push(connection)
    await held.save(connection, held.pick())
    took.push(performance.now() - from)
    free.push(connection)
  }

  const run = async (rate, signal) => {
    const took = []
    const sent = []
    const begun = performance.now()
    for (let count = 0; !signal.aborted; count += 1) {
      await pause(Math.max(0, begun + (count * 1_000) / rate - performance.now()))
      sent.push(save(took))
    }
    await Promise.all(sent)
    return {
      count: took.length,
      p50: percentile(took, 0.5),
      p99: percentile(took, 0.99),
      worst: Math.max(...took),
    }
  }

  return {
    begin: (rate) => {
      const stopping = new AbortController()
      running = { stopping, done: run(rate, stopping.signal) }
      running.done.catch(() => {})
    },
    /** How long the saves since `begin` took, in milliseconds; throws where one of them was refused. */
    end: () => {
      running.stopping.abort()
      return running.done
    },
    stop: () => {
      for (const connection of connections) connection.close()
    },
  }
}
