// The contract of one record over plain HTTP: every status, header and document.
import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { startApp, type TestApp } from '../../support/app.ts'

const app: TestApp = await startApp()
const { call, make, sql } = app
const MICROS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/
const ALICE = { id: 'alice', name: 'Alice', kind: 'user' }
const BOB = { id: 'bob', name: 'Bob', kind: 'user' }

const project = (name = 'Harbour bridge') => make('project', { name })
const save = (id: string, client_version: unknown, changes: object, options: object = {}) =>
  call('PATCH', `/records/project/${id}`, { body: { client_version, changes }, ...options })

const expectProblem = (
  answer: Awaited<ReturnType<typeof call>>,
  status: number,
  code: string,
  more: object = {},
) => {
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  expect(answer.status).toBe(status)
  expect(answer.body).toMatchObject({
    type: `urn:noclobber:${code.replaceAll('_', '-')}`,
    title: expect.any(String),
    detail: expect.any(String),
    status,
    code,
    ...more,
  })
}

describe('create', () => {
  test('answers 201 with the record, its address and its version', async () => {
    const made = await call('POST', '/records/project', { body: { fields: { name: 'Pier' } } })
    expect(made.status).toBe(201)
    const { id } = made.body.data
    expect(made.headers.get('location')).toBe(`/api/v1/records/project/${id}`)
    expect(made.headers.get('etag')).toBe('"1"')
    expect(made.body.data).toEqual({
      type: 'project',
      id: expect.stringMatching(/^\d+$/),
      version: 1,
      updated_at: expect.stringMatching(MICROS),
      updated_by: ALICE,
      fields: { name: 'Pier', status: 'planned', starts_on: null, budget: null, notes: '' },
    })
    const read = await call('GET', made.headers.get('location')?.replace('/api/v1', '') ?? '')
    expect(read.body).toEqual(made.body)
  })

  test('takes the tenant from the session', async () => {
    const { id } = await make('project', { name: 'Tower' }, 'gina')
    expect(await sql('select tenant_id from projects where id = ?', [id])).toEqual([{ tenant_id: 'globex' }])
  })

  test('takes an id for a uuid and a text key, and none for a number', async () => {
    const id = randomUUID()
    const note = await call('POST', '/records/note', {
      body: { id: id.toUpperCase(), fields: { owner: 'alice' } },
    })
    expect(note.body.data.id).toBe(id)
    const tag = await call('POST', '/records/tag', { body: { id: 'a/b ü', fields: { label: 'x' } } })
    expect(tag.headers.get('location')).toBe('/api/v1/records/tag/a%2Fb%20%C3%BC')
    expect((await call('GET', '/records/tag/a%2Fb%20%C3%BC')).body.data.id).toBe('a/b ü')
    const task = await call('POST', '/records/task', {
      body: { id: '7', fields: { project_id: 1, title: 'x' } },
    })
    expectProblem(task, 422, 'invalid', { errors: [{ field: 'id', message: expect.any(String) }] })
  })

  test('refuses an id that is taken', async () => {
    const id = randomUUID()
    const body = { id, fields: { owner: 'alice' } }
    expect((await call('POST', '/records/note', { body })).status).toBe(201)
    expectProblem(await call('POST', '/records/note', { body }), 422, 'invalid')
  })

  test('names each field that is missing or wrong', async () => {
    const answer = await call('POST', '/records/project', {
      body: { fields: { status: 'gone', colour: 'red', id: 4, tenant_id: 'globex', version: 9 } },
    })
    expectProblem(answer, 422, 'invalid')
    const fields = answer.body.errors.map(({ field }: { field: string }) => field).sort()
    expect(fields).toEqual(['colour', 'id', 'name', 'status', 'tenant_id', 'version'])
  })

  test('is authorized by the values that will be stored', async () => {
    const note = await call('POST', '/records/note', { body: { fields: { owner: '  alice ' } } })
    expect(note.body.data.fields.owner).toBe('alice')
    const foreign = await call('POST', '/records/note', { body: { fields: { owner: ' bob' } } })
    expectProblem(foreign, 403, 'forbidden')
  })
})

