// Starts the node of kill-node.ts again and again on one port, each time to be killed at another place.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { freePort } from '../../scripts/free-port.js'
import { atEnd } from './at-end.ts'
import { bundleOf } from './bundled-node.ts'
import type { Random } from './random.ts'
import { waitFor } from './wait-for.ts'

/** Between a commit and the last of those who must receive it. */
export const FAILPOINTS = [
  'committed, nothing sent',
  'read, not delivered',
  'about to send to a watcher',
  'sent to a watcher, not the next',
  'saved, not answered',
] as const

export interface KilledNode {
  origin: string
  /** Runs it until it was killed so often; gives how often at which place. */
  killTimes(times: number, random: Random): Promise<Record<string, number>>
  /** Runs it until it is killed, by the end of the file at the latest; resolves when it answers. */
  run(): Promise<{ kill(): Promise<void> }>
}

export const createKilledNode = async (databaseUrl: string): Promise<KilledNode> => {
  const [entry, port] = await Promise.all([bundleOf('kill-node'), freePort()])
  const start = (environment: Record<string, string>) => {
    const child = spawn(process.execPath, [entry], {
      env: { ...process.env, DATABASE_URL: databaseUrl, PORT: String(port), ...environment },
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    atEnd(() => child.kill('SIGKILL'))
    return child
  }
  const origin = `http://127.0.0.1:${port}`
  let running: ChildProcess | null = null
  const kill = async () => {
    const child = running
    running = null
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
  return {
    origin,
    killTimes: async (times, random) => {
      const counts: Record<string, number> = Object.fromEntries(FAILPOINTS.map((place) => [place, 0]))
      for (let done = 0; done < times; done += 1) {
        const place = done < FAILPOINTS.length ? (FAILPOINTS[done] as string) : random.pick(FAILPOINTS)
        const child = start({ FAILPOINT: place, AFTER: String(1 + random.below(6)) })
        const [code, signal] = await once(child, 'exit')
        if (signal !== 'SIGKILL')
          throw new Error(`The node ended by itself with code ${code}, before "${place}".`)
        counts[place] = (counts[place] as number) + 1
      }
      return counts
    },
    run: async () => {
      await kill()
      running = start({})
      const isUp = () => fetch(`${origin}/api/v1/records/task`).then(() => true)
      await waitFor(isUp, { what: 'the node answers', deadlineMs: 60_000 })
      return { kill }
    },
  }
}
