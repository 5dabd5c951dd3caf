// A version brought back is a guarded save like any other, which says what it restored: in the log, the history, the feed and the
// event. What was restored and undone is as it was before, value by value.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { WireRecord } from '../../../server/protocol/index.ts'
import type { Person } from '../../support/app.ts'
import { startContracts } from '../../support/contracts.ts'
import { byRun } from '../../support/short-run.ts'
import { waitFor } from '../../support/wait-for.ts'

const app = await startContracts()
const { pathOf, save, saved } = app

const restore = (record: WireRecord, body: object, as = 'alice', headers = {}) =>
  app.call('POST', `${pathOf(record)}/restore`, { as, body, headers })
const fieldsOf = ({ fields }: WireRecord) => fields
const read = async (record: WireRecord): Promise<WireRecord> =>
  (await app.call('GET', pathOf(record))).body.data

test('a version comes back as it was, in a new version that names it everywhere', async () => {
  const { body: start } = await app.call('GET', '/changes')
  const socket = await app.socket({ as: 'bob' })
  const [one, two, three] = await saved()
  await socket.ask('watch', { records: [{ type: one.type, id: one.id }] })
  const { status, body, headers } = await restore(three, { client_version: 3, to_version: 1 }, 'alice', {
    'x-tab-id': 't-1',
  })
  expect([status, headers.get('etag')]).toEqual([200, '"4"'])
  expect(body.data).toMatchObject({ version: 4, fields: fieldsOf(one), updated_by: { id: 'alice' } })
  expect(await read(one)).toEqual(body.data)
  const { body: history } = await app.call('GET', `${pathOf(one)}/history`)
  expect(history.data.map(({ restored_from }: { restored_from?: number }) => restored_from)).toEqual([
    1,
    undefined,
    undefined,
    undefined,
  ])
  const { body: feed } = await app.call('GET', `/changes?cursor=${start.cursor}&type=contract`)
  expect(feed.data.at(-1)).toMatchObject({ version: 4, restored_from: 1, tab_id: 't-1' })
  expect(feed.data.slice(0, -1).some((change: object) => 'restored_from' in change)).toBe(false)
  const event = await waitFor(() => socket.received.find((one) => one.event?.version === 4)?.event, {
    what: 'the event',
  })
  expect(event).toMatchObject({ version: 4, restored_from: 1, updated_by: { id: 'alice' } })
  expect(event.changed_fields.sort()).toEqual(['amount', 'double', 'due', 'name', 'serial', 'tags', 'terms'])
  expect((await restore(body.data, { client_version: 4, to_version: 2 })).body.data.fields).toEqual(
    fieldsOf(two),
  )
})

test('some fields alone come back', async () => {
  const [one, , three] = await saved()
  const { body } = await restore(three, {
    client_version: 3,
    to_version: 1,
    fields: ['name', 'tags', 'name'],
  })
  expect(body.data.fields).toEqual({ ...three.fields, name: one.fields.name, tags: one.fields.tags })
})

test('JSON with numbers that JavaScript can’t hold comes back as it was, to the digit', async () => {
  const one: WireRecord = await app.make('contract', { name: 'one' })
  await app.sql(
    `update contracts set terms = '{"n": 12345678901234567890, "t": "12345678901234567890"}' where id = ?`,
    [one.id],
  )
  await app.sql('update contracts set terms = null where id = ?', [one.id])
  expect((await restore(one, { client_version: 3, to_version: 2 })).status).toBe(200)
  const [{ terms }] = await app.sql('select terms::text from contracts where id = ?', [one.id])
  expect(terms).toBe('{"n": 12345678901234567890, "t": "12345678901234567890"}')
})

test('what is as it was makes no version', async () => {
  const [, , three] = await saved()
  for (const body of [{ to_version: 3 }, { to_version: 1, fields: ['secret'] }])
    await restore(three, { client_version: 3, ...body })
  expect(await read(three)).toEqual(three)
  expect((await restore(three, { client_version: 3, to_version: 3 })).body.data).toEqual(three)
})