describe('read', () => {
  test('answers 304 while the version holds', async () => {
    const { id } = await project()
    for (const tag of ['"1"', 'W/"1"', '"0", "1"', '*']) {
      const fresh = await call('GET', `/records/project/${id}`, { headers: { 'if-none-match': tag } })
      expect([tag, fresh.status, fresh.text, fresh.headers.get('etag')]).toEqual([tag, 304, '', '"1"'])
    }
    await save(id, 1, { notes: 'changed' })
    const changed = await call('GET', `/records/project/${id}`, { headers: { 'if-none-match': '"1"' } })
    expect([changed.status, changed.headers.get('etag')]).toEqual([200, '"2"'])
  })

  test('shows declared fields alone, and lets nobody else keep the answer', async () => {
    const { id } = await project()
    const read = await call('GET', `/records/project/${id}`)
    expect(read.text).not.toContain('unseen')
    expect(read.headers.get('cache-control')).toContain('private')
  })

  test('answers 410 with who and when after a deletion', async () => {
    const { id } = await project()
    await call('DELETE', `/records/project/${id}`, { as: 'bob', body: { client_version: 1 } })
    const gone = await call('GET', `/records/project/${id}`)
    expectProblem(gone, 410, 'deleted', {
      version: 2,
      updated_at: expect.stringMatching(MICROS),
      updated_by: BOB,
      detail: 'Bob deleted this record.',
    })
  })

  test('answers 401 to nobody, 404 to a type or id that is none', async () => {
    expectProblem(await call('GET', '/records/project/1', { as: null }), 401, 'unauthenticated')
    for (const path of ['/records/nothing/1', '/records/project/x', '/records/project/999999', '/records']) {
      expectProblem(await call('GET', path), 404, 'not_found')
    }
  })
})

