// `npm run load`: figures of a running cluster under load, from outside: how long a commit takes to reach its watchers,
// whether all of them converge, how a herd comes back. Starts scripts/cluster.js, or uses --url=… of one that runs.
// Options: --sockets=2000 --watchers=10 --rate=100 --seconds=15 --nodes=2 --herd
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { io } from 'socket.io-client'

const root = fileURLToPath(new URL('..', import.meta.url))
const options = Object.fromEntries(
  process.argv.slice(2).map((argument) => {
    const [, name, value = ''] = /^--([^=]+)=?(.*)$/.exec(argument) ?? []
    return [name, value]
  }),
)
const number = (name, otherwise) => Number(options[name] || otherwise)
const sockets = number('sockets', 2_000)
const watchers = number('watchers', 10)
const rate = number('rate', 100)
const seconds = number('seconds', 15)
const nodes = number('nodes', 2)
const AS = { authorization: 'Bearer demo:alice', 'content-type': 'application/json' }
const ANSWER_MS = 60_000

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const percentile = (values, of) => {
  const sorted = values.toSorted((a, b) => a - b)
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * of) / 100))] ?? Number.NaN)
}
const figures = (values) => ({
  count: values.length,
  p50: percentile(values, 50),
  p99: percentile(values, 99),
})

async function startCluster() {
  const child = spawn(process.execPath, ['scripts/cluster.js', '--port=0', `--nodes=${nodes}`], {
    cwd: root,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = new Promise((resolve) => child.once('close', resolve))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const { value } = await lines.next()
  return {
    ...JSON.parse(value),
    stop: () => {
      child.stdin.end()
      return ended
    },
  }
}

const cluster = options.url ? { nodes: [{ url: options.url }], stop: async () => {} } : await startCluster()
const urls = cluster.nodes.map(({ url }) => url)

/** As many records as the watchers need, made now. */
async function makeRecords(count) {
  const ids = []
  for (let at = 0; at < count; at += 20) {
    const made = Array.from({ length: Math.min(20, count - at) }, async (_, place) => {
      const body = JSON.stringify({ fields: { name: `Load ${at + place}` } })
      const answer = await fetch(`${urls[0]}/api/v1/records/project`, { method: 'POST', headers: AS, body })
      return (await answer.json()).data.id
    })
    ids.push(...(await Promise.all(made)))
  }
  return ids
}

const sent = new Map()
const delays = []
const open = (place, ids) => {
  const id = ids[place % ids.length]
  const watcher = { id, version: 0, socket: null, watchedAt: 0 }
  const url = urls[place % urls.length]
  const socket = io(url, {
    transports: ['websocket'],
    auth: { token: 'demo:bob' },
    forceNew: true,
    reconnectionDelay: 1_000,
    reconnectionDelayMax: 5_000,
  })
  watcher.socket = socket
  const watch = async () => {
    const answer = await socket
      .timeout(ANSWER_MS)
      .emitWithAck('watch', { records: [{ type: 'project', id }] })
    if (!answer.records?.[0]?.ok) return void setTimeout(watch, 500)
    watcher.version = Math.max(watcher.version, answer.records[0].version)
    watcher.watchedAt = performance.now()
  }
  const rewatch = () => watch().catch(() => socket.connected && setTimeout(rewatch, 500))
  socket.on('connect', rewatch)
  socket.on('Resync', rewatch)
  socket.on('RecordUpdated', (event) => {
    if (event.version <= watcher.version) return
    watcher.version = event.version
    const at = sent.get(`${id}:${event.version}`)
    if (at) delays.push(performance.now() - at)
  })
  return watcher
}

/**
 * Saves at an even rate; gives how long each took, what was refused, and how many could not be begun because the last
 * save of their record was not answered yet: from its old version they would only be conflicts of this script's own.
 */
async function saveFor(ids, versions, ms) {
  const took = []
  const failures = []
  const running = []
  const unanswered = new Set()
  let late = 0
  const begun = performance.now()
  for (let count = 0; performance.now() - begun < ms; count += 1) {
    const id = ids[count % ids.length]
    const dueAt = begun + (count * 1_000) / rate
    if (dueAt > performance.now()) await pause(dueAt - performance.now())
    if (unanswered.has(id)) {
      late += 1
      continue
    }
    unanswered.add(id)
    running.push(
      (async () => {
        const from = performance.now()
        const version = versions.get(id)
        const body = JSON.stringify({ client_version: version, changes: { notes: `Round ${count}` } })
        const url = `${urls[count % urls.length]}/api/v1/records/project/${id}`
        const answer = await fetch(url, { method: 'PATCH', headers: AS, body })
        const now = performance.now()
        // The commit lies before the answer: what is measured from here is at least the delivery.
        if (answer.status === 200) {
          const { data } = await answer.json()
          versions.set(id, data.version)
          took.push(now - from)
        } else failures.push(answer.status)
        unanswered.delete(id)
        sent.set(`${id}:${version + 1}`, sent.get(`${id}:${version + 1}`) ?? from)
      })(),
    )
    sent.set(`${id}:${versions.get(id) + 1}`, performance.now())
  }
  await Promise.all(running)
  return { took, failures, late }
}

async function until(condition, ms) {
  const begun = performance.now()
  while (!condition()) {
    if (performance.now() - begun > ms) return null
    await pause(20)
  }
  return performance.now() - begun
}

const ids = await makeRecords(Math.ceil(sockets / watchers))
const versions = new Map(ids.map((id) => [id, 1]))
const joining = performance.now()
const all = []
for (let place = 0; place < sockets; place += 1) {
  all.push(open(place, ids))
  if (place % 50 === 49) await pause(50)
}
const joined = await until(() => all.every(({ watchedAt }) => watchedAt > 0), ANSWER_MS)
if (joined === null)
  throw new Error(`${all.filter(({ watchedAt }) => watchedAt === 0).length} sockets never joined.`)
console.log(
  JSON.stringify({ sockets, nodes: urls.length, joinedMs: Math.round(performance.now() - joining) }),
)

const calm = await saveFor(ids, versions, seconds * 1_000)
const convergedMs = await until(() => all.every(({ id, version }) => version === versions.get(id)), 30_000)
console.log(
  JSON.stringify({
    saves: figures(calm.took),
    failures: calm.failures.length,
    late: calm.late,
    saveBegunToClientMs: figures(delays),
    convergedMs: convergedMs === null ? 'never' : Math.round(convergedMs),
  }),
)

if ('herd' in options) {
  for (const watcher of all) {
    watcher.watchedAt = 0
    watcher.socket.io.engine.close()
  }
  const herd = saveFor(ids, versions, 10_000)
  const backMs = await until(() => all.every(({ watchedAt }) => watchedAt > 0), 60_000)
  const { took, failures, late } = await herd
  const settled = await until(() => all.every(({ id, version }) => version === versions.get(id)), 30_000)
  console.log(
    JSON.stringify({
      herd: sockets,
      backMs: backMs === null ? 'never' : Math.round(backMs),
      saves: figures(took),
      failures: failures.length,
      late,
      converged: settled !== null,
    }),
  )
}
for (const { socket } of all) socket.disconnect()
await cluster.stop()
process.exit(0)
