// A stale save of values that the record has already is answered as saved: a retry without a mutation id whose first answer was
// lost, or two people who did the same. Nothing is written.
import { defineRecordType } from 'noclobber/server'
import { expect, test } from 'vitest'
import { type Person, startApp, TYPES } from '../../support/app.ts'

/** Permission depends on the record: it is read before anything is sent. */
const sample = defineRecordType<Person>('sample', {
  table: 'samples',
  fields: TYPES.find(({ name }) => name === 'sample')?.fields ?? {},
  can: ({ role }, _action, { fields }) => role === 'editor' && fields.code !== 'none',
})
const app = await startApp({ types: [...TYPES.filter(({ name }) => name !== 'sample'), sample] })
const { call, make, sql } = app

const save = (type: string, id: string, body: object, options: object = {}) =>
  call('PATCH', `/records/${type}/${id}`, { body, ...options })

/** A record, saved once by Bob, so that version 1 is stale. */
const changed = async (type: string, fields: object, changes: object) => {
  const { id } = await make(type, { ...(type === 'project' && { name: 'Quay' }), ...fields })
  const saved = await save(type, id, { client_version: 1, changes }, { as: 'bob' })
  expect([saved.status, saved.body.data.version]).toEqual([200, 2])
  return { id, record: saved.body.data }
}

const changesLogged = async (id: string) =>
  (await sql(`select count(*)::int as count from noclobber.changes where record_id = ?`, [id]))[0].count

test('it is 200 with the record as it is, by version and by If-Match; no version, no event', async () => {
  const { id, record } = await changed('project', {}, { status: 'active', budget: 12.5 })
  const watcher = await app.socket()
  await watcher.watch(['project', id])
  // Of the save that was before it, perhaps.
  await watcher.forget()
  const logged = await changesLogged(id)
  for (const changes of [{ status: 'active' }, { budget: 12.5, status: 'active' }, { name: 'Quay' }]) {
    const bodies = [
      { body: { client_version: 1, changes } },
      { body: { changes }, headers: { 'if-match': '"1"' } },
    ]
    for (const asked of bodies) {
      const answer = await call('PATCH', `/records/project/${id}`, asked)
      expect([answer.status, answer.headers.get('etag')]).toEqual([200, '"2"'])
      expect(answer.body).toEqual({ data: record })
    }
  }
  expect(await changesLogged(id)).toBe(logged)
  expect(await watcher.flushed()).toEqual([])
  const saved = await app.records.save('project', id, {
    actor: app.people.get('alice') as never,
    clientVersion: 1,
    changes: { status: 'active' },
  })
  expect(saved).toMatchObject({ outcome: 'saved', record: { version: 2 } })
})

test('one other value, no value, or a version that isn’t yet is a conflict as before', async () => {
  const { id } = await changed('project', {}, { status: 'active' })
  for (const changes of [{ status: 'done' }, { status: 'active', notes: 'x' }, { name: 'quay' }, {}]) {
    const stale = await save('project', id, { client_version: 1, changes })
    expect([stale.status, stale.body.code]).toEqual([409, 'stale_record'])
  }
  const early = await save('project', id, { client_version: 3, changes: { status: 'active' } })
  expect([early.status, early.body.current_version]).toEqual([409, 2])
  const overlapping = { client_version: 1, changes: { status: 'active' }, on_stale: 'merge' }
  expect((await save('project', id, overlapping)).status).toBe(200)
})

test('values are compared as the wire has them', async () => {
  const values = {
    amount: '12345678901234567890.5',
    whole: '9007199254740993',
    day: '2027-01-11',
    moment: '2027-01-11T10:00:00.5+01:00',
    local_time: '2027-01-11T10:00:00',
    document: { b: [1, null, '2'], a: { c: 1.5 } },
    ratio: 0.1,
    code: 'ab',
    label: 'Ä',
    days: ['2027-01-11', null],
  }
  const { id, record } = await changed('sample', {}, values)
  const asked = { ...values, document: { a: { c: 1.5 }, b: [1, null, '2'] } }
  for (const [name, value] of Object.entries(asked))
    for (const same of [value, record.fields[name]]) {
      const answer = await save('sample', id, { client_version: 1, changes: { [name]: same } })
      expect([name, answer.status, answer.body.data?.version]).toEqual([name, 200, 2])
    }
  const others = {
    ...{
      amount: '12345678901234567890.6',
      whole: '9007199254740992',
      day: '2027-01-12',
      document: { b: [1] },
    },
    ...{ moment: '2027-01-11T10:00:00.5Z', ratio: 0.2, code: 'AB', label: 'ä', days: [null, '2027-01-11'] },
  }
  for (const [name, other] of Object.entries({ ...others, local_time: null })) {
    const answer = await save('sample', id, { client_version: 1, changes: { [name]: other } })
    expect([name, answer.status]).toEqual([name, 409])
  }
  const { id: empty } = await changed('sample', { code: 'x' }, { code: null })
  const nulls = Object.fromEntries(Object.keys(values).map((name) => [name, null]))
  expect((await save('sample', empty, { client_version: 1, changes: nulls })).status).toBe(200)
})

