// Watchers for the oracle: clients of the sockets and of the stream that know nothing but the protocol. A view is what
// such a client holds: id → version. What it receives it lays over what it holds if that is newer, and where it is sent
// that it may have missed something, it asks.
import { setTimeout as pause } from 'node:timers/promises'
import type { TestApp } from './app.ts'
import { clientOf } from './app-socket.ts'
import { openStream, type TestStream } from './app-stream.ts'
import { waitFor } from './wait-for.ts'

/** Where a watcher asks for lists. */
export type Asked = Pick<TestApp, 'call'>

export interface View {
  name: string
  /** `type`, or `type:project_id=1`, or `records`: then `type:id` → version of those alone. */
  of: string
  held: Map<string, number>
  /** Nothing is being asked for. */
  isSettled(): boolean
}

export interface Watcher {
  name: string
  views: View[]
  /** Keys as events brought them, with the time. */
  received: Map<string, number>
  faults: number
  stop(): void
}

/** Its server may be killed or cut off while a watcher begins. */
const START_MS = 60_000

const EVENTS: Record<string, string> = {
  RecordCreated: 'created',
  RecordUpdated: 'updated',
  RecordDeleted: 'deleted',
}

interface Versioned {
  id: string
  type: string
  version: number
  changed_fields: string[]
}

/** A view of one list that can be asked for anew: one request at a time, events meanwhile are laid over its answer. */
interface LiveView extends View {
  take(name: string, event: Versioned): void
  ask(): void
  cursor(): string | null
}

const createView = (app: Asked, name: string, of: string): LiveView => {
  const [type = '', filter = ''] = of.split(':')
  const isScoped = filter !== ''
  let held = new Map<string, number>()
  let early: [string, Versioned][] = []
  let cursor: string | null = null
  let asking = false
  let isAskedAgain = false

  const lay = (event: string, { id, version }: Versioned) => {
    const has = held.get(id)
    if (has !== undefined && has >= version) return
    if (event === 'RecordDeleted') held.delete(id)
    else held.set(id, version)
  }

  const whole = async () => {
    const found = new Map<string, number>()
    let first: string | null = null
    for (let after = ''; ; ) {
      const { status, body } = await app.call('GET', `/records/${type}?limit=1000&${filter}${after}`)
      if (status !== 200) throw new Error(`The list was answered ${status}.`)
      for (const { id, version } of body.data) found.set(id, version)
      first ??= body.cursor
      if (body.next === null) break
      after = `&after=${encodeURIComponent(body.next)}`
    }
    held = found
    cursor = first
  }

  const delta = async () => {
    for (;;) {
      const { status, body } = await app.call('GET', `/records/${type}?${filter}&cursor=${cursor}`)
      if (status !== 200) throw new Error(`The delta was answered ${status}.`)
      if (body.reset) return whole()
      for (const { id, version } of body.data) held.set(id, version)
      for (const id of body.removed) held.delete(id)
      cursor = body.cursor
      if (!body.more) return
    }
  }

  const ask = async () => {
    isAskedAgain = true
    if (asking) return
    asking = true
    while (isAskedAgain) {
      isAskedAgain = false
      early = []
      await (cursor === null || !isScoped ? whole() : delta())
      if (!isScoped) for (const [event, entry] of early) lay(event, entry)
    }
    asking = false
  }

  return {
    name,
    of,
    get held() {
      return held
    },
    isSettled: () => !asking,
    cursor: () => cursor,
    ask,
    take: (event, entry) => {
      if (entry.type !== type) return
      if (isScoped) return void ask()
      if (asking) early.push([event, entry])
      lay(event, entry)
    },
  }
}

const scopeOf = (of: string) => {
  const [type = '', filter = ''] = of.split(':')
  const [column = '', value = ''] = filter.split('=')
  return { type, ...(filter && { scope: { [column]: value } }) }
}

const note = (watcher: Watcher, name: string, { type, id, version }: Versioned) => {
  const key = `${type} ${id} v${version} ${EVENTS[name]}`
  if (!watcher.received.has(key)) watcher.received.set(key, performance.now())
}

