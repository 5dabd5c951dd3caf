// `npm run soak -- SUBJECT`: a test at full size. A generated one prints the seed that plays a failure again:
// `npm run soak -- oracle --seed=123`.
//   editors  two hundred thousand interleavings of editors (the default)
//   oracle   ten thousand commits by twenty writers of all kinds, one transaction open for a minute, ten readers
//   relay    ten thousand commits, read by one of two nodes for both, over a Redis that is cut, sliced and held back
//   slow     two thousand saves beside a node and a client whose lines are slow
//   kills    two hundred times kill -9 of a node between a commit and its delivery
//   agents   two hundred rounds of two agents and a person who write to one record
//   restores two thousand random histories of each kind and form, each version of them brought back and undone
//   undo     an import of 100,000 rows undone, cut off half way and gone on with on another node
//   history  two hundred schedules of saves and of databases that go back, in SQL and with real servers and open pages
//   heap     a million changes, and thousands of everything else that comes and goes: what a node's heap has more afterwards
//   requests twenty thousand generated requests and frames: none ends in a 5xx, none writes a protected column
//   keystrokes  twenty thousand keystrokes in Chromium over every kind of field, in forms, with autosave and in cells
//   replays  twenty thousand saves whose answers are lost and whose pages are killed: each is written once
//   age      ten thousand statements of a record's and a list's age, under cuts, each compared with what the database had then
//   people   two thousand changes of person over one page: nothing of one is shown to or sent by another
//   fields   twenty thousand attempts to learn of fields that one may not see: each in two worlds that differ in nothing else
//   audience twenty thousand attempts of who is in no audience, while others come, go and write
//   windows  ten thousand commits beside windows over long lists: none missed, none doubled, in the order of SQL
//   predicates five thousand generated comparisons of a list's `where`, in SQL and in JavaScript
//   attacks  twelve attacks of one person, each beside another's saves: scripts/attacks.js, which takes options of its own
//   import   100,000 rows three times, beside others who save: scripts/import-load.js, which takes options of its own
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const SUBJECTS = {
  editors: {
    file: 'test/web/client/record/reducer.test.ts',
    only: 'loses nothing',
    runs: 200_000,
    environment: (runs) => ({ NOCLOBBER_INTERLEAVINGS: runs }),
  },
  oracle: {
    file: 'test/faults/oracle.test.ts',
    only: 'twenty writers',
    runs: 10_000,
    environment: (runs) => ({ NOCLOBBER_COMMITS: runs, NOCLOBBER_HOLD_MS: 60_000 }),
  },
  relay: {
    file: 'test/faults/oracle.test.ts',
    only: 'reads for both',
    runs: 10_000,
    environment: (runs) => ({ NOCLOBBER_COMMITS: runs }),
  },
  slow: {
    file: 'test/faults/slow.test.ts',
    only: 'slow node',
    runs: 2_000,
    environment: (runs) => ({ NOCLOBBER_SAVES: runs }),
  },
  kills: {
    file: 'test/faults/kill.test.ts',
    only: 'killed',
    runs: 200,
    environment: (runs) => ({ NOCLOBBER_KILLS: runs }),
  },
  requests: {
    file: 'test/server/endpoints/strict-input.test.ts',
    only: 'generated requests and frames',
    runs: 20_000,
    environment: (runs) => ({ NOCLOBBER_FUZZ: runs }),
  },
  agents: {
    file: 'test/server/mcp/mcp.test.ts',
    only: 'rounds',
    runs: 200,
    environment: (runs) => ({ NOCLOBBER_MCP_ROUNDS: runs }),
  },
  restores: {
    file: 'test/server/history/',
    only: 'random histories',
    runs: 2_000,
    environment: (runs) => ({ NOCLOBBER_RESTORES: runs }),
  },
  undo: {
    file: 'test/server/import/undo-large.test.ts',
    only: 'is undone',
    runs: 100_000,
    environment: (runs) => ({ NOCLOBBER_ROWS: runs }),
  },
  history: {
    file: 'test/faults/history-s',
    only: 'generated schedules',
    runs: 200,
    environment: (runs) => ({ NOCLOBBER_SCHEDULES: runs }),
  },
  heap: {
    file: 'test/faults/heap.test.ts',
    only: 'leave nothing behind',
    runs: 1_000_000,
    environment: (runs) => ({ NOCLOBBER_CHANGES: runs }),
  },
  keystrokes: {
    file: 'test/e2e/keystrokes.test.ts',
    only: 'keystrokes',
    runs: 20_000,
    environment: (runs) => ({ NOCLOBBER_KEYSTROKES: runs }),
  },
  replays: {
    file: 'test/web/client/offline/replays.test.ts',
    only: 'written once each',
    runs: 20_000,
    environment: (runs) => ({ NOCLOBBER_REPLAYS: runs }),
  },
  sequences: {
    file: 'test/web/client/offline/sequences.test.ts',
    only: 'cut at any point',
    runs: 2_000,
    environment: (runs) => ({ NOCLOBBER_SEQUENCES: runs }),
  },
  age: {
    file: 'test/faults/age.test.ts',
    only: 'up to date as of',
    runs: 5_000,
    environment: (runs) => ({ NOCLOBBER_SAMPLES: runs }),
  },
  fields: {
    file: 'test/server/base/field-permissions.test.ts',
    only: 'attempts to learn',
    runs: 20_000,
    environment: (runs) => ({ NOCLOBBER_ATTEMPTS: runs }),
  },
  audience: {
    file: 'test/server/audience/audience.test.ts',
    only: 'attempts of who',
    runs: 20_000,
    environment: (runs) => ({ NOCLOBBER_ATTEMPTS: runs }),
  },
  windows: {
    file: 'test/web/client/list/windows.test.ts',
    only: 'over commits',
    runs: 10_000,
    environment: (runs) => ({ NOCLOBBER_COMMITS: runs }),
  },
  predicates: {
    file: 'test/server/queries/predicates.test.ts',
    only: 'generated predicates',
    runs: 5_000,
    environment: (runs) => ({ NOCLOBBER_PREDICATES: runs }),
  },
  people: {
    file: 'test/web/client/next-person.test.ts',
    only: 'changes of person',
    runs: 2_000,
    environment: (runs) => ({ NOCLOBBER_CHANGES: runs }),
  },
}