test('permission and validity are asked as for any save', async () => {
  const { id } = await changed('project', {}, { status: 'active' })
  const body = { client_version: 1, changes: { status: 'active' } }
  const codes = async (as: string) => (await save('project', id, body, { as })).body.code
  expect([await codes('vera'), await codes('nobody'), await codes('gina')]).toEqual([
    'forbidden',
    'not_found',
    'not_found',
  ])
  const invalid = { client_version: 1, changes: { status: 'active', budget: 'much' } }
  expect((await save('project', id, invalid)).body.code).toBe('stale_record')
  await call('DELETE', `/records/project/${id}`, { body: { client_version: 2 } })
  expect((await save('project', id, body)).body.code).toBe('deleted')
})

test('a value that only the database refuses is one that the record doesn’t have, in a transaction too', async () => {
  const { id } = await changed('sample', {}, { amount: 2 })
  await app.knex.transaction(async (transaction) => {
    const outcome = await app.records.save('sample', id, {
      actor: app.people.get('alice') as never,
      ...{ clientVersion: 1, changes: { amount: 'two' }, transaction },
    })
    expect(outcome.outcome).toBe('conflict')
    expect((await transaction.raw('select 1 as one')).rows).toEqual([{ one: 1 }])
    const same = await app.records.save('sample', id, {
      actor: app.people.get('alice') as never,
      ...{ clientVersion: 1, changes: { amount: 2 }, transaction },
    })
    expect(same).toMatchObject({ outcome: 'saved', record: { version: 2 } })
  })
})

test('a mutation id keeps the answer: its replay gets it, however the record goes on', async () => {
  const { id } = await changed('project', {}, { status: 'active' })
  const body = { client_version: 1, changes: { status: 'active' }, mutation_id: `same ${id}` }
  const first = await save('project', id, body)
  expect([first.status, first.body.data.version]).toEqual([200, 2])
  await save('project', id, { client_version: 2, changes: { status: 'done' } }, { as: 'bob' })
  const replay = await save('project', id, body)
  expect([replay.status, replay.text]).toEqual([200, first.text])
  const other = await save('project', id, { ...body, changes: { status: 'planned' } })
  expect([other.status, other.body.code]).toEqual([409, 'mutation_reused'])
})

test('of a bulk edit each such record is saved as it is', async () => {
  const [same, stale] = [
    await changed('project', {}, { status: 'active' }),
    await changed('project', {}, { status: 'done' }),
  ]
  const fresh = await make('project', { name: 'Pier' })
  const asked = [same, stale, fresh].map(({ id }) => ({ id, client_version: 1 }))
  const edit = (records: object[], more = {}) =>
    call('PATCH', '/records/project', { body: { changes: { status: 'active' }, records, ...more } })
  const aborted = await edit(asked)
  expect(aborted.body.records.map(({ outcome }: { outcome: string }) => outcome)).toEqual([
    'held_back',
    'stale_record',
    'held_back',
  ])
  const skipped = await edit(asked, { on_stale: 'skip' })
  expect(skipped.body.data).toMatchObject([
    { outcome: 'saved', version: 2, updated_by: { id: 'bob' } },
    { outcome: 'stale_record' },
    { outcome: 'saved', version: 2, updated_by: { id: 'alice' } },
  ])
  const again = [same, fresh].map(({ id }) => ({ id, client_version: 1 }))
  for (const more of [{}, { mutation_id: `again ${fresh.id}` }]) {
    const whole = await edit(again, more)
    expect([whole.status, whole.body.data]).toMatchObject([
      200,
      [
        { outcome: 'saved', version: 2 },
        { outcome: 'saved', version: 2 },
      ],
    ])
  }
})