/** A socket that comes back by itself, and then says what it holds, as the protocol wants it: one message for everything. */
export const startSocketWatcher = async (
  app: Asked,
  { name, origin, lists, records }: { name: string; origin: string; lists: string[]; records: string[] },
): Promise<Watcher> => {
  const views = lists.map((of) => createView(app, `${name}, ${of}`, of))
  const known = new Map(records.map((id) => [id, 0]))
  const ofRecords: View = { name: `${name}, records`, of: 'records', held: known, isSettled: () => true }
  const watcher: Watcher = {
    name,
    views: records.length > 0 ? [...views, ofRecords] : views,
    received: new Map(),
    faults: 0,
    stop: () => socket.disconnect(),
  }
  const socket = clientOf(origin, {
    options: { reconnection: true, reconnectionDelay: 10, reconnectionDelayMax: 50, timeout: 2_000 },
  })
  const raise = ({ type, id, version }: Versioned) => {
    const has = known.get(`${type}:${id}`)
    if (has !== undefined && version > has) known.set(`${type}:${id}`, version)
  }
  let isWatching = false
  const watch = () => {
    const message = {
      lists: views.map((view) => ({ ...scopeOf(view.of), ...(view.cursor() && { cursor: view.cursor() }) })),
      records: [...known].map(([address, version]) => {
        const [type, id] = address.split(':')
        return { type, id, ...(version > 0 && { version }) }
      }),
    }
    socket.emit(
      'watch',
      message,
      (answer: { lists: { behind: boolean; ok: boolean }[]; records: Versioned[] }) => {
        for (const [at, view] of views.entries()) {
          if (answer.lists[at]?.ok !== true) throw new Error(`${name} was refused ${view.of}.`)
          if (answer.lists[at].behind || view.cursor() === null) view.ask()
        }
        for (const entry of answer.records) raise(entry)
        isWatching = true
      },
    )
  }
  socket.on('connect', watch)
  socket.on('disconnect', () => {
    watcher.faults += 1
  })
  socket.onAny((event, entry) => {
    if (event === 'Resync') watch()
    else if (event === 'RecordsImported')
      for (const view of views) view.of.startsWith(entry.type) && view.ask()
    else if (EVENTS[event]) {
      note(watcher, event, entry)
      for (const view of views) view.take(event, entry)
      raise(entry)
    }
  })
  socket.connect()
  await waitFor(() => isWatching && views.every((view) => view.isSettled() && view.cursor()), {
    what: `${name} to watch`,
    deadlineMs: START_MS,
  })
  return watcher
}

/** A stream that goes on after its last id whenever it breaks off. */
export const startStreamWatcher = async (
  app: Asked,
  { name, origin, lists }: { name: string; origin: string; lists: string[] },
): Promise<Watcher> => {
  const views = lists.map((of) => createView(app, `${name}, ${of}`, of))
  const watcher: Watcher = { name, views, received: new Map(), faults: 0, stop: () => {} }
  let isStopped = false
  let current: TestStream | null = null
  let isOpen = false
  const take = (event: string, entry: Versioned) => {
    if (event === 'Resync') for (const view of views) view.ask()
    else if (event === 'RecordsImported')
      for (const view of views) view.of.startsWith(entry.type) && view.ask()
    else if (EVENTS[event]) {
      note(watcher, event, entry)
      for (const view of views) view.take(event, entry)
    } else if (event === 'Watching' && !isOpen) {
      isOpen = true
      for (const view of views) view.ask()
    }
  }
  const query = lists.map((of) => `list=${of}`).join('&')
  const run = async () => {
    let after = ''
    while (!isStopped) {
      const stream = await openStream(origin, query, after ? { after } : {}).catch(() => null)
      if (stream?.status !== 200) {
        watcher.faults += 1
        await pause(20)
        continue
      }
      current = stream
      let taken = 0
      const takeAll = () => {
        for (; taken < stream.received.length; taken += 1) {
          const { name: event, event: entry } = stream.received[taken] as (typeof stream.received)[number]
          take(event, entry)
        }
        after = stream.lastId()
        return stream.isClosed() || isStopped
      }
      await waitFor(takeAll, { what: 'the end of a stream', deadlineMs: 600_000 })
      takeAll()
      watcher.faults += 1
    }
  }
  const running = run()
  running.catch(() => {})
  watcher.stop = () => {
    isStopped = true
    current?.cut()
  }
  await waitFor(() => isOpen && views.every((view) => view.isSettled() && view.cursor()), {
    what: `${name} to watch`,
    deadlineMs: START_MS,
  })
  return watcher
}
