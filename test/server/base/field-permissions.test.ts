// Fields that not everybody may see or write. Alice sees all of an employee, Bob neither salary nor memo and may not change the grade:
// for Bob there are no such fields, in any answer, event or request; nor does an answer depend on what is in them.

import { createRecordClient } from 'noclobber/client'
import { trackTable } from 'noclobber/migrations'
import { type Actor, defineRecordType } from 'noclobber/server'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { type Answer, type CallOptions, type Person, startApp, TYPES } from '../../support/app.ts'
import { openStream } from '../../support/app-stream.ts'
import { atEnd } from '../../support/at-end.ts'
import { createFastClock } from '../../support/clocks.ts'
import { seed, times, writeDown } from '../../support/figures.ts'
import { randomOf } from '../../support/random.ts'
import { waitFor } from '../../support/wait-for.ts'
import { withoutAge } from '../../support/without-age.ts'

const SECRET = 770_000
/** By the people's ids. */
const sees = new Set(['alice'])
const FIELDS = {
  name: z.string(),
  note: z.string().default(''),
  grade: { schema: z.number().nullable().optional(), write: ({ id }: Person) => sees.has(id) },
  salary: {
    schema: z.number().nullable().optional(),
    read: ({ id }: Person) => sees.has(id),
    write: ({ id }: Person) => id !== 'vera',
  },
  memo: { schema: z.string().nullable().optional(), read: ({ id }: Person) => sees.has(id) },
}
const can = ({ role }: Person, action: string) => role === 'editor' || action === 'read'
const employee = defineRecordType<Person>('employee', {
  table: 'employees',
  fields: FIELDS,
  history: 'values',
  search: ['name', 'memo'],
  merge: { text: ['note', 'memo'] },
  can,
})
/** Who may be read depends on the record, and on what its reader may not see. */
const contractor = defineRecordType<Person>('contractor', {
  table: 'contractors',
  fields: FIELDS,
  can: (person, action, { fields }) => can(person, action) && fields.memo !== 'not for anybody',
  rule: z.looseObject({}).refine(({ salary, note }) => Number(salary ?? 0) < 900_000 || note !== 'rich', {
    path: ['salary'],
    message: 'too much',
  }),
})
const app = await startApp({
  types: [...TYPES.filter(({ name }) => name === 'mark'), employee, contractor],
  limits: {
    recheckMs: 100,
    requestsPerPerson: Number.POSITIVE_INFINITY,
    requestsPerAddress: Number.POSITIVE_INFINITY,
  },
  prepare: async (knex) => {
    for (const table of ['employees', 'contractors']) {
      await knex.raw(
        `create table ${table} (id text primary key default gen_random_uuid()::text, tenant_id text not null, name text, note text,
          grade integer, salary numeric unique, memo text)`,
      )
      await trackTable(knex, table, {
        tenant: 'tenant_id',
        ...(table === 'employees' && { history: 'values' }),
      })
    }
  },
})

/** What Bob was answered or sent. */
let seen: string[] = []
const call = async (method: string, path: string, options: CallOptions = {}): Promise<Answer> => {
  const answer = await app.call(method, path, options)
  if (options.as === 'bob') seen.push(answer.text)
  return answer
}
const asBob = (method: string, path: string, body?: object, options: CallOptions = {}) =>
  call(method, path, { as: 'bob', ...(body && { body }), ...options })