describe('save', () => {
  test('makes the next version, and answers with the record', async () => {
    const { id } = await project()
    const saved = await save(id, 1, { name: 'Quay' }, { as: 'bob' })
    expect([saved.status, saved.headers.get('etag')]).toEqual([200, '"2"'])
    expect(saved.body.data).toMatchObject({ version: 2, updated_by: BOB, fields: { name: 'Quay' } })
    expect(Object.keys(saved.body)).toEqual(['data'])
  })

  test('is refused when stale, with all that an editor needs', async () => {
    const { id } = await project()
    await save(id, 1, { name: 'Quay' }, { as: 'bob' })
    await save(id, 2, { status: 'active' }, { as: 'bob' })
    const stale = await save(id, 1, { name: 'Mole' })
    const { data: current } = (await call('GET', `/records/project/${id}`)).body
    expectProblem(stale, 409, 'stale_record', {
      title: 'The record has changed',
      detail: 'Bob saved version 3 while you were editing version 1.',
      client_version: 1,
      current_version: 3,
      changed_fields: ['name', 'status'],
      updated_at: current.updated_at,
      updated_by: BOB,
      current,
    })
    expect(current.fields.name).toBe('Quay')
    expect(stale.headers.get('etag')).toBe('"3"')
  })

  test('made stale by an earlier save of one’s own says so', async () => {
    const { id } = await project()
    await save(id, 1, { name: 'Quay' })
    expectProblem(await save(id, 1, { name: 'Mole' }), 409, 'stale_record', {
      detail: 'You saved version 2 with another request: take the version from its answer.',
      client_version: 1,
      current_version: 2,
    })
  })

  test('by If-Match is refused with 412, and needs no version in the body', async () => {
    const { id } = await project()
    const byHeader = (tag: string, name: string) =>
      call('PATCH', `/records/project/${id}`, {
        body: { changes: { name } },
        headers: { 'if-match': tag },
      })
    expect((await byHeader('"1"', 'Quay')).body.data.version).toBe(2)
    expectProblem(await byHeader('"1"', 'Mole'), 412, 'stale_record', {
      client_version: 1,
      current_version: 2,
    })
  })

  test('without a version is 428', async () => {
    const { id } = await project()
    const answer = await call('PATCH', `/records/project/${id}`, { body: { changes: { name: 'x' } } })
    expectProblem(answer, 428, 'version_required')
  })

  test('of what is there already makes no version', async () => {
    const { id } = await project('Same')
    expect((await save(id, 1, { name: 'Same' })).body.data.version).toBe(1)
    expect((await save(id, 1, {})).body.data.version).toBe(1)
    expectProblem(await save(id, 2, {}), 409, 'stale_record')
  })

  test('merges where nobody else changed the same fields', async () => {
    const { id } = await project()
    await save(id, 1, { status: 'active' }, { as: 'bob' })
    const body = (changes: object) => ({ body: { client_version: 1, changes, on_stale: 'merge' } })
    const merged = await call('PATCH', `/records/project/${id}`, body({ name: 'Mole' }))
    expect([merged.status, merged.body.data.version]).toEqual([200, 3])
    expect(merged.body.merged_fields).toEqual(['status'])
    const overlapping = await call('PATCH', `/records/project/${id}`, body({ status: 'done' }))
    expectProblem(overlapping, 409, 'stale_record', { changed_fields: ['name', 'status'] })
  })

  test('by somebody who may only read is 403', async () => {
    const { id } = await project()
    expectProblem(await save(id, 1, { name: 'x' }, { as: 'vera' }), 403, 'forbidden')
    expectProblem(await save(id, 9, { name: 'x' }, { as: 'vera' }), 403, 'forbidden')
    const created = await call('POST', '/records/project', { as: 'vera', body: { fields: { name: 'x' } } })
    expectProblem(created, 403, 'forbidden')
    const removed = await call('DELETE', `/records/project/${id}`, {
      as: 'vera',
      body: { client_version: 1 },
    })
    expectProblem(removed, 403, 'forbidden')
  })

  test('of values that only the database refuses is 422, and names the field', async () => {
    const { id } = await make('sample', { amount: 1, label: 'taken' })
    const refused = async (changes: object) => {
      const answer = await call('PATCH', `/records/sample/${id}`, { body: { client_version: 1, changes } })
      expectProblem(answer, 422, 'invalid')
      return answer.body.errors[0].field
    }
    expect(await refused({ amount: 'lots' })).toBe('amount')
    expect(await refused({ day: '2026-02-30' })).toBe('day')
    expect(await refused({ whole: '9223372036854775808' })).toBe('whole')
    expect(await refused({ code: 'far too long' })).toBe('code')
    expect(await refused({ label: Array.from({ length: 9_000 }, Math.random).join('') })).toBe('label')
    const other = await make('sample', {})
    const taken = await call('PATCH', `/records/sample/${other.id}`, {
      body: { client_version: 1, changes: { label: 'taken', amount: 2 } },
    })
    expectProblem(taken, 422, 'invalid', { errors: [{ field: 'label', message: 'is taken already' }] })
    expect((await call('GET', `/records/sample/${other.id}`)).body.data).toMatchObject({
      version: 1,
      fields: { amount: null },
    })
  })
})

describe('delete', () => {
  test('answers 204 by body and by If-Match, and is guarded', async () => {
    const { id } = await project()
    await save(id, 1, { name: 'x' })
    const path = `/records/project/${id}`
    expectProblem(await call('DELETE', path), 428, 'version_required')
    expectProblem(await call('DELETE', path, { body: { client_version: 1 } }), 409, 'stale_record')
    expectProblem(await call('DELETE', path, { headers: { 'if-match': '"1"' } }), 412, 'stale_record')
    const removed = await call('DELETE', path, { headers: { 'if-match': '"2"' } })
    expect([removed.status, removed.text]).toEqual([204, ''])
    expectProblem(await call('DELETE', path, { body: { client_version: 3 } }), 410, 'deleted', { version: 3 })
    expectProblem(await save(id, 2, { name: 'y' }), 410, 'deleted')
  })
})