test('it is refused as a save is', async () => {
  const [one, two, three] = await saved()
  const stale = await restore(one, { client_version: 2, to_version: 1 })
  expect(stale.status).toBe(409)
  expect(stale.body).toMatchObject({
    code: 'stale_record',
    client_version: 2,
    current_version: 3,
    current: three,
  })
  const byHeader = await restore(one, { to_version: 1 }, 'alice', { 'if-match': '"2"' })
  expect([byHeader.status, byHeader.body.code]).toEqual([412, 'stale_record'])
  expect((await restore(one, { to_version: 1 })).status).toBe(428)
  expect((await restore(one, { client_version: 3, to_version: 1 }, 'vera')).status).toBe(403)
  for (const to_version of [undefined, 0, '1', 1.5, null])
    expect((await restore(one, { client_version: 3, to_version })).body.code).toBe('malformed')
  for (const fields of ['name', [], [1], {}])
    expect((await restore(one, { client_version: 3, to_version: 1, fields })).body.code).toBe('malformed')
  const invalid = await restore(one, {
    client_version: 3,
    to_version: 1,
    fields: ['secret', 'double', 'nothing', 'id'],
  })
  expect(invalid.status).toBe(422)
  expect(invalid.body.errors).toEqual([
    { field: 'secret', message: 'is not a field of this type' },
    { field: 'double', message: 'can not be changed' },
    { field: 'nothing', message: 'is not a field of this type' },
    { field: 'id', message: 'can not be changed' },
  ])
  await app.sql(
    `update noclobber.record_changes set changed_values = jsonb_set(changed_values, '{name,0}', '""')
    where record_id = ? and version = 2 and table_name = 'public.contracts'`,
    [one.id],
  )
  expect((await restore(one, { client_version: 3, to_version: 1 })).body).toMatchObject({
    code: 'invalid',
    errors: [{ field: 'name' }],
  })
  expect((await restore(one, { client_version: 3, to_version: 9 })).status).toBe(404)
  expect(await read(one)).toEqual(three)
  await app.sql('delete from noclobber.record_changes where record_id = ? and version = 1', [one.id])
  expect((await restore(one, { client_version: 3, to_version: 1 })).body.code).toBe('no_longer_known')
  expect((await restore(two, { client_version: 3, to_version: 2 })).status).toBe(200)
  await app.call('DELETE', pathOf(one), { body: { client_version: 4 } })
  const gone = await restore(one, { client_version: 5, to_version: 2 })
  expect([gone.status, gone.body.code]).toEqual([410, 'deleted'])
})

test('who may not read it is answered as if it were missing; who could not read it then, as if it were not known', async () => {
  const letter: WireRecord = await app.make('letter', { owner: 'bob', body: 'for Bob' }, 'bob')
  const missing = await app.call('POST', '/records/letter/00000000-0000-4000-8000-000000000000/restore', {
    body: { client_version: 1, to_version: 1 },
  })
  expect(missing.status).toBe(404)
  for (const to_version of [1, 7])
    expect((await restore(letter, { client_version: 1, to_version })).text).toBe(missing.text)
  await save(letter, { owner: 'everybody' }, 'bob')
  expect((await restore(letter, { client_version: 2, to_version: 1 })).body.code).toBe('no_longer_known')
  expect((await restore(letter, { client_version: 2, to_version: 1 }, 'bob')).status).toBe(200)
  expect((await app.call('GET', pathOf(letter))).text).toBe(missing.text)
})

test('sent again it takes effect once, and gets its first answer; other content under its id is refused', async () => {
  const [, , three] = await saved()
  const body = { client_version: 3, to_version: 1, mutation_id: `m-${three.id}` }
  const first = await restore(three, body)
  expect((await restore(three, body)).text).toBe(first.text)
  await save(first.body.data, { name: 'later' }, 'bob')
  expect((await restore(three, body)).text).toBe(first.text)
  const { mutation_id, ...unnamed } = body
  expect((await restore(three, unnamed, 'alice', { 'idempotency-key': mutation_id })).text).toBe(first.text)
  for (const other of [{ to_version: 2 }, { fields: ['name'] }])
    expect((await restore(three, { ...body, ...other })).body.code).toBe('mutation_reused')
  expect((await read(three)).version).toBe(5)
})

test('only a server’s restore is named one', async () => {
  const [one] = await saved()
  await app.sql(`select set_config('noclobber.actor', '{"id":"x","restored_from":1}', false)`)
  await app.sql(`update contracts set name = 'by hand' where id = ?`, [one.id])
  const rows = await app.sql(
    `select distinct restored_from from noclobber.changes where record_id = ? and table_name = 'public.contracts'`,
    [one.id],
  )
  expect(rows).toEqual([{ restored_from: null }])
})

