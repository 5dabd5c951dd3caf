// Saves at an even rate, as an office makes them: each is sent when it is due, however long those before it take.
import { setTimeout as pause } from 'node:timers/promises'
import { percentile } from '../rounds.js'
import { holdVersions } from './held-versions.js'
import { openLane } from './lane.js'

export default async ({ port, rows }) => {
  const held = holdVersions(rows)
  const lanes = []
  const free = []
  let running = null

  const save = async (took) => {
    const from = performance.now()
    let lane = free.pop()
    while (lane && !lane.isOpen()) lane = free.pop()
    lane ??= await openLane(port)
    if (!lanes.includes(lane)) lanes.push(lane)
    await held.save(lane, held.pick())
    took.push(performance.now() - from)
    free.push(lane)
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
      for (const lane of lanes) lane.close()
    },
  }
}