afterEach(() => {
  const revealed = seen.filter((text) => /[:,[]"?77\d{4}|salary|memo/.test(text))
  seen = []
  sees.clear()
  sees.add('alice')
  expect(revealed).toEqual([])
})
let made = 0
const make = async (fields: object = {}, type = 'employee') => {
  made += 1
  const all = {
    name: `n ${made}`,
    note: 'a note',
    grade: 3,
    salary: SECRET + made,
    memo: `memo ${made}`,
    ...fields,
  }
  const { body, text } = await call('POST', `/records/${type}`, { body: { id: `e${made}`, fields: all } })
  expect(body.data?.fields, text).toEqual(all)
  return body.data
}
const raise = (id: string, client_version: number, changes: object) =>
  call('PATCH', `/records/employee/${id}`, { body: { client_version, changes } })

test('a record is read, saved and made without them, and says which may not be changed', async () => {
  const { id, fields, read_only, rights } = await make()
  expect(read_only).toEqual([])
  const { name, note, grade } = fields
  const read = await asBob('GET', `/records/employee/${id}`)
  expect(read.body.data).toMatchObject({ fields: { name, note, grade }, read_only: ['grade'], version: 1 })
  expect(read.body.data.rights).not.toBe(rights)
  const saved = await asBob('PATCH', `/records/employee/${id}`, {
    client_version: 1,
    changes: { note: 'mine' },
    mutation_id: `m ${id}`,
  })
  expect(saved.body.data.fields).toEqual({ name, note: 'mine', grade })
  const made = await asBob('POST', '/records/employee', { fields: { name: 'new' } })
  expect(made.body.data.fields).toEqual({ name: 'new', note: '', grade: null })
  const replay = await asBob('PATCH', `/records/employee/${id}`, {
    client_version: 1,
    changes: { note: 'mine' },
    mutation_id: `m ${id}`,
  })
  expect(replay.body.data).toEqual(saved.body.data)
  const refused = await asBob('PATCH', `/records/employee/${id}`, {
    client_version: 2,
    changes: { grade: 9 },
  })
  expect(refused.body.errors).toEqual([{ field: 'grade', message: 'can not be changed' }])
  expect(await app.sql('select salary::int, grade from employees where id = ?', [id])).toEqual([
    { salary: fields.salary, grade: 3 },
  ])
  // Who may write but not see may not write; Vera sees, and may not.
  sees.add('vera')
  const vera = await call('GET', `/records/employee/${id}`, { as: 'vera' })
  expect(vera.body.data).toMatchObject({ fields: { salary: fields.salary }, read_only: ['salary'] })
})

test('a first answer is given again without what has become unseen', async () => {
  const { id } = await make()
  sees.add('bob')
  const body = { client_version: 1, changes: { note: 'n' }, mutation_id: `again ${id}` }
  const first = await call('PATCH', `/records/employee/${id}`, { as: 'bob', body })
  const records = [{ id, client_version: 1 }]
  const many = { changes: { memo: 'memo' }, records, on_stale: 'skip', mutation_id: `many ${id}` }
  const bulk = await call('PATCH', '/records/employee', { as: 'bob', body: many })
  seen = []
  expect(first.body.data.fields.salary).toBe(SECRET + made)
  expect(bulk.body.data[0].current.fields.salary).toBe(SECRET + made)
  sees.delete('bob')
  expect((await asBob('PATCH', `/records/employee/${id}`, body)).body.data.fields).toEqual({
    name: first.body.data.fields.name,
    note: 'n',
    grade: 3,
  })
  // The same request names what is no field any more.
  await asBob('PATCH', '/records/employee', many)
  seen[seen.length - 1] = (seen.at(-1) as string).replace('"field":"memo"', '').replace('memo:', '')
})

test('conflicts, histories, earlier versions and the feed name only what is seen', async () => {
  const { id } = await make()
  const { cursor } = (await asBob('GET', '/changes')).body
  await raise(id, 1, { salary: SECRET + 1_000 + made })
  const stale = await asBob('PATCH', `/records/employee/${id}`, { client_version: 1, changes: { note: 'x' } })
  expect(stale.body).toMatchObject({ code: 'stale_record', changed_fields: [], merge: { text: ['note'] } })
  expect(Object.keys(stale.body.current.fields)).toEqual(['name', 'note', 'grade'])
  const bulk = await asBob('PATCH', '/records/employee', {
    changes: { note: 'x' },
    records: [{ id, client_version: 1 }],
    on_stale: 'skip',
  })
  expect(bulk.body.data[0]).toMatchObject({ outcome: 'stale_record', changed_fields: [] })
  const merged = await asBob('PATCH', `/records/employee/${id}`, {
    ...{ client_version: 1, changes: { note: 'merged' } },
    ...{ on_stale: 'merge', base: { note: 'a note' } },
  })
  expect(merged.body).toMatchObject({ data: { version: 3 }, merged_fields: [] })
  const { data: history } = (await asBob('GET', `/records/employee/${id}/history`)).body
  expect(
    history.map(({ changed_fields, values }: Record<string, unknown>) => [changed_fields, values]),
  ).toEqual([
    [['note'], { note: ['a note', 'merged'] }],
    [[], {}],
    [[], expect.not.objectContaining({ salary: expect.anything() })],
  ])
  const { data: changes } = (await asBob('GET', `/changes?cursor=${cursor}`)).body
  expect(changes.map(({ changed_fields }: Record<string, unknown>) => changed_fields)).toEqual([[], ['note']])
  const past = await asBob('GET', `/records/employee/${id}?version=1`)
  expect(Object.keys(past.body.data.fields)).toEqual(['name', 'note', 'grade'])
  // In a browser that still has what Alice was answered: a 304 would show it to Bob.
  const cached = { headers: { 'if-none-match': '"1"' } }
  for (const query of ['?version=1', ''])
    expect((await call('GET', `/records/employee/${id}${query}`, { as: 'bob', ...cached })).status).toBe(200)
  const restored = await asBob('POST', `/records/employee/${id}/restore`, {
    client_version: 3,
    to_version: 1,
  })
  expect(restored.body.data).toMatchObject({ version: 4, fields: { note: 'a note' } })
  expect(await app.sql('select salary::int from employees where id = ?', [id])).toEqual([
    { salary: SECRET + 1_000 + made },
  ])
  await call('DELETE', `/records/employee/${id}`, { headers: { 'if-match': '"4"' } })
  const { data: gone } = (await asBob('GET', `/changes?cursor=${cursor}`)).body
  expect(Object.keys(gone.at(-1).values)).toEqual(['name', 'note', 'grade'])
})

test('an event names what each receiver sees, on sockets and streams', async () => {
  const { id } = await make()
  const [alice, bob, stream] = [
    await app.socket(),
    await app.socket({ as: 'bob' }),
    await openStream(app.origin, `record=employee:${id}&list=employee`, { as: 'bob' }),
  ]
  for (const watcher of [alice, bob]) {
    await watcher.watch(['employee', id])
    await watcher.watchList('employee')
  }
  await raise(id, 1, { salary: SECRET + 2_000 + made, note: 'x' })
  await raise(id, 2, { memo: 'of nobody else' })
  for (const version of [2, 3]) {
    const fields = version === 2 ? [['note', 'salary'], ['note']] : [['memo'], []]
    expect((await alice.receives('RecordUpdated', { id, version })).changed_fields.sort()).toEqual(fields[0])
    for (const watcher of [bob, stream])
      expect((await watcher.receives('RecordUpdated', { id, version })).changed_fields).toEqual(fields[1])
  }
  await alice.ask('presence', { type: 'employee', id, state: 'editing', field: 'salary' })
  const { people } = await bob.receives('PresenceChanged', { id })
  expect(people).toMatchObject([{ user: { id: 'alice' }, field: null }])
  const answer = await bob.ask('presence', { type: 'employee', id, state: 'editing', field: 'salary' })
  expect(answer.people.map(({ field }: { field: null }) => field)).toEqual([null, null])
  const note = { client_version: 3, changes: { note: 'proposed' } }
  const path = `/records/employee/${id}/proposals`
  await call('POST', path, { body: { ...note, changes: { note: 'p', salary: SECRET } } })
  await call('POST', path, { body: note })
  await bob.receives('ProposalCreated', { id })
  const { data: proposals } = (await asBob('GET', path)).body
  expect(proposals.map(({ changes }: { changes: object }) => changes)).toEqual([{ note: 'proposed' }])
  const [, theirs] = (await call('GET', path)).body.data
  expect(theirs.changes).toMatchObject({ salary: SECRET })
  const accepted = await asBob('POST', `${path}/${theirs.id}/accept`, { client_version: 3 })
  expect(accepted.status).toBe(404)
  await bob.flushed()
  seen.push(JSON.stringify(bob.received), stream.text())
})

test('lists are not filtered, sorted, searched or counted by them, and a page ends where what is shown ends', async () => {
  const wide = 'w'.repeat(300_000)
  for (let n = 0; n < 15; n += 1) await make({ name: 'wide', memo: n < 14 ? wide : null, note: 'wide' })
  const found = await asBob('GET', '/records/employee?name=wide&limit=15&count=exact')
  expect([found.body.data.length, found.body.next, found.body.count]).toEqual([15, null, 15])
  expect((await call('GET', '/records/employee?name=wide&limit=15')).body.data.length).toBeLessThan(15)
  await make({ name: 'plain', memo: 'needle' })
  expect((await asBob('GET', '/records/employee?search=needle&count=exact')).body).toMatchObject({
    data: [],
    count: 0,
  })
  expect((await call('GET', '/records/employee?search=needle')).body.data).toHaveLength(1)
  for (const query of [
    'filter[salary][gt]=1',
    'salary=1',
    'sort=-salary',
    'filter[or][0][salary]=1',
    'filter[memo][null]=true',
  ]) {
    const named = await asBob('GET', `/records/employee?${query}`)
    const unknown = await asBob('GET', `/records/employee?${query.replace(/salary|memo/, 'zalary')}`)
    expect(named.status).toBe(400)
    expect(named.text.replace(/salary|memo/g, 'zalary')).toBe(unknown.text)
    seen = []
  }
  const document = (await asBob('GET', '/openapi.json')).text
  expect(document).toContain('"grade"')
  expect((await call('GET', '/openapi.json')).text).toContain('"salary"')
})

test('a file that names one is refused as for an unknown column', async () => {
  const csv = (name: string, key = '') =>
    call('POST', `/records/employee/import${key}`, {
      as: 'bob',
      text: `name,${name}\nx,1\n`,
      headers: { 'content-type': 'text/csv' },
    })
  const [named, unknown] = [await csv('salary'), await csv('zalary')]
  expect(named.status).toBe(422)
  expect(named.text.replaceAll('salary', 'zalary')).toBe(unknown.text)
  const [byIt, byNone] = [await csv('salary', '?key=salary'), await csv('zalary', '?key=zalary')]
  expect(byIt.text).toBe(byNone.text)
  seen = []
})

test('a rule sees the whole record, and says nothing of what the writer may not see', async () => {
  const { id } = await make({ salary: 950_000 }, 'contractor')
  const refused = await asBob('PATCH', `/records/contractor/${id}`, {
    client_version: 1,
    changes: { note: 'rich' },
  })
  expect(refused.body.errors).toEqual([
    { field: '', message: 'These values do not fit the rest of the record.' },
  ])
  const mine = await call('PATCH', `/records/contractor/${id}`, {
    body: { client_version: 1, changes: { note: 'rich' } },
  })
  expect(mine.body.errors).toEqual([{ field: 'salary', message: 'too much' }])
  await app.sql(`update contractors set salary = 1, memo = 'not for anybody' where id = ?`, [id])
  expect((await asBob('GET', `/records/contractor/${id}`)).status).toBe(404)
  expect((await asBob('GET', '/records/contractor')).body.data).toEqual([])
})

test('who comes to see other fields asks again: sockets, lists, polled versions', async () => {
  const { id, version } = await make()
  const bob = await app.socket({ as: 'bob' })
  const { records } = await bob.watch(['employee', id])
  const { cursor } = await bob.watchList('employee')
  expect((await bob.ask('watch', { lists: [{ type: 'employee', cursor }] })).lists[0].behind).toBe(false)
  const [{ rights }] = records
  expect((await asBob('GET', `/records/employee/${id}`)).body.data.rights).toBe(rights)
  const held = { records: [{ type: 'employee', id, version, rights }] }
  expect((await asBob('POST', '/records/versions', held)).body.data).toEqual([])
  await bob.forget()
  sees.add('bob')
  await bob.receives('Resync')
  const again = await bob.ask('watch', {
    records: [{ type: 'employee', id, version }],
    lists: [{ type: 'employee', cursor }],
  })
  expect(again.records[0].rights).not.toBe(rights)
  expect(again.lists[0].behind).toBe(true)
  const { body } = await asBob('POST', '/records/versions', held)
  expect(body.data).toMatchObject([{ id, version, rights: again.records[0].rights }])
  const delta = await asBob('GET', `/records/employee?cursor=${cursor}`)
  expect(delta.body.reset).toBe(true)
  expect(delta.text).toContain('salary')
  seen = []
})

test.each([
  ['over a socket', {}],
  ['polling', { transports: [] }],
])('a page shows what its person may see now, %s, and keeps what is typed', async (_, options) => {
  const { id } = await make()
  const url = `${app.origin}/api/v1`
  const client = createRecordClient({ url, token: () => 'bob', clock: createFastClock(), ...options })
  atEnd(client.close)
  const editor = client.editor('employee', id)
  editor.subscribe(() => {})
  const shows = (isThere: boolean) =>
    waitFor(() => editor.get().record && 'salary' in (editor.get().record?.fields ?? {}) === isThere, {
      what: `a salary: ${isThere}`,
    })
  await shows(false)
  editor.change('note', 'typed')
  sees.add('bob')
  await shows(true)
  sees.delete('bob')
  await shows(false)
  expect(editor.get()).toMatchObject({
    status: 'dirty',
    draft: { note: 'typed' },
    record: { read_only: ['grade'] },
  })
  // Nothing was changed that Bob sees: the save goes over it.
  await raise(id, 1, { salary: SECRET + 3_000 + made })
  expect(await editor.save()).toMatchObject({ outcome: 'saved', record: { version: 3 } })
})

test.each([
  [{ openFields: ['salary'] }, /not everybody sees salary/],
  [{ importKey: 'salary' }, /not everybody sees salary/],
])('%o is refused', (options, message) => {
  expect(() => defineRecordType('odd', { table: 'employees', fields: FIELDS, ...options })).toThrow(message)
})

const throwing = (_: Actor): boolean => {
  throw new Error('no')
}
test('what a permission throws, or promises, is a no', async () => {
  const odd = defineRecordType<Person>('odd', {
    table: 'employees',
    fields: {
      name: { schema: z.string(), read: throwing },
      // @ts-expect-error A promise is no answer.
      note: { schema: z.string(), read: async () => true },
      grade: { schema: z.any(), write: () => true },
    },
  })
  const other = await startApp({ database: app.database, types: [odd] })
  const { id } = await make()
  expect((await other.call('GET', `/records/odd/${id}`)).body.data.fields).toEqual({ grade: 3 })
})

const ATTEMPTS = Number(process.env.NOCLOBBER_ATTEMPTS ?? times(60, 20_000))
/** A test that is tried again has tenants of its own. */
let tries = 0

test(`${ATTEMPTS} attempts to learn of a field that one may not see`, async () => {
  // Two tenants whose records differ in nothing but what Bob may not see. Bob is in both, and each answer must be the same.
  const random = randomOf(Number(process.env.NOCLOBBER_SEED ?? seed))
  tries += 1
  const TENANTS = [`left${tries}`, `twin${tries}`] as const
  const [left, twin] = TENANTS
  for (const tenantId of TENANTS)
    app.people.set(`bob ${tenantId}`.replace(' ', '-'), { id: 'bob', name: 'Bob', tenantId, role: 'editor' })
  const idOf = (tenant: string, n: number) => `${tenant}-${n}`
  const count = 6
  const unseen = () => ({
    // Always another: that something was changed the version says.
    salary: random.below(random.pick([10, 1_000_000_000])) + random(),
    memo: random() < 0.2 ? null : 'm'.repeat(random.below(random() < 0.2 ? 20_000 : 20)),
  })
  const set = (
    table: string,
    tenant: string,
    n: number,
    { salary, memo }: ReturnType<typeof unseen>,
    more = '',
  ) =>
    app.sql(`update ${table} set salary = ?, memo = ?${more} where id = ?`, [salary, memo, idOf(tenant, n)])
  for (const table of ['employees', 'contractors'])
    for (let n = 0; n < count; n += 1)
      for (const tenant of TENANTS) {
        await app.sql(`insert into ${table} (id, tenant_id, name, note, grade) values (?, ?, ?, 'n', ?)`, [
          ...[idOf(tenant, n), tenant, `name ${n % 3}`, n],
        ])
        await set(table, tenant, n, unseen())
      }
  const watchers = await Promise.all(
    TENANTS.map(async (tenant) => {
      const watcher = await app.socket({ as: `bob-${tenant}` })
      for (const type of ['employee', 'contractor']) {
        await watcher.watchList(type)
        await watcher.watch([type, idOf(tenant, 0)])
      }
      return watcher
    }),
  )
  // A creation may be sent only now, by the feed.
  for (const watcher of watchers) await watcher.forget()
  const since = (await app.call('GET', '/changes')).body.cursor
  /** What is the same in both worlds, and differs by nothing but chance or the clock. */
  const plain = (text: string, tenant: string) =>
    withoutAge(text)
      .replaceAll(tenant, 'TENANT')
      .replace(/"(updated_at|proposed_at|decided_at)":"[^"]*"/g, '"$1":""')
      .replace(/"(cursor|next)":"([^"]*)"/g, (_, name, value) => `"${name}":"${value.length}"`)
      .replace(/"(import_id|proposal_id)":"[^"]*"/g, '"$1":""')
      .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'UUID')

  const attempt = (): [method: string, path: string, body?: unknown, csv?: boolean] => {
    const type = random.pick(['employee', 'contractor'])
    const field = random.pick(['salary', 'memo'])
    const id = idOf('TENANT', random.below(count))
    const value = random.pick<unknown>([null, 1, random.below(1_000_000_000), 'm', 'mmmm', '', {}])
    const operator = random.pick(['', '[ne]', '[lt]', '[gte]', '[in]', '[contains]', '[null]'])
    const client_version = random.pick([1, 2, 3, 99])
    const changes = { [field]: value, ...(random() < 0.5 && { note: 'x' }) }
    const filter = `filter[${field}]${operator}=${encodeURIComponent(String(value))}`
    const list = `/records/${type}?count=exact&limit=${random.pick([1, 2, 100])}`
    return random.pick<[string, string, unknown?, boolean?]>([
      ['GET', `/records/${type}/${id}`],
      ['GET', `/records/${type}/${id}/history`],
      ['GET', `/records/${type}/${id}?version=${client_version}`],
      ['GET', `${list}&sort=${random.pick(['', '-'])}${random.pick(['name', 'note', 'grade', field])}`],
      ['GET', `${list}&${filter}`],
      ['GET', `${list}&name=name 1&${filter}`],
      ['GET', `${list}&search=${random.pick(['m', 'mm', 'name', '7'])}`],
      ['GET', `${list}&filter[or][0][${field}]=1&filter[or][1][name]=name 2`],
      ['GET', `/changes?cursor=start&type=${type}&limit=${random.pick([1, 5, 100])}`],
      ['PATCH', `/records/${type}/${id}`, { client_version, changes }],
      [
        'PATCH',
        `/records/${type}/${id}`,
        { client_version, changes, on_stale: 'merge', base: { [field]: 'm' } },
      ],
      [
        'PATCH',
        `/records/${type}`,
        { changes, records: [{ id, client_version }], on_stale: random.pick(['abort', 'skip']) },
      ],
      ['PATCH', `/records/${type}/${id}`, { client_version: 1, changes: { note: random.pick(['n', 'y']) } }],
      ['POST', `/records/${type}`, { id: 'TENANT-0', fields: { name: 'taken', ...changes } }],
      ['POST', `/records/${type}/${id}/restore`, { client_version, to_version: 1, fields: [field] }],
      ['POST', `/records/${type}/${id}/proposals`, { client_version, changes }],
      ['GET', `/records/${type}/${id}/proposals`],
      ['POST', '/records/versions', { records: [{ type, id, version: client_version }] }],
      ['POST', '/changes/count', { since: [{ type, cursor: 'SINCE' }], most: random.pick([1, 3, 99]) }],
      ['POST', `/records/${type}/${id}/presence`, { state: 'editing', field }],
      ['POST', `/records/${type}/import`, `name,${field}\nx,${value}\n`, true],
      ['POST', `/records/${type}/import?key=${field}`, `name,${field}\nx,${value}\n`, true],
      ['GET', '/openapi.json'],
    ])
  }
  const ask = async (
    tenant: string,
    [method, path, body, csv]: ReturnType<typeof attempt>,
    swap = (text: string) => text,
  ) => {
    const text = body === undefined ? undefined : csv ? String(body) : JSON.stringify(body)
    const at = (value: string) => swap(value.replaceAll('TENANT', tenant).replace('SINCE', since))
    const { status, text: answer } = await app.call(method, at(path), {
      as: `bob-${tenant}`,
      ...(text !== undefined && { text: at(text) }),
      headers: { 'x-tab-id': 'tab', ...(csv && { 'content-type': 'text/csv' }) },
    })
    return plain(`${status} ${answer}`, tenant)
  }
  const toUnknown = (text: string) => text.replaceAll('salary', 'zalary').replaceAll('memo', 'zemo')
  for (let n = 0; n < ATTEMPTS; n += 1) {
    if (n % 5 === 0) {
      const table = random.pick(['employees', 'contractors'])
      const at = random.below(count)
      const more = random() < 0.5 ? `, note = 'n${n}'` : ''
      for (const tenant of TENANTS) await set(table, tenant, at, unseen(), more)
    }
    const what = attempt()
    const [here, there] = [await ask(left, what), await ask(twin, what)]
    expect(here, `seed ${seed}, attempt ${n}: ${JSON.stringify(what)}`).toBe(there)
    if (/salary|memo/.test(JSON.stringify(what)))
      expect(toUnknown(here), `seed ${seed}, attempt ${n}: ${JSON.stringify(what)}`).toBe(
        await ask(left, what, toUnknown),
      )
  }
  const [mine, twins] = await Promise.all(
    watchers.map(async (watcher, at) => {
      await watcher.flushed()
      const events = watcher.received.map((one) => plain(JSON.stringify(one), TENANTS[at] as string))
      return events.filter((text) => !/PresenceChanged/.test(text)).sort()
    }),
  )
  expect(mine).toEqual(twins)
  expect(mine?.join()).not.toMatch(/salary|memo/)
  writeDown('a field that may not be seen, by value, name, order or count', `0 of ${ATTEMPTS} attempts`)
}, 3_600_000)
