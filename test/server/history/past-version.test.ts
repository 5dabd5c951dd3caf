// The record as it was: by version and by time, as its kept values say; nothing of a time when the asker might not have read it,
// and nothing that the log no longer holds.
import { expect, test } from 'vitest'
import type { WireRecord } from '../../../server/protocol/index.ts'
import type { Person } from '../../support/app.ts'
import { startContracts } from '../../support/contracts.ts'

const app = await startContracts()
const { pathOf, save } = app

const get = (path: string, as = 'alice', headers = {}) => app.call('GET', path, { as, headers })
const saved = async () => {
  const versions = await app.saved()
  return { path: pathOf(versions[0]), versions }
}

test('each version is what was read then, to the digit, with who wrote it and when', async () => {
  const { path, versions } = await saved()
  for (const record of versions) {
    const { status, body, headers } = await get(`${path}?version=${record.version}`, 'vera')
    expect([status, body]).toEqual([200, { data: record, writable: [] }])
    expect(headers.get('etag')).toBe(`"${record.version}"`)
    expect((await get(`${path}?as_of=${record.updated_at}`)).body.data).toEqual(record)
    // A browser's cache holds what another person was shown, or what was erased since.
    const again = await get(`${path}?version=${record.version}`, 'vera', {
      'if-none-match': `"${record.version}"`,
    })
    expect([again.status, again.body.data]).toEqual([200, record])
  }
  expect(versions[1].updated_by).toMatchObject({ id: 'bob' })
  expect((await get(`${path}?as_of=2999-01-01T00:00:00%2B01:00`)).body.data).toEqual(versions[2])
})

test('a version that never was is missing; what was before its creation too', async () => {
  const { path } = await saved()
  const missing = await get('/records/contract/999999')
  for (const query of ['version=4', 'version=9007199254740991', 'as_of=2001-01-01T00:00:00Z']) {
    const { status, text } = await get(`${path}?${query}`)
    expect([status, text]).toEqual([404, missing.text])
  }
})

test.each([
  ...['version=', 'version=0', 'version=-1', 'version=1.0', 'version=01', 'version=x', 'version=1&version=1'],
  ...[
    'version=9007199254740992',
    'as_of=',
    'as_of=2026-05-03',
    'as_of=2026-05-03T10:00:00',
    'as_of=yesterday',
  ],
  ...['as_of=2026-02-30T10:00:00Z', 'as_of=2026-05-03T10:00:00+02:00', 'as_of=0000-05-03T10:00:00Z'],
  'version=1&as_of=2026-05-03T10:00:00Z',
])('?%s is malformed, for everybody', async (query) => {
  const answers = [await get(`/records/contract/1?${query}`), await get(`/records/contract/999999?${query}`)]
  for (const { status, body } of answers) expect([status, body.code]).toEqual([400, 'malformed'])
})

test('a deleted record can still be looked at as it was, by those who could read it', async () => {
  const { path, versions } = await saved()
  await app.call('DELETE', path, { body: { client_version: 3 } })
  for (const record of versions)
    expect((await get(`${path}?version=${record.version}`, 'vera')).body.data).toEqual(record)
  const gone = await get(path)
  expect([gone.status, gone.body.code]).toEqual([410, 'deleted'])
  for (const query of ['version=4', 'as_of=2999-01-01T00:00:00Z'])
    expect((await get(`${path}?${query}`)).text).toBe(gone.text)
  expect((await get(`${path}?version=5`)).status).toBe(404)
  const missing = (await get('/records/contract/999999')).text
  for (const as of ['nobody', 'gina']) {
    const { status, text } = await get(`${path}?version=2`, as)
    expect([status, text]).toEqual([404, missing])
  }
})

test('an id that was deleted and created again has the versions of both', async () => {
  const { path, versions } = await saved()
  const id = versions[0].id
  await app.sql('delete from contracts where id = ?', [id])
  await app.sql(`insert into contracts (id, tenant_id, name) values (?, 'acme', 'again')`, [id])
  const again = (await get(path)).body.data as WireRecord
  await save(again, { name: 'and again' })
  for (const record of [...versions, again])
    expect((await get(`${path}?version=${record.version}`)).body.data).toEqual(record)
  expect((await get(`${path}?version=4`)).body).toMatchObject({ code: 'deleted', version: 4 })
})

