// `node scripts/capacity.js [--nodes=N] [--sockets=N] [--changes=N] [--relay] [--UNIT=VALUE]`: what an installation would need, computed
// from what the parts cost here (docs/benchmarks.md says where each is from), and which part is at its end first. Without options a table
// of sizes up to 1,000 nodes, 1,000,000 sockets and 100,000 changes a second. It computes: no installation so large was tried.
import { argv } from 'node:process'
import { fileURLToPath } from 'node:url'

/** Microseconds of a processor, bytes, or as it says. Measured here, but for those marked as assumed. */
export const UNITS = {
  /** The database, for a guarded save: bench cost. */
  saveDb: 201,
  /** A node, for a save over HTTP: assumed, from 0.7 of bare Express + Knex. */
  saveNode: 300,
  /** The database, for a read of the log, and for each change in it. */
  readDb: 234,
  readDbChange: 25,
  /** The database, for pruning a change: bench long-log. */
  pruneDb: 11,
  /** A node, for a change that nobody on it watches: bench feed. */
  passedNode: 7,
  /** A node, for an event or a heartbeat to one socket: assumed. */
  eventNode: 8,
  /** The database, for the rows of a watched change on one node: assumed as one read. */
  watchedDb: 234,
  /** Redis, for a message to one node: assumed; and bytes of a change in it. */
  messageRedis: 4,
  changeBytes: 200,
  /** The database, for a query of 200 watched records: assumed. */
  recheckDb: 1_000,
  /** Bytes of memory of a socket, with its rooms: bench memory. */
  socketBytes: 15_000,
  /** Bytes of the log's row and index entries: bench long-log. */
  logBytes: 400,
  /** Sockets that watch what is changed, and nodes that they are on at most. */
  watchers: 5,
  /** Rooms of a socket. */
  rooms: 3,
  /** Milliseconds: limits.gapMs, pollMs, recheckMs, heartbeatMs. */
  gapMs: 10,
  pollMs: 1_000,
  recheckMs: 4_000,
  heartbeatMs: 10_000,
  /** What there is: cores of each database, memory of each node, bytes a second of Redis' line, days that the log reaches back. */
  databaseCores: 32,
  nodeGigabytes: 4,
  redisBytes: 1e9,
  days: 30,
}

/** A part that is used more than this is at its end. */
const FULL = 0.7
const MILLION = 1e6

/**
 * How much of each part is used, 1 being all of it, where tenants are spread evenly over so many databases, each with its share of the
 * nodes.
 */
export const usageOf = ({ nodes, sockets, changes, relay, databases = 1 }, units = UNITS) => {
  const u = units
  const there = {
    nodes: Math.max(1, nodes / databases),
    sockets: sockets / databases,
    changes: changes / databases,
  }
  const most = 1_000 / (relay ? u.gapMs : u.gapMs * 2.5)
  const reads = Math.min(there.changes, most) + 1_000 / u.pollMs
  const readers = relay ? 1 : there.nodes
  const watching = Math.min(u.watchers, there.nodes, there.sockets)
  const fetches = Math.min(there.changes * watching, there.nodes * most)
  const database =
    there.changes * (u.saveDb + u.pruneDb) +
    readers * (reads * u.readDb + there.changes * u.readDbChange) +
    fetches * u.watchedDb +
    ((there.sockets * u.rooms) / 200 / (u.recheckMs / 1_000)) * u.recheckDb
  const beats = there.sockets / (u.heartbeatMs / 1_000)
  const node =
    (there.changes * u.saveNode +
      there.changes * Math.min(u.watchers, there.sockets) * u.eventNode +
      beats * u.eventNode) /
      there.nodes +
    there.changes * u.passedNode
  const messages = there.nodes > 1 ? Math.min(there.changes, 200) + (relay ? reads : 0) : 0
  const bytes = relay ? there.changes * u.changeBytes * (there.nodes - 1) : 0
  return {
    'database, processors': database / MILLION / u.databaseCores,
    'each node, its core': node / MILLION,
    'each node, memory': ((there.sockets / there.nodes) * u.socketBytes) / (u.nodeGigabytes * 1e9),
    'Redis, its core': (messages * there.nodes * u.messageRedis) / MILLION,
    'Redis, its line': bytes / u.redisBytes,
  }
}

/** The part that is used most, and how much. */
export const firstOf = (usage) => Object.entries(usage).reduce((most, one) => (one[1] > most[1] ? one : most))

/** The least number of databases with which no part is at its end, a power of two; `null`: more nodes are needed first. */
export const databasesFor = (size, units = UNITS) => {
  for (let databases = 1; databases <= Math.max(1, size.nodes); databases *= 2)
    if (firstOf(usageOf({ ...size, databases }, units))[1] <= FULL) return databases
  return null
}

const SIZES = [
  { nodes: 2, sockets: 1_000, changes: 100 },
  { nodes: 16, sockets: 20_000, changes: 1_000 },
  { nodes: 64, sockets: 100_000, changes: 10_000 },
  { nodes: 256, sockets: 300_000, changes: 30_000 },
  { nodes: 1_000, sockets: 1_000_000, changes: 100_000 },
]

const number = (value) => value.toLocaleString('en')

const lineOf = (size, units) => {
  const [part, share] = firstOf(usageOf(size, units))
  const databases = databasesFor(size, units)
  const needed = databases === null ? 'more nodes' : `${databases}`
  const gigabytes = (size.changes * 86_400 * units.days * units.logBytes) / 1e9
  return [
    ...[number(size.nodes), number(size.sockets), number(size.changes), size.relay ? 'yes' : 'no'],
    ...[part, `${(share * 100).toFixed(0)} %`, needed, `${number(Math.round(gigabytes))} GB`],
  ]
}

const print = () => {
  const given = Object.fromEntries(
    argv.slice(2).map((argument) => {
      const [, name, value] = /^--([A-Za-z]+)(?:=(.*))?$/.exec(argument) ?? []
      const isKnown = ['nodes', 'sockets', 'changes', 'relay'].includes(name) || Object.hasOwn(UNITS, name)
      if (!isKnown || (value !== undefined && !(Number(value) >= 0))) {
        console.error(`Not an option: ${argument}. Units: ${Object.keys(UNITS).join(', ')}.`)
        process.exit(2)
      }
      return [name, value === undefined ? true : Number(value)]
    }),
  )
  const { nodes, sockets, changes, relay = false, ...units } = given
  const of = { ...UNITS, ...units }
  const isOne = [nodes, sockets, changes].some((value) => value !== undefined)
  const one = { nodes: nodes ?? 1, sockets: sockets ?? 0, changes: changes ?? 0, relay }
  const sizes = isOne
    ? [one]
    : SIZES.flatMap((size) => [false, true].map((relayed) => ({ ...size, relay: relayed })))
  const head = ['nodes', 'sockets', 'changes/s', 'relay', 'first', 'used', 'databases', 'log']
  const lines = [head, ...sizes.map((size) => lineOf(size, of))]
  const widths = head.map((_, at) => Math.max(...lines.map((line) => line[at].length)))
  for (const line of lines)
    console.log(
      line
        .map((cell, at) => cell.padEnd(widths[at]))
        .join('  ')
        .trimEnd(),
    )
  if (isOne)
    for (const [part, share] of Object.entries(usageOf(one, of)))
      console.log(`${part}: ${(share * 100).toFixed(1)} %`)
}

if (argv[1] === fileURLToPath(import.meta.url)) print()
