// The pages that lead through the code, held against what runs: a walk names files that a save or an event really passes
// through, and CONTRIBUTING.md's table names the file in which the thing is.
import { Session } from 'node:inspector/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { startApp, type TestApp } from '../support/app.ts'
import type { TestWatcher } from '../support/app-socket.ts'
import { openStream } from '../support/app-stream.ts'
import { codeOf, projectFiles, textOf } from './sources.ts'

const MOST_FILES_OF_A_SAVE = 20

/** Files of the server that a section of docs/architecture.md names, each once. */
const namedIn = (section: string): string[] => {
  const [, rest = ''] = textOf('docs/architecture.md').split(`\n## ${section}\n`)
  const [text = ''] = rest.split('\n## ')
  return [...new Set([...text.matchAll(/`(server\/[\w/-]+\.ts)`/g)].map(([, path = '']) => path))]
}

/** Files of the server in which a function was called while `act` went on. */
const passedDuring = async (act: () => Promise<unknown>): Promise<string[]> => {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false })
  await act()
  const { result } = await session.post('Profiler.takePreciseCoverage')
  session.disconnect()
  return result
    .filter(({ functions }) => functions.some(({ ranges }) => (ranges[0]?.count ?? 0) > 0))
    .flatMap(({ url }) => /\/(server\/[\w/-]+\.ts)$/.exec(url)?.[1] ?? [])
}

describe('docs/architecture.md', () => {
  let app: TestApp
  let id: string
  let watcher: TestWatcher
  const save = (client_version: number, changes: object) =>
    app.call('PATCH', `/records/project/${id}`, { body: { client_version, changes } })

  beforeAll(async () => {
    app = await startApp()
    id = (await app.make('project', { name: 'Bridge' })).id
    watcher = await app.socket({ as: 'bob' })
    await watcher.watch(['project', id])
    expect((await save(1, { name: 'Bridge 2' })).status).toBe(200)
  })

  test(`walks a save through files that it passes, at most ${MOST_FILES_OF_A_SAVE}`, async () => {
    const accepted = await passedDuring(async () =>
      expect((await save(2, { name: 'Bridge 3' })).status).toBe(200),
    )
    const refused = await passedDuring(async () =>
      expect((await save(2, { name: 'Tunnel' })).status).toBe(409),
    )
    const named = namedIn('A save, step by step')
    expect(named.filter((path) => !accepted.includes(path) && !refused.includes(path))).toEqual([])
    const onTheWay = named.filter((path) => accepted.includes(path))
    expect(onTheWay.length).toBeGreaterThan(10)
    expect(onTheWay.length).toBeLessThanOrEqual(MOST_FILES_OF_A_SAVE)
  })

  test('walks an event through files that it passes', async () => {
    await watcher.watchList('task', { project_id: '1' })
    const stream = await openStream(app.origin, `record=project:${id}`)
    const { cursor } = (await app.call('GET', '/changes')).body
    const passed = await passedDuring(async () => {
      const polled = app.call('GET', `/changes?cursor=${cursor}&wait=20`)
      await app.sql(`update projects set name = 'By hand' where id = ?`, [id])
      await watcher.receives('RecordUpdated', { version: 4 })
      await stream.receives('RecordUpdated')
      await polled
      await app.sql(
        `insert into tasks (tenant_id, project_id, title) select 'acme', 1, n::text from generate_series(1, 60) n`,
      )
      await watcher.receives('RecordsImported')
      await save(4, { name: 'Bridge 5' })
    })
    const named = namedIn('An event, step by step')
    expect(named.length).toBeGreaterThan(8)
    expect(named.filter((path) => !passed.includes(path))).toEqual([])
  })
})