test('in a caller’s transaction it is named, and undone with it', async () => {
  const [one, , three] = await saved()
  const actor: Person = { id: 'alice', name: 'Alice', tenantId: 'acme', role: 'editor' }
  const options = { actor, clientVersion: 3, toVersion: 1 }
  const failed = app.knex.transaction(async (transaction) => {
    expect(await app.records.restore('contract', one.id, { ...options, transaction })).toMatchObject({
      outcome: 'saved',
    })
    throw new Error('undone')
  })
  await expect(failed).rejects.toThrow('undone')
  expect(await read(one)).toEqual(three)
  const outcome = await app.knex.transaction((transaction) =>
    app.records.restore('contract', one.id, { ...options, transaction }),
  )
  expect(outcome).toMatchObject({ outcome: 'saved', record: { version: 4 } })
  const { body } = await app.call('GET', `${pathOf(one)}/history?limit=1`)
  expect(body.data[0]).toMatchObject({ version: 4, restored_from: 1 })
  const unsigned = await app.records.restore('contract', one.id, { ...options, toVersion: 0 })
  expect(unsigned).toMatchObject({ outcome: 'refused', problem: { code: 'malformed' } })
})

test('beside saves of others nothing is lost: one of each two is refused', {
  tags: 'fault:restored-while-saved',
}, async () => {
  const [, , three] = await saved()
  let current = three
  for (let round = 0; round < 20; round += 1) {
    const answers = await Promise.all([
      restore(current, { client_version: current.version, to_version: 1 + (round % 2) }),
      app.call('PATCH', pathOf(current), {
        as: 'bob',
        body: { client_version: current.version, changes: { serial: round } },
      }),
    ])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409])
    const written = answers.find(({ status }) => status === 200)?.body.data
    current = await read(current)
    expect(current).toEqual(written)
  }
})

const value = {
  name: fc.string({ minLength: 1, maxLength: 8, unit: 'grapheme-ascii' }),
  amount: fc.option(fc.integer({ min: -1e9, max: 1e9 }).map((cents) => cents / 100)),
  serial: fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String)),
  due: fc.option(fc.integer({ min: 0, max: 4e9 }).map((s) => new Date(s * 1000).toISOString())),
  tags: fc.option(fc.array(fc.string({ maxLength: 4, unit: 'grapheme-ascii' }), { maxLength: 3 })),
  terms: fc.option(fc.jsonValue({ maxDepth: 2, noUnicodeString: true })),
}
const history = fc.record({
  first: fc.record(value),
  saves: fc.array(fc.record(value, { requiredKeys: [] }), { minLength: 1, maxLength: 5 }),
  to: fc.nat(),
})

const SEED = Number(process.env.NOCLOBBER_SEED ?? 22)

test('of random histories: any version restored is as it was read, and undone it is as before, value by value', async () => {
  await fc.assert(
    fc.asyncProperty(history, async ({ first, saves, to }) => {
      const versions: WireRecord[] = [await app.make('contract', first)]
      for (const changes of saves) {
        const next = await save(versions.at(-1) as WireRecord, changes)
        if (next.version > versions.length) versions.push(next)
      }
      const before = versions.at(-1) as WireRecord
      const target = versions[to % versions.length] as WireRecord
      const restored = await restore(before, { client_version: before.version, to_version: target.version })
      expect(restored.status).toBe(200)
      expect(restored.body.data.fields).toEqual(target.fields)
      const { version } = restored.body.data
      const undone = await restore(before, { client_version: version, to_version: before.version })
      expect(undone.body.data.fields).toEqual(before.fields)
      const [row] = await app.sql(
        `select (select array_agg(c.version order by c.version) from noclobber.changes c where c.table_name = 'public.contracts'
          and c.record_id = ? and c.restored_from is not null)::text[] as named`,
        [before.id],
      )
      expect(row.named ?? []).toEqual(version > before.version ? [String(version), String(version + 1)] : [])
      const gone = undone.body.data.version
      expect((await app.call('DELETE', pathOf(before), { body: { client_version: gone } })).status).toBe(204)
      const back = await restore(before, { client_version: gone + 1 })
      expect(back.body.data).toMatchObject({ version: gone + 2, fields: before.fields })
    }),
    { numRuns: Number(process.env.NOCLOBBER_RESTORES ?? byRun({ short: 20, full: 60 })), seed: SEED },
  )
})
