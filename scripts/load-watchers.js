// The watchers of scripts/load.js, in a process of their own: the client's own transport, and its own way of coming back.
// They stand for other people's machines, so they get only the processor that nodes and database leave. Takes commands
// as messages, one at a time, and answers each.
import { subscribe } from 'node:diagnostics_channel'
import { setPriority } from 'node:os'
import { browserPage, systemClock } from '../dist/web/client/base/clock.js'
import { createSocketTransport } from '../dist/web/client/transport/socket.js'
import { createTransportFallback } from '../dist/web/client/transport/transport-fallback.js'

const LOWEST_PRIORITY = 19
const STALL_MS = 3_000
const AGAIN_MS = 500
const LOOK_MS = 20
/** So many are opened at a time. */
const AT_ONCE = 50

setPriority(LOWEST_PRIORITY)

/** Milliseconds of a clock that all processes of this machine share. */
const now = () => Number(process.hrtime.bigint()) / 1e6
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

async function until(condition, ms) {
  const begun = now()
  while (!condition()) {
    if (now() - begun > ms) return null
    await pause(LOOK_MS)
  }
  return now()
}

/** Each connection of this process, so that it can be cut as a network does. */
const connections = new Set()
subscribe('net.client.socket', ({ socket }) => {
  connections.add(socket)
  socket.once('close', () => connections.delete(socket))
})

const watchers = []
/** Which version of which record was received, and when. */
let received = []
let tries = 0

function open(url, id) {
  const watcher = { id, version: 0, watchedAt: 0 }
  const wire = createSocketTransport({
    url,
    path: '/socket.io',
    wire: 'websocket',
    tabId: `load-${watchers.length}`,
    token: () => 'demo:bob',
  })
  const create = createTransportFallback({
    candidates: [{ create: wire, stallMs: STALL_MS }],
    clock: systemClock,
    page: browserPage(),
  })
  const watch = async () => {
    const answer = await transport.watch({ records: [{ type: 'project', id }], lists: [] })
    const [record] = answer?.records ?? []
    if (!record?.ok) return void (transport.id() && setTimeout(watch, AGAIN_MS))
    watcher.version = Math.max(watcher.version, record.version)
    watcher.watchedAt = now()
  }
  const transport = create({
    onStatus: (status) => {
      if (status === 'connected') watch()
      if (status === 'lost') tries += 1
    },
    onEvent: ({ name, event }) => {
      if (name === 'Resync') return void watch()
      if (name !== 'RecordUpdated' || event.version <= watcher.version) return
      watcher.version = event.version
      received.push([`${id}:${event.version}`, now()])
    },
  })
  watchers.push(watcher)
  transport.connect()
}

const isWatching = ({ watchedAt }) => watchedAt > 0
const WATCH_TIMEOUT_MS = 60_000

/** What became of all of them since `from`. */
async function untilAllWatch(from) {
  const at = await until(() => watchers.every(isWatching), WATCH_TIMEOUT_MS)
  return {
    tookMs: at === null ? null : at - from,
    missing: watchers.filter((one) => !isWatching(one)).length,
  }
}

const commands = {
  async open({ urls, ids, sockets }) {
    const from = now()
    for (let place = 0; place < sockets; place += 1) {
      open(urls[place % urls.length], ids[place % ids.length])
      if (place % AT_ONCE === AT_ONCE - 1) await pause(AT_ONCE)
    }
    return untilAllWatch(from)
  },
  /** Cuts all connections at once, and waits until everybody is back and watches. */
  async cut() {
    const from = now()
    tries = 0
    for (const watcher of watchers) watcher.watchedAt = 0
    for (const connection of connections) connection.destroy()
    const back = await untilAllWatch(from)
    const after = watchers.map(({ watchedAt }) => watchedAt - from).toSorted((a, b) => a - b)
    return { ...back, medianMs: after[Math.floor(after.length / 2)], lost: tries - watchers.length }
  },
  /** Everybody knows the newest versions: when that was so. */
  async converge({ versions }) {
    return { at: await until(() => watchers.every(({ id, version }) => version === versions[id]), 30_000) }
  },
  /** What was received since the last call. */
  async received() {
    const taken = received
    received = []
    return { taken }
  },
  async end() {
    process.exit(0)
  },
}

// The process that started this one has died.
process.on('disconnect', () => process.exit(1))
process.on('message', async ({ command, ...values }) => {
  process.send({ ...(await commands[command](values)) })
})