test('what was written by hand counts, and a number that was left out is missing', async () => {
  const { path, versions } = await saved()
  await app.sql(`update contracts set name = name || '!', secret = 'other' where tenant_id = 'acme'`)
  const record = (await get(path)).body.data as WireRecord
  await save(record, { name: 'later' })
  const was = (await get(`${path}?version=${record.version}`)).body.data
  expect(was).toEqual(record)
  expect(was.updated_by.kind).toBe('database')
  expect((await get(`${path}?version=2`)).body.data).toEqual(versions[1])
  expect(JSON.stringify(was)).not.toContain('secret')
})

test('nothing is answered of a time when the asker might not have read it', async () => {
  const one: WireRecord = await app.make('letter', { owner: 'bob', body: 'for Bob alone' }, 'bob')
  const two = await save(one, { owner: 'everybody' }, 'bob')
  const three = await save(two, { body: 'for all' }, 'bob')
  const path = pathOf(one)
  const hidden = await get(`${path}?version=1`)
  expect([hidden.status, hidden.body.code]).toEqual([410, 'no_longer_known'])
  expect((await get(`${path}?as_of=${one.updated_at}`)).text).toBe(hidden.text)
  expect((await get(`${path}?version=1`, 'bob')).body.data).toEqual(one)
  for (const record of [two, three])
    expect((await get(`${path}?version=${record.version}`)).body.data).toEqual(record)
  // It is the same answer as where the log doesn't reach back.
  await app.sql('delete from noclobber.record_changes where record_id = ? and version = 1', [one.id])
  expect((await get(`${path}?version=1`, 'bob')).text).toBe(hidden.text)
  await save(three, { owner: 'bob' }, 'bob')
  const missing = (await get('/records/letter/00000000-0000-4000-8000-000000000000')).text
  expect((await get(`${path}?version=3`)).text).toBe(missing)
})

test('where the values of one change were not kept, what lies behind it is no longer known', async () => {
  const { path, versions } = await saved()
  const [one, two, three] = versions
  await app.sql(
    'update noclobber.record_changes set changed_values = null where record_id = ? and version = 2',
    [one.id],
  )
  expect((await get(`${path}?version=1`)).body.code).toBe('no_longer_known')
  for (const record of [two, three])
    expect((await get(`${path}?version=${record.version}`)).body.data).toEqual(record)
  await app.sql('delete from noclobber.record_changes where record_id = ? and version < 3', [one.id])
  for (const query of ['version=2', `as_of=${two.updated_at}`])
    expect((await get(`${path}?${query}`)).body.code).toBe('no_longer_known')
})

test('a type that keeps no values knows its current version alone, and says so', async () => {
  const one: WireRecord = await app.make('project', { name: 'plain' })
  const two = await save(one, { name: 'simple' })
  expect((await get(`${pathOf(one)}?version=2`)).body.data).toEqual(two)
  const { status, body } = await get(`${pathOf(one)}?version=1`)
  expect(status).toBe(410)
  expect(body).toMatchObject({
    code: 'no_longer_known',
    detail: expect.stringMatching(/not kept for this type/),
  })
})

test('other parameters ask for the record as it is, as before', async () => {
  const { path, versions } = await saved()
  expect((await get(`${path}?versions=1&asof=2`)).body.data).toEqual(versions[2])
})

test('an app asks the same by itself', async () => {
  const { versions } = await saved()
  const [one] = versions
  const actor: Person = { id: 'alice', name: 'Alice', tenantId: 'acme', role: 'editor' }
  const past = (moment: { version: number } | { asOf: Date }) =>
    app.records.readPast('contract', one.id, { actor, ...moment })
  expect(await past({ version: 1 })).toMatchObject({ outcome: 'found', record: one })
  expect(await past({ asOf: new Date() })).toMatchObject({ outcome: 'found', record: { version: 3 } })
  expect(await past({ version: 0 })).toMatchObject({ outcome: 'refused', problem: { code: 'malformed' } })
})
