// How the tests run: four projects by where their code lives, the public doors resolved to the sources.
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { isWithout } from './test/support/programs.ts'
import { isShortRun } from './test/support/short-run.ts'

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url))

const doors = {
  'noclobber/server': source('./server/index.ts'),
  'noclobber/migrations': source('./migrations/index.ts'),
  'noclobber/client': source('./web/client/index.ts'),
  'noclobber/react': source('./web/react/index.ts'),
  'noclobber/history': source('./web/react/history/index.ts'),
  'noclobber/dom': source('./web/dom/index.ts'),
  'noclobber/react-hook-form': source('./web/react-hook-form/index.ts'),
  'noclobber/tanstack-query': source('./web/tanstack-query/index.ts'),
  'noclobber/offline': source('./web/client/offline/index.ts'),
  'noclobber/devtools': source('./web/devtools/index.ts'),
  'noclobber/mcp': source('./server/mcp/index.ts'),
  'noclobber/testing': source('./testing/index.ts'),
  'noclobber/history.css': source('./web/react/history/history.css'),
  'noclobber/styles.css': source('./web/react/styles.css'),
}

/** Tests carry the fault that they live through as a tag; a tag that isn't listed is an error. */
const faults: Record<string, string> = JSON.parse(readFileSync(source('./scripts/faults.json'), 'utf8'))
const tags = [
  ...Object.entries(faults).map(([name, description]) => ({ name: `fault:${name}`, description })),
  { name: 'full', description: 'left out of a short run' },
]

// Real servers and browsers on a machine that others use too: there a test may fail twice and is shown as retried.
const RETRIES = process.env.CI ? 2 : 0

/**
 * Files that run at once, each with a PostgreSQL of its own. One more than there are cores, since some wait for a while; with two more
 * a run is no shorter, and each test takes longer. A database that is given is there once.
 */
const WORKERS = process.env.DATABASE_URL_TEST ? 1 : Math.min(6, availableParallelism() + 1)

/** Files of these folders take longest: begun last, they would be waited for alone. */
const LONG = /\/test\/(e2e|faults|architecture)\//
const WITH_BROWSER = /\/test\/e2e\//

/** So many other files are begun between two with a browser, which computes all the time: few are at work at once. */
const BETWEEN_BROWSERS = 4

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const of = (name: string) => sorted.filter(({ project }) => project.name === name)
    const withBrowser = of('node').filter(({ moduleId }) => WITH_BROWSER.test(moduleId))
    const rest = of('node').filter(({ moduleId }) => !WITH_BROWSER.test(moduleId))
    const others = [true, false].flatMap((isLong) =>
      rest.filter(({ moduleId }) => LONG.test(moduleId) === isLong),
    )
    const node = [...withBrowser.flatMap((file) => [file, ...others.splice(0, BETWEEN_BROWSERS)]), ...others]
    // Vitest ends a worker that keeps its modules where the next file in line is of another project.
    return [...of('apart'), ...node, ...of('web')]
  }
}

/** What replaces a module for itself. */
const APART = ['test/faults/oracle-mutations.test.ts']

/** Left out of a short run as files: their servers or pages are begun before the first test. */
const FULL_RUN_ONLY = [
  // Mutants: that the tests of promises find what they look for.
  'test/faults/{mutations,live-mutations,oracle-mutations}.test.ts',
  // Other people's libraries beside those of the guides.
  'test/e2e/{form-libraries,design-systems}.test.ts',
  // Further hosts, machines and windows of what a short run tries on one.
  'test/faults/{redis-cluster,history-attacks,history-servers}.test.ts',
  'test/server/node/process-managers.test.ts',
  'test/architecture/matrix.test.ts',
  'test/e2e/{odd-pages,odd-places,other-windows,behind-others}.test.ts',
  // Several nodes of the demo under load: a short run kills a node, and stops servers that have connections.
  'test/faults/{cluster,nginx,leaving}.test.ts',
  // A page with what is tried without one or by another story, and sizes.
  'test/e2e/{offline-creation,browser-services,importing,typing,activity,large-record,per-key}.test.ts',
  // Each benchmark.
  'test/architecture/bench.test.ts',
]
const leftOut = isShortRun ? FULL_RUN_ONLY : []

const services = {
  globalSetup: './test/support/database-server.ts',
  setupFiles: './test/support/each-file.ts',
  testTimeout: 120_000,
  hookTimeout: 240_000,
  retry: RETRIES,
}

export default defineConfig({
  resolve: { alias: doors },
  test: {
    maxWorkers: WORKERS,
    sequence: { sequencer: LongestFirst },
    tags,
    ...(isShortRun ? { tagsFilter: ['!full'] } : {}),
    projects: [
      {
        extends: true,
        test: {
          name: 'node',
          include: [
            'test/{migrations,server,architecture,faults,testing,web/client,web/tanstack-query}/**/*.test.ts',
            ...(isWithout('chromium') ? [] : ['test/e2e/**/*.test.ts']),
          ],
          exclude: [...APART, ...leftOut],
          environment: 'node',
          ...services,
          // One after the other in a worker that keeps its modules: to load them anew costs most files more than their tests.
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'apart',
          include: APART,
          exclude: leftOut,
          environment: 'node',
          ...services,
        },
      },
      {
        extends: true,
        plugins: [react()],
        test: {
          name: 'web',
          include: ['test/web/**/*.test.{ts,tsx}'],
          exclude: ['test/web/{client,tanstack-query}/**'],
          environment: 'happy-dom',
          setupFiles: './test/support/screen-timeout.ts',
          testTimeout: 60_000,
          retry: RETRIES,
          // The window stays too: what a test renders or listens to there, it takes away.
          isolate: false,
        },
      },
    ],
  },
})
