// `npm run load`: figures of a running cluster under load, from outside: how long saves and the way from a save to its
// watchers take, whether all of them converge, how a reconnect storm ends and what saves take meanwhile. Starts
// scripts/cluster.js, or uses --url=… of one that runs. The saves are begun and timed here, the watchers live in a process of
// their own (scripts/load-watchers.js). With --storm each round is a calm one, and then one in which all are cut at once.
// Options, with their defaults: see DEFAULTS; --url=… and --storm besides.
import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const DEFAULTS = { sockets: 2_000, watchers: 10, rate: 100, seconds: 15, nodes: 2, rounds: 1 }
const options = Object.fromEntries(
  process.argv.slice(2).map((argument) => {
    const [, name = argument, value = ''] = /^--([^=]+)=?(.*)$/.exec(argument) ?? []
    return [name, value]
  }),
)
const unknown = Object.keys(options).filter(
  (name) => !['url', 'storm', ...Object.keys(DEFAULTS)].includes(name),
)
if (unknown.length > 0) {
  const known = Object.entries(DEFAULTS).map(([name, value]) => `--${name}=${value}`)
  console.error(`There is no ${unknown.join(', ')}. Options: --url=…, --storm, ${known.join(', ')}.`)
  process.exit(2)
}
const [sockets, watchers, rate, seconds, nodes, rounds] = Object.entries(DEFAULTS).map(([name, otherwise]) =>
  Number(options[name] || otherwise),
)
const AS = { authorization: 'Bearer demo:alice', 'content-type': 'application/json' }
/** After the last one is back; what comes late of a storm is still caused by it. */
const AFTER_HERD_MS = 1_000

/** Milliseconds of a clock that all processes of this machine share. */
const now = () => Number(process.hrtime.bigint()) / 1e6
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const say = (figures) => console.log(JSON.stringify(figures))
const percentile = (values, of) => {
  const sorted = values.toSorted((a, b) => a - b)
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * of) / 100))] ?? Number.NaN)
}
const figures = (values) => ({
  count: values.length,
  p50: percentile(values, 50),
  p99: percentile(values, 99),
  most: percentile(values, 100),
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
/** Other people's machines take no processor from nodes and database: on Linux this runs when they have nothing to do. */
const atIdle =
  process.platform === 'linux' ? { execPath: 'chrt', execArgv: ['-i', '0', process.execPath] } : {}
const audience = fork(new URL('load-watchers.js', import.meta.url), atIdle)
/** One at a time: the answer to a command is the next message. */
const ask = async (command, values = {}) => {
  audience.send({ command, ...values })
  const [answer] = await once(audience, 'message')
  return answer
}

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

/** When the save to a version was begun. */
const begunAt = new Map()

/**
 * Saves at an even rate until stopped; gives how long each took, what was refused, and how many could not be begun
 * because the last save of their record was not answered yet: from its old version they would only be conflicts of this
 * script's own.
 */
async function saveUntil(isOver) {
  const took = []
  const failures = []
  const running = []
  const unanswered = new Set()
  let late = 0
  const save = async (count, id) => {
    const version = versions.get(id)
    const body = JSON.stringify({ client_version: version, changes: { notes: `Round ${count} of ${now()}` } })
    const url = `${urls[count % urls.length]}/api/v1/records/project/${id}`
    const from = now()
    begunAt.set(`${id}:${version + 1}`, from)
    const answer = await fetch(url, { method: 'PATCH', headers: AS, body })
    const given = await answer.json()
    took.push(now() - from)
    unanswered.delete(id)
    if (answer.status === 200) versions.set(id, given.data.version)
    else failures.push(answer.status)
  }
  const begun = now()
  for (let count = 0; !isOver(now() - begun); count += 1) {
    const id = ids[count % ids.length]
    const dueAt = begun + (count * 1_000) / rate
    if (dueAt > now()) await pause(dueAt - now())
    if (unanswered.has(id)) {
      late += 1
      continue
    }
    unanswered.add(id)
    running.push(save(count, id))
  }
  await Promise.all(running)
  return { took, failures, late }
}

/** From the beginning of each save until each watcher received it, and until everybody had all, in milliseconds. */
async function receiptTimes() {
  const from = now()
  const { at } = await ask('converge', { versions: Object.fromEntries(versions) })
  const { taken } = await ask('received')
  const delays = taken.flatMap(([version, receivedAt]) => {
    const saveAt = begunAt.get(version)
    return saveAt === undefined ? [] : [receivedAt - saveAt]
  })
  begunAt.clear()
  return { saveBegunToClientMs: figures(delays), convergedMs: at === null ? 'never' : Math.round(at - from) }
}

const ids = await makeRecords(Math.ceil(sockets / watchers))
const versions = new Map(ids.map((id) => [id, 1]))
const joined = await ask('open', { urls, ids, sockets })
if (joined.tookMs === null) throw new Error(`${joined.missing} sockets never joined.`)
say({ sockets, nodes: urls.length, joinedMs: Math.round(joined.tookMs) })

const all = { calm: [], storm: [] }
/** How many times as long the slowest hundredth takes in a storm. */
const p99Ratio = (calm, storm) => Math.round((figures(storm).p99 / figures(calm).p99) * 10) / 10
for (let round = 1; round <= rounds; round += 1) {
  const calm = await saveUntil((ms) => ms >= seconds * 1_000)
  all.calm.push(...calm.took)
  say({
    round,
    calm: figures(calm.took),
    failures: calm.failures.length,
    late: calm.late,
    ...(await receiptTimes()),
  })
  if (!('storm' in options)) continue
  let endsAt = Number.POSITIVE_INFINITY
  const saving = saveUntil(() => now() >= endsAt)
  const back = await ask('cut')
  endsAt = now() + AFTER_HERD_MS
  const storm = await saving
  all.storm.push(...storm.took)
  say({
    round,
    storm: figures(storm.took),
    p99Ratio: p99Ratio(calm.took, storm.took),
    failures: storm.failures.length,
    late: storm.late,
    backMs: back.tookMs === null ? 'never' : Math.round(back.tookMs),
    backMedianMs: Math.round(back.medianMs),
    refusedTries: back.lost,
    ...(await receiptTimes()),
  })
}
if ('storm' in options) {
  const { calm, storm } = all
  say({ calm: figures(calm), storm: figures(storm), p99Ratio: p99Ratio(calm, storm) })
}
audience.send({ command: 'end' })
await cluster.stop()
process.exit(0)
