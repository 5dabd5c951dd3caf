// Every reader ends with what SQL says, whatever the writer and whatever breaks on the way. The full size is
// `npm run soak -- oracle`; a failure is played again with NOCLOBBER_SEED.
import { expect, test } from 'vitest'
import { type OracleOptions, runOracle } from '../support/oracle.ts'
import { isWithout } from '../support/programs.ts'
import { byRun } from '../support/short-run.ts'

const COMMITS = Number(process.env.NOCLOBBER_COMMITS ?? byRun({ short: 60, full: 300 }))
const RELAYED = Number(process.env.NOCLOBBER_COMMITS ?? byRun({ short: 30, full: 100 }))
const HOLD_MS = Number(process.env.NOCLOBBER_HOLD_MS ?? 0)
const SEED = Number(process.env.NOCLOBBER_SEED ?? Date.now() % 2 ** 31)

const timeoutOf = (commits: number) => 240_000 + commits * 120 + HOLD_MS

const isTrueForAll = async (options: Omit<OracleOptions, 'seed'>) => {
  console.log(`oracle: seed ${SEED}`)
  const { verdict, figures, worstLagMs } = await runOracle({ seed: SEED, holdMs: HOLD_MS, ...options })
  console.log(`oracle: ${JSON.stringify(figures)}; worst lag in ms ${JSON.stringify(worstLagMs)}`)
  expect(figures.commits).toBeGreaterThanOrEqual(options.commits)
  expect(figures.rollbacks).toBeGreaterThan(options.commits / 40)
  expect(figures.faults).toBeGreaterThan(10)

  const nothing = { missed: [], doubled: [], invented: [], disordered: [], resets: 0 }
  const { log, followers, views, untrue } = verdict
  expect({ seed: SEED, log, untrue }).toEqual({
    seed: SEED,
    log: { unlogged: [], unwritten: [], importedChanges: 0 },
    untrue: [],
  })
  for (const [name, found] of Object.entries(followers))
    expect({ seed: SEED, name, ...found }).toEqual({ seed: SEED, name, ...nothing })
  expect({ seed: SEED, wrong: Object.entries(views).filter(([, wrong]) => wrong.length > 0) }).toEqual({
    seed: SEED,
    wrong: [],
  })
}

test(
  `twenty writers, ${COMMITS} commits, ten readers: nothing missed, nothing twice, nothing untrue`,
  {
    timeout: timeoutOf(COMMITS),
  },
  () => isTrueForAll({ commits: COMMITS }),
)

test.skipIf(isWithout('redis'))(
  'one node reads for both, over a line that fails: the same holds',
  {
    tags: 'fault:relay-lost',
    timeout: timeoutOf(RELAYED),
  },
  () => isTrueForAll({ commits: RELAYED, relay: true }),
)
