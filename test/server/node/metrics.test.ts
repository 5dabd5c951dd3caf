// Series begin at 0, so that their first rise is one.
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { createLogFigures } from '../../../server/node/log-figures.ts'
import { startApp } from '../../support/app.ts'

test('counters begin at 0 with each label that they may have, and count from there', async () => {
  const app = await startApp()
  const text = await app.records.metrics.text()
  for (const series of [
    'noclobber_requests_total{operation="save",status="500"} 0',
    'noclobber_writes_total{operation="import",outcome="failed"} 0',
    'noclobber_request_seconds_count{operation="list"} 0',
    'noclobber_limited_total{limit="person"} 0',
    'noclobber_node_messages_dropped_total{reason="forged"} 0',
    'noclobber_events_total{event="RecordUpdated"} 0',
    'noclobber_skipped_changes_total 0',
  ])
    expect(text).toContain(`${series}\n`)
  await app.make('project', { name: 'a' })
  expect(await app.records.metrics.text()).toContain(
    'noclobber_writes_total{operation="create",outcome="saved"} 1\n',
  )
})

test('each request counts as what it is, and only a write as one', async () => {
  const app = await startApp()
  const { id } = await app.make('project', { name: 'a' })
  const record = `/records/project/${id}`
  const ask = async (method: string, path: string, body?: object) =>
    (await app.call(method, path, { ...(body && { body }), headers: { 'X-Tab-ID': 'tab' } })).status
  expect(await ask('POST', `${record}/presence`, { state: 'viewing' })).toBe(200)
  expect(await ask('GET', `${record}/proposals`)).toBe(200)
  expect(await ask('POST', `${record}/proposals`, { client_version: 1, changes: { name: 'b' } })).toBe(201)
  expect(await ask('POST', `${record}/constructor`, {})).toBe(404)
  expect(await ask('GET', '/deleted/project')).toBe(200)
  const text = await app.records.metrics.text()
  const lines = [
    ...text.matchAll(/^noclobber_(requests|writes)_total\{operation="(\w+)",\w+="(\w+)"\} ([1-9]\d*)$/gm),
  ]
  expect(
    lines.map(([, what, operation, as, count]) => [what, operation, as, count].join(' ')).sort(),
  ).toEqual([
    'requests create 201 1',
    'requests deleted 200 1',
    'requests other 404 1',
    'requests presence 200 1',
    'requests proposals 200 1',
    'requests propose 201 1',
    'writes create saved 1',
    'writes propose saved 1',
  ])
})

test('how large and how old the log is, and when it was pruned; a database that is away costs these alone', async () => {
  const app = await startApp()
  await app.make('project', { name: 'a' })
  const figures = async () =>
    Object.fromEntries(
      [...(await app.records.metrics.text()).matchAll(/^noclobber_log_(bytes|\w+_seconds) (\S+)$/gm)].map(
        ([, name = '', value]) => [name, Number(value)],
      ),
    )
  const { bytes, age_seconds: age, pruned_seconds: pruned } = await figures()
  expect(bytes).toBeGreaterThan(8_000)
  expect(age).toBeGreaterThanOrEqual(0)
  expect(pruned).toBeGreaterThanOrEqual(-1)
  const away = createLogFigures({ send: () => Promise.reject(new Error('away')) })
  expect(await away()).toEqual({ bytes: -1, ageSeconds: -1, prunedSeconds: -1 })
})

test('the dashboard and docs/operating.md show each metric, and none that there isn’t', async () => {
  const file = await readFile('deploy/grafana.json', 'utf8')
  const { stdout } = await promisify(execFile)(process.execPath, ['scripts/dashboard.js', '--print'])
  expect(file).toBe(stdout)
  const app = await startApp()
  const names = app.records.metrics.registry.getMetricsAsArray().map(({ name }) => name)
  const shown = (file.match(/noclobber_\w+/g) ?? []).map((name) => name.replace(/_bucket$/, ''))
  expect([...new Set(shown)].sort()).toEqual(names.sort())
  const written = (await readFile('docs/operating.md', 'utf8')).match(/noclobber_\w+/g) ?? []
  const documented = new Set(written.filter((name) => !name.startsWith('noclobber_migrations')))
  expect([...documented].sort()).toEqual(names.sort())
})