describe('version and history', () => {
  test('agree with the record, through its deletion', async () => {
    const { id } = await project()
    const saved = (await save(id, 1, { name: 'x', status: 'active' }, { as: 'bob' })).body.data
    const version = await call('GET', `/records/project/${id}/version`)
    expect(version.headers.get('etag')).toBe('"2"')
    expect(version.body.data).toEqual({
      version: 2,
      updated_at: saved.updated_at,
      updated_by_name: 'Bob',
      deleted: false,
    })
    const fresh = { headers: { 'if-none-match': '"2"' } }
    expect((await call('GET', `/records/project/${id}/version`, fresh)).status).toBe(304)

    await call('DELETE', `/records/project/${id}`, { body: { client_version: 2 } })
    const gone = await call('GET', `/records/project/${id}/version`, fresh)
    expect([gone.status, gone.headers.get('etag')]).toEqual([200, '"3"'])
    expect(gone.body.data).toMatchObject({ version: 3, deleted: true, updated_by_name: 'Alice' })

    const history = await call('GET', `/records/project/${id}/history`)
    expect(history.body.next).toBeNull()
    expect(history.body.data).toMatchObject([
      { version: 3, event: 'deleted', updated_by: ALICE, changed_fields: [] },
      { version: 2, event: 'updated', updated_by: BOB, changed_fields: ['name', 'status'] },
      { version: 1, event: 'created', updated_by: ALICE, changed_fields: [] },
    ])
    expect(history.body.data[1].updated_at).toBe(saved.updated_at)
  })

  test('history comes in pages, and never names what the type does not declare', async () => {
    const { id } = await project()
    await sql(`update projects set secret = 'other' where id = ?`, [id])
    await save(id, 2, { name: 'x' })
    const first = await call('GET', `/records/project/${id}/history?limit=2`)
    expect(first.body.data.map(({ version }: { version: number }) => version)).toEqual([3, 2])
    expect(first.body.data[1]).toMatchObject({ changed_fields: [], updated_by: { kind: 'database' } })
    const second = await call('GET', `/records/project/${id}/history?limit=2&before=${first.body.next}`)
    expect(second.body).toMatchObject({ data: [{ version: 1 }], next: null })
    for (const query of ['limit=0', 'limit=501', 'limit=x', 'before=-1', 'limit=1&limit=2']) {
      expectProblem(await call('GET', `/records/project/${id}/history?${query}`), 400, 'malformed')
    }
  })

  test('many versions at once answer what differs, is gone or may not be read', async () => {
    const [same, newer, deleted] = [await project(), await project(), await project()]
    const foreign = await make('project', { name: 'x' }, 'gina')
    await save(newer.id, 1, { name: 'x' })
    await call('DELETE', `/records/project/${deleted.id}`, { body: { client_version: 1 } })
    const records = [same.id, newer.id, deleted.id, foreign.id, '99999999', 'x'].map((id) => ({
      type: 'project',
      id,
      version: 1,
    }))
    const answer = await call('POST', '/records/versions', { body: { records } })
    const absent = { version: null, updated_at: null, updated_by: null, deleted: false }
    const byId = new Map(answer.body.data.map((entry: { id: string }) => [entry.id, entry]))
    expect(byId.get(same.id)).toBeUndefined()
    expect(byId.get(newer.id)).toMatchObject({ version: 2, deleted: false, updated_by: ALICE })
    expect(byId.get(deleted.id)).toMatchObject({ version: 2, deleted: true })
    for (const id of [foreign.id, '99999999', 'x']) {
      expect(byId.get(id)).toEqual({ type: 'project', id, ...absent })
    }
    const many = Array.from({ length: 501 }, () => records[0])
    for (const odd of [null, {}, 'x', [null], [{ type: 'project' }], many]) {
      expectProblem(await call('POST', '/records/versions', { body: { records: odd } }), 400, 'malformed')
    }
  })
})

