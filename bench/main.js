// `npm run bench [-- SUBJECT…] [--check] [--quick]`: measures the promises against what people would write without us.
// Ratios of alternating rounds are what counts. `--check` fails where a target is missed, `--quick` only shows that
// everything runs: its figures mean nothing.
import { availableParallelism } from 'node:os'
import { openDatabases } from './database.js'
import { isMissed, tableOf } from './report.js'
import { cost } from './subjects/cost.js'
import { event } from './subjects/event.js'
import { fanOut } from './subjects/fan-out.js'
import { feed } from './subjects/feed.js'
import { join } from './subjects/join.js'
import { list } from './subjects/list.js'
import { longLog } from './subjects/long-log.js'
import { memory } from './subjects/memory.js'
import { nodes } from './subjects/nodes.js'
import { poll } from './subjects/poll.js'
import { save } from './subjects/save.js'
import { stream } from './subjects/stream.js'
import { tenant } from './subjects/tenant.js'
import { trigger } from './subjects/trigger.js'
import { window } from './subjects/window.js'

const OF_SAVES = { save, cost, event, trigger }
const OF_READERS = {
  feed,
  poll,
  join,
  'fan-out': fanOut,
  memory,
  stream,
  list,
  tenant,
  window,
  nodes,
  'long-log': longLog,
}
const SUBJECTS = { ...OF_SAVES, ...OF_READERS }

const SIZE = { rounds: 9, ms: 1_000, rows: 20_000, scale: 1 }
/** At such a scale all numbers of watchers are one. */
const QUICK = { rounds: 1, ms: 100, rows: 1_000, scale: 0.02, variants: 1 }

const isOption = (argument) => argument.startsWith('--')
const asked = process.argv.slice(2).filter((argument) => !isOption(argument))
const options = process.argv.slice(2).filter(isOption)
const unknown = [
  ...asked.filter((name) => !Object.hasOwn(SUBJECTS, name)),
  ...options.filter((name) => !['--check', '--quick'].includes(name)),
]
if (unknown.length > 0) {
  console.error(
    `There is no ${unknown.join(', ')}. Subjects: ${Object.keys(SUBJECTS).join(', ')}. Options: --check, --quick.`,
  )
  process.exit(2)
}

const size = options.includes('--quick') ? QUICK : SIZE
const begun = performance.now()
const databases = await openDatabases()
const measurements = []
try {
  console.log(
    `Node ${process.versions.node}, ${availableParallelism()} cores, on ${databases.name}. ` +
      `${size.rounds} rounds by turns.\n`,
  )
  for (const name of asked.length > 0 ? asked : Object.keys(SUBJECTS)) {
    const from = performance.now()
    measurements.push(
      ...(await SUBJECTS[name]({ fresh: databases.fresh, processorMs: databases.processorMs, ...size })),
    )
    if (process.stderr.isTTY)
      console.error(`${name}: measured in ${((performance.now() - from) / 1_000).toFixed(0)} s`)
  }
  if (options.includes('--check') && measurements.some(isMissed)) process.exitCode = 1
} finally {
  console.log(tableOf(measurements))
  console.log(`\n${((performance.now() - begun) / 1_000).toFixed(0)} s in all.`)
  await databases.close()
}
