// Savers and watchers on a running demo, from outside: savers count what went wrong, watchers keep the newest version
// that they know, and at the end both are held against the database.
import { io, type Socket } from 'socket.io-client'
import { atEnd } from './at-end.ts'
import { waitFor } from './wait-for.ts'

export interface LoadOptions {
  /** The records that are saved and watched. */
  ids: string[]
  watchersPerRecord?: number
  transports?: ('websocket' | 'polling')[]
  /** Pause of each record's saver between two saves. */
  pauseMs?: number
}

export interface Load {
  saves(): number
  /** Saves that were answered otherwise than 200, and those whose answer never came. */
  failures(): string[]
  versions: Map<string, number>
  /** From the save's answer to the event at each watcher, in milliseconds. */
  delays: number[]
  /** How long saves took. */
  saveMs: number[]
  connected(): number
  /** No more saves are begun. */
  stop(): Promise<void>
  /** Every watcher knows every record's newest version. */
  converged(deadlineMs: number): Promise<number>
}

/** A node that stands still answers nobody. */
const GIVE_UP_MS = 4_000

const AS = { authorization: 'Bearer demo:alice', 'content-type': 'application/json' }

export const versionOf = async (url: string, id: string): Promise<number> => {
  const answer = await fetch(`${url}/api/v1/records/project/${id}/version`, { headers: AS })
  return (await answer.json()).data.version
}

/** Opens a watcher that comes back by itself, and asks where it stands when it does. */
function openWatcher(
  url: string,
  id: string,
  transports: ('websocket' | 'polling')[],
  receive: (version: number, isEvent: boolean) => void,
): Socket {
  const socket = io(url, {
    transports,
    auth: { token: 'demo:bob' },
    forceNew: true,
    reconnectionDelay: 200,
    reconnectionDelayMax: 1_000,
  })
  const watch = async () => {
    const answer = await socket
      .timeout(5_000)
      .emitWithAck('watch', { records: [{ type: 'project', id }] })
      .catch(() => null)
    const [record] = answer?.records ?? []
    if (record?.ok) receive(record.version, false)
    else if (socket.connected) setTimeout(watch, 300)
  }
  socket.on('connect', watch)
  socket.on('Resync', watch)
  socket.on('RecordUpdated', (event) => event.id === id && receive(event.version, true))
  socket.on('disconnect', (reason) => {
    if (reason === 'io server disconnect') setTimeout(() => socket.connect(), 100 + Math.random() * 400)
  })
  socket.on('connect_error', () => {
    if (!socket.active) setTimeout(() => socket.connect(), 300)
  })
  return socket
}

/** Begins at once; {@link Load.stop} ends the saving, the test file's end the rest. */
export async function startLoad(url: string, options: LoadOptions): Promise<Load> {
  const { ids, watchersPerRecord = 3, transports = ['websocket'], pauseMs = 0 } = options
  const versions = new Map<string, number>()
  const savedAt = new Map<string, number>()
  const known: { id: string; version: number }[] = []
  const sockets: Socket[] = []
  const failures: string[] = []
  const delays: number[] = []
  const saveMs: number[] = []
  let saves = 0
  let isStopping = false

  for (const id of ids) {
    versions.set(id, await versionOf(url, id))
    for (let count = 0; count < watchersPerRecord; count += 1) {
      const entry = { id, version: 0 }
      known.push(entry)
      const transport = transports[count % transports.length] ?? 'websocket'
      const receive = (version: number, isEvent: boolean) => {
        if (version <= entry.version) return
        entry.version = version
        const at = savedAt.get(`${id}:${version}`)
        if (isEvent && at !== undefined) delays.push(performance.now() - at)
      }
      sockets.push(openWatcher(url, id, [transport], receive))
    }
  }
  atEnd(() => {
    for (const socket of sockets) socket.disconnect()
  })
  await waitFor(() => known.every(({ version }) => version > 0), {
    what: 'every watcher',
    deadlineMs: 60_000,
  })

  const saver = async (id: string) => {
    while (!isStopping) {
      const version = versions.get(id) ?? 0
      const begun = performance.now()
      savedAt.set(`${id}:${version + 1}`, begun)
      const body = JSON.stringify({ client_version: version, changes: { notes: `Round ${version}` } })
      try {
        const answer = await fetch(`${url}/api/v1/records/project/${id}`, {
          method: 'PATCH',
          headers: AS,
          body,
          signal: AbortSignal.timeout(GIVE_UP_MS),
        })
        const given = await answer.text()
        if (answer.status === 200) {
          versions.set(id, JSON.parse(given).data.version)
          saveMs.push(performance.now() - begun)
          saves += 1
        } else failures.push(`${answer.status} ${given.slice(0, 200)}`)
      } catch (error) {
        failures.push(String(error))
      }
      if (failures.length > 0) {
        const now = await versionOf(url, id).catch(() => null)
        if (now !== null) versions.set(id, now)
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }
  const running = ids.map(saver)

  return {
    saves: () => saves,
    failures: () => failures,
    versions,
    delays,
    saveMs,
    connected: () => sockets.filter(({ connected }) => connected).length,
    stop: async () => {
      isStopping = true
      await Promise.all(running)
    },
    converged: async (deadlineMs) => {
      const begun = performance.now()
      for (const id of ids) {
        const version = await waitFor(() => versionOf(url, id).catch(() => null), {
          what: 'the truth',
          deadlineMs,
        })
        await waitFor(() => known.every((entry) => entry.id !== id || entry.version === version), {
          what: `every watcher of ${id} to know version ${version}`,
          deadlineMs,
        })
      }
      return performance.now() - begun
    },
  }
}

/** The value below which so many of a hundred lie. */
export const percentile = (values: number[], of: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * of) / 100))] ?? 0
}