/** What stands in the file, or in the room, that the table names for a thing. */
const SIGNS: Record<string, [place: string, sign: RegExp][]> = {
  'the guard’s update': [['server/tables/record-sql.ts', /const guard = .*isAtVersion/]],
  'the decision about a watcher': [['server/live/delivery.ts', /const mayReceive = .*\n.*known\.mayRead/]],
  'who sees which fields': [
    ['server/tables/known-type.ts', /forActor\(actor: Actor\)/],
    ['server/base/field-permissions.ts', /export const fieldRights/],
  ],
  'the members': [['server/audience/audience.ts', /export const readAudience/]],
  'the epoch of a cursor': [
    ['server/log/log-sql.ts', /noclobber\.epoch\(\)/],
    ['migrations/functions/epoch.sql', /create function noclobber\.epoch\(\)/],
  ],
  'a 409': [
    ['server/base/problems.ts', /export const staleProblem/],
    ['server/protocol/record.ts', /code: 'stale_record'/],
  ],
  'a CSV cell': [['server/import/csv-cells.ts', /export const cellReader/]],
  'a draft': [['web/client/offline/draft-sync.ts', /tabs\.alive\(\)/]],
  'the transports': [
    ['web/client/transport/transports.ts', /const DEFAULT_TRANSPORTS/],
    ['web/client/transport/transport.ts', /export interface Transport \{/],
  ],
  'a default': [['server/base/options.ts', /export const DEFAULT_LIMITS/]],
  'the words': [['web/client/words/', /export const \w*WORDS|export interface Words/i]],
  'the wire': [
    ['server/protocol/', /stale_record/],
    ['web/client/base/received.ts', /export const isFound/],
  ],
  'a column’s type': [
    ['server/db/column-codec.ts', /export interface ColumnCodec/],
    ['web/client/base/field-text.ts', /export (const|function) \w+/],
  ],
  'the banner': [['web/client/record/banner.ts', /export function bannerFor/]],
  'a language': [['web/client/words/german.ts', /export const germanMessages/]],
  'the formats of an import': [['server/import/parse.ts', /export type ImportFormat/]],
  'a finding': [
    ['server/doctor/finding.ts', /export type FindingCode/],
    ['server/doctor/doctor.ts', /await logFindings/],
  ],
  'a host': [
    ['server/endpoints/router.ts', /export const hostHandler/],
    ['server/setup/look-at-app.ts', /export type Host/],
  ],
  'a metric': [
    ['server/node/metrics.ts', /export const createMetrics/],
    ['scripts/dashboard.js', /const ROWS/],
  ],
  'the triggers': [['migrations/', /create table noclobber\.record_changes/]],
}

test('each decision stands once in the index', async () => {
  const numbers = (await projectFiles()).flatMap(
    (path) => /^docs\/decisions\/(\d{3}-.*)$/.exec(path)?.[1] ?? [],
  )
  const listed = [...textOf('docs/decisions/README.md').matchAll(/^- \[\d{3}\]\((.*?)\) /gm)].map(
    ([, path]) => path,
  )
  expect(listed.toSorted()).toEqual(numbers)
})

test('CONTRIBUTING.md’s table names where things are', async () => {
  const files = await projectFiles()
  const rows = textOf('CONTRIBUTING.md')
    .split('\n| where is')[1]
    ?.split('\n\n')[0]
    ?.split('\n')
    .slice(2)
    .map((row) => row.split(' | ')[1] ?? '')
  const named = rows?.flatMap((cell) => [...cell.matchAll(/`([\w-]+\/[\w/.-]*)`/g)].map(([, path]) => path))
  const signs = Object.values(SIGNS).flat()
  expect(named).toEqual(signs.map(([place]) => place))
  const without = signs.filter(([place, sign]) => {
    const read = (path: string) => (path.endsWith('.sql') ? textOf(path) : codeOf(path))
    return !files.some(
      (path) => path.startsWith(place) && /\.(ts|sql|js)$/.test(path) && sign.test(read(path)),
    )
  })
  expect(without.map(([place]) => place)).toEqual([])
})