describe('a mutation id', () => {
  const withId = (mutation_id: string, id: string, client_version: number, name: string, as = 'alice') =>
    call('PATCH', `/records/project/${id}`, { as, body: { client_version, changes: { name }, mutation_id } })

  test('gets its first answer back, however often and whatever came after', async () => {
    const { id } = await project()
    const first = await withId('m1', id, 1, 'mine')
    expect((await withId('m1', id, 1, 'mine')).text).toBe(first.text)
    await save(id, 2, { name: 'later', budget: 12.5 }, { as: 'bob' })
    const replay = await call('PATCH', `/records/project/${id}`, {
      body: { client_version: 1, changes: { name: 'mine' } },
      headers: { 'idempotency-key': 'm1' },
    })
    expect([replay.status, replay.headers.get('etag'), replay.text]).toEqual([200, '"2"', first.text])
    expect((await call('GET', `/records/project/${id}`)).body.data).toMatchObject({
      version: 3,
      fields: { name: 'later' },
    })
  })

  test('is its writer’s own', async () => {
    const { id } = await project()
    await withId('m2', id, 1, 'mine')
    expectProblem(await withId('m2', id, 1, 'not mine', 'bob'), 409, 'stale_record')
    expect((await withId('m2', id, 2, 'bobs', 'bob')).body.data.version).toBe(3)
    expectProblem(await withId('m2', id, 1, 'mine', 'gina'), 404, 'not_found')
  })

  test('names one write', async () => {
    const { id } = await project()
    await withId('m3', id, 1, 'mine')
    expectProblem(await withId('m3', id, 2, 'other'), 409, 'mutation_reused')
    expectProblem(await withId('m3', (await project()).id, 1, 'mine'), 409, 'mutation_reused')
    expect((await call('GET', `/records/project/${id}`)).body.data.version).toBe(2)
  })

  test('makes ten sends at once one write', async () => {
    const { id } = await project()
    const answers = await Promise.all(Array.from({ length: 10 }, () => withId('m4', id, 1, 'once')))
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    expect(answers[0]?.body.data.version).toBe(2)
  })

  test('replays a deletion and a creation', async () => {
    const { id } = await project()
    const remove = () =>
      call('DELETE', `/records/project/${id}`, { body: { client_version: 1, mutation_id: 'm5' } })
    expect([(await remove()).status, (await remove()).status]).toEqual([204, 204])

    const uuid = randomUUID()
    for (const [type, body] of [
      ['note', { id: uuid, fields: { owner: 'alice' }, mutation_id: 'm6' }],
      ['task', { fields: { project_id: 1, title: 'one' }, mutation_id: 'm7' }],
    ] as const) {
      const first = await call('POST', `/records/${type}`, { body })
      const path = `/records/${type}/${first.body.data.id}`
      await call('PATCH', path, {
        body: { client_version: 1, changes: type === 'task' ? { title: 'two' } : { body: 'two' } },
      })
      const again = await call('POST', `/records/${type}`, { body })
      expect([again.status, again.text]).toEqual([201, first.text])
      expect(again.headers.get('location')).toBe(first.headers.get('location'))
    }
    expect(await sql(`select count(*)::int as count from tasks where title in ('one', 'two')`)).toEqual([
      { count: 1 },
    ])
  })

  test('keeps every digit of its answer', async () => {
    const { id } = await make('sample', {})
    const body = {
      client_version: 1,
      mutation_id: 'm8',
      changes: { amount: '12345678901234567890.0123456789', whole: '9007199254740993', ratio: 'Infinity' },
    }
    const first = await call('PATCH', `/records/sample/${id}`, { body })
    expect(first.status).toBe(200)
    expect((await call('PATCH', `/records/sample/${id}`, { body })).text).toBe(first.text)
  })

  test('must be printable, and the same in body and header', async () => {
    const { id } = await project()
    for (const mutation_id of ['', 'x'.repeat(201), 'ä', 7, null]) {
      const body = { client_version: 1, changes: { name: 'x' }, mutation_id }
      expectProblem(await call('PATCH', `/records/project/${id}`, { body }), 400, 'malformed')
    }
    const body = { client_version: 1, changes: { name: 'x' }, mutation_id: 'one' }
    const headers = { 'idempotency-key': 'two' }
    expectProblem(await call('PATCH', `/records/project/${id}`, { body, headers }), 400, 'malformed')
  })
})

