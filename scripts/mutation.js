// `npm run mutation`: StrykerJS changes the code where a wrong line loses data, piece by piece, and counts the changes that no
// test notices. Only pure code with fast tests is listed; what needs a database has mutants in test/faults/mutations.test.ts.
// Arguments choose subjects: npm run mutation -- merge editor
import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Stryker } from '@stryker-mutator/core'

/** What is mutated, the tests that must notice, and the score in per cent below which the command fails. */
const SUBJECTS = {
  merge: {
    mutate: ['web/client/base/merge-values.ts'],
    tests: ['test/web/client/base/merge-values.test.ts'],
    least: 95,
  },
  editor: {
    mutate: [
      'web/client/record/{first-steps,reducer,remote-versions}.ts',
      'web/client/record/{conflict,edit,server}-transitions.ts',
    ],
    tests: ['races', 'reducer', 'transitions'].map((name) => `test/web/client/record/${name}.test.ts`),
    // One world of generated steps, the same for each mutant.
    environment: { NOCLOBBER_INTERLEAVINGS: '200', NOCLOBBER_SEED: '1' },
    least: 35,
  },
  cursor: {
    mutate: ['server/log/{cursor,seal}.ts'],
    tests: ['test/server/log/cursor.test.ts'],
    least: 80,
  },
  seal: {
    mutate: ['server/cluster/node-seal.ts'],
    tests: ['test/server/cluster/node-seal.test.ts'],
    least: 75,
  },
}

const chosen = process.argv.slice(2)
for (const name of chosen) {
  if (Object.hasOwn(SUBJECTS, name)) continue
  console.error(`${name}: choose of ${Object.keys(SUBJECTS).join(', ')}.`)
  process.exit(2)
}

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const scores = []
for (const [name, { mutate, tests, least, environment }] of Object.entries(SUBJECTS)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue
  Object.assign(process.env, { NOCLOBBER_MUTATION_TESTS: tests.join(), ...environment })
  const begun = performance.now()
  const results = await new Stryker({
    mutate,
    testRunner: 'vitest',
    plugins: ['@stryker-mutator/vitest-runner'],
    // A file that isn't there: Stryker would ask TypeScript 5's API, which TypeScript 7 doesn't have.
    tsconfigFile: 'no-tsconfig.json',
    vitest: { configFile: 'scripts/mutation-tests.config.js', related: false },
    // Not below node_modules, where Vitest looks for no tests.
    tempDirName: '.stryker-tmp',
    ignorePatterns: ['/dist', '/bench', '/docs', '/deploy', '/.noclobber'],
    coverageAnalysis: 'perTest',
    reporters: ['clear-text'],
    clearTextReporter: { allowColor: false, logTests: false, reportTests: false, reportScoreTable: false },
    allowEmpty: true,
  }).runMutationTest()
  if (results.length === 0) throw new Error(`${name}: no file of ${mutate.join(', ')} has a mutant.`)
  const count = (...statuses) => results.filter(({ status }) => statuses.includes(status)).length
  const noticed = count('Killed', 'Timeout')
  const unnoticed = count('Survived', 'NoCoverage')
  const score = (100 * noticed) / (noticed + unnoticed)
  const seconds = (performance.now() - begun) / 1_000
  scores.push({ name, noticed, unnoticed, score: Math.round(score), seconds: Math.round(seconds) })
  if (score < least) process.exitCode = 1
}
await rm('reports', { recursive: true, force: true })
console.table(scores)