const root = fileURLToPath(new URL('..', import.meta.url))

const run = (command, environment = {}) =>
  new Promise((resolve) => {
    const options = { cwd: root, stdio: 'inherit', env: { ...process.env, ...environment } }
    spawn(process.execPath, command, options).on('close', (code) => resolve(code ?? 1))
  })

const [name = 'editors'] = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
const SCRIPTS = { attacks: 'scripts/attacks.js', import: 'scripts/import-load.js' }
if (Object.hasOwn(SCRIPTS, name)) {
  const built = await run(['scripts/build.js'])
  process.exit(built || (await run([SCRIPTS[name], ...process.argv.slice(2)])))
}
const subject = SUBJECTS[name]
if (!subject) {
  console.error(`There is no ${name}: ${Object.keys(SUBJECTS).join(', ')}, attacks, import.`)
  process.exit(2)
}

const option = (wanted, fallback) =>
  Number(process.argv.find((argument) => argument.startsWith(`--${wanted}=`))?.split('=')[1] ?? fallback)
const runs = option('runs', subject.runs)
const seed = option('seed', Date.now() % 2 ** 31)
console.log(`${name}: ${runs} runs, seed ${seed}`)

const vitest = ['node_modules/vitest/vitest.mjs', 'run', subject.file, '-t', subject.only]
const given = Object.entries({ ...subject.environment(runs), NOCLOBBER_SEED: seed })
process.exitCode = await run(vitest, Object.fromEntries(given.map(([key, value]) => [key, String(value)])))