test('values come back exactly as they were stored', async () => {
  const fields = {
    amount: '0.1000000000000000000001',
    whole: '9223372036854775807',
    day: '2026-02-28',
    moment: '2026-11-21T09:30:00.123456+02:00',
    local_time: '1999-12-31T23:59:59.000001',
    document: { a: [1, 'x', null, { b: true }], é: 'ü' },
    ratio: 0.1,
    code: 'abc',
    days: ['2026-01-01', '2026-12-31'],
  }
  const stored = {
    ...fields,
    moment: '2026-11-21T07:30:00.123456Z',
    code: 'abc  ',
    label: null,
  }
  const made = await call('POST', '/records/sample', { body: { fields } })
  expect(made.body.data.fields).toEqual(stored)
  expect((await call('GET', `/records/sample/${made.body.data.id}`)).body.data.fields).toEqual(stored)
  const [row] = await sql(
    `select amount::text, whole::text, moment = '2026-11-21 07:30:00.123456Z' as same
    from samples where id = ?`,
    [made.body.data.id],
  )
  expect(row).toEqual({ amount: fields.amount, whole: fields.whole, same: true })
})

test('what is no finite number, or no time of this era, stays itself', async () => {
  const fields = { ratio: 'NaN', amount: 'NaN', moment: 'infinity', local_time: '0044-03-15 BC' }
  const { data } = (await call('POST', '/records/sample', { body: { fields } })).body
  expect(data.fields).toMatchObject({
    ratio: 'NaN',
    amount: 'NaN',
    moment: 'infinity',
    local_time: '0044-03-15 00:00:00 BC',
  })
})

describe('a list', () => {
  test('filters, sorts and comes in pages by key', async () => {
    const tasks = []
    for (const title of ['c', 'a', 'b', 'b']) tasks.push(await make('task', { project_id: 900, title }))
    const titles = async (query: string) => {
      const { body } = await call('GET', `/records/task?project_id=900&${query}`)
      return {
        titles: body.data.map(({ fields }: never) => (fields as { title: string }).title).join(''),
        body,
      }
    }
    expect((await titles('')).titles).toBe('cabb')
    expect((await titles('sort=title')).titles).toBe('abbc')
    const first = await titles('sort=-title&limit=2')
    expect(first.titles).toBe('cb')
    const second = await titles(`sort=-title&limit=2&after=${first.body.next}`)
    expect([second.titles, second.body.next]).toEqual(['ba', null])
    expect(first.body).toMatchObject({ cursor: expect.any(String) })
    expect((await titles(`cursor=${first.body.cursor}`)).body).toMatchObject({
      data: [],
      removed: [],
      more: false,
    })
    expect((await titles('title=a')).titles).toBe('a')
  })

  test('refuses what it does not know', async () => {
    for (const query of [
      'secret=unseen',
      'sort=secret',
      'sort=nothing',
      'limit=1001',
      'limit=0',
      'after=x',
      'name=a&name=b',
      'starts_on=x',
      'budget=1e999999',
      'name=%00',
    ]) {
      const answer = await call('GET', `/records/project?${query}`)
      expect([query, answer.status, answer.body.code]).toEqual([query, 400, 'malformed'])
    }
    expectProblem(await call('GET', '/records/nothing'), 404, 'not_found')
  })
})
