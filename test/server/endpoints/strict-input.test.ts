// Input of every odd shape: the right answer, the process lives, nothing is half written.
import { connect } from 'node:net'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { startApp } from '../../support/app.ts'
import { atEnd } from '../../support/at-end.ts'
import { byRun } from '../../support/short-run.ts'
import { waitFor } from '../../support/wait-for.ts'

const failures: object[] = []
const fail = (details: object) => failures.push(details)
const app = await startApp({
  log: { info: () => {}, warn: () => {}, error: fail },
  limits: { messagesPerSecond: 10_000 },
})
const { call, make, sql } = app
const target = await make('project', { name: 'target' })
const path = `/records/project/${target.id}`

const rejections: unknown[] = []
const note = (reason: unknown) => rejections.push(reason)
process.on('unhandledRejection', note)
atEnd(() => process.off('unhandledRejection', note))

/** Whatever was sent: nothing was written, nothing failed inside, and the server answers. */
const PROTECTED = `select id, tenant_id, secret, version from projects where id = ?`
afterEach(async () => {
  expect(failures.splice(0)).toEqual([])
  expect(rejections).toEqual([])
  expect(await sql(PROTECTED, [target.id])).toEqual([
    { id: Number(target.id), tenant_id: 'acme', secret: 'unseen', version: '1' },
  ])
  expect((await call('GET', path)).body.data).toEqual(target)
})

const answered = async (method: string, at: string, options: Parameters<typeof call>[2]) => {
  const { status, body } = await call(method, at, options)
  return `${status} ${body?.code}`
}

test('a body that isn’t UTF-8 is refused, by each way of reading it: its letters would be saved as others', async () => {
  const body = Buffer.from('{"client_version":1,"changes":{"name":"caf\xe9"}}', 'latin1')
  for (const type of [
    'application/json',
    'application/json; charset=utf-8',
    'application/json;charset="utf-8"',
  ])
    for (const id of [target.id, `${target.id}?`]) {
      const answer = await fetch(`${app.origin}/api/v1/records/project/${id}`, {
        method: 'PATCH',
        body,
        headers: { authorization: 'Bearer alice', 'content-type': type },
      })
      const { code, detail } = await answer.json()
      expect([type, id, answer.status, code, detail]).toEqual([
        type,
        id,
        400,
        'malformed',
        'The body must be UTF-8.',
      ])
    }
})

describe('a version', () => {
  test('that is no plain positive integer is 400, in the body', async () => {
    for (const version of [
      'null',
      '""',
      '" 1 "',
      '"1"',
      '"1e0"',
      '1.5',
      'true',
      '[1]',
      '{}',
      '-1',
      '0',
      '9007199254740992',
      '1e400',
    ]) {
      const text = `{"client_version":${version},"changes":{"name":"x"}}`
      for (const method of ['PATCH', 'DELETE']) {
        expect([version, await answered(method, path, { text })]).toEqual([version, '400 malformed'])
      }
    }
  })

  test('that is no plain entity tag is 400, in If-Match', async () => {
    for (const tag of [
      '',
      '*',
      '1',
      'W/"1"',
      '"01"',
      '"1", "1"',
      '" 1"',
      '"-1"',
      '"1.0"',
      '"0"',
      '"9007199254740992"',
      '"x"',
    ]) {
      const answer = await answered('PATCH', path, {
        text: '{"changes":{"name":"x"}}',
        headers: { 'if-match': tag },
      })
      expect([tag, answer]).toEqual([tag, '400 malformed'])
    }
  })

  test('given twice and differently is 400', async () => {
    const options = { body: { client_version: 1, changes: { name: 'x' } }, headers: { 'if-match': '"2"' } }
    expect(await answered('PATCH', path, options)).toBe('400 malformed')
  })
})

describe('a body', () => {
  test('that is no JSON object is 400', async () => {
    for (const text of ['', '{', 'null', '7', '"x"', '[]', '[{}]', 'name=x', '\u0000', '{"a":1}{"b":2}']) {
      expect([text, await answered('POST', '/records/project', { text })]).toEqual([text, '400 malformed'])
    }
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'application/json; charset=utf-16',
    ]) {
      const options = { text: '{"fields":{"name":"x"}}', headers: { 'content-type': type } }
      expect([type, await answered('POST', '/records/project', options)]).toEqual([type, '400 malformed'])
    }
    for (const encoding of ['gzip', 'nonsense']) {
      const options = { text: '{"fields":{"name":"x"}}', headers: { 'content-encoding': encoding } }
      expect([encoding, await answered('POST', '/records/project', options)]).toEqual([
        encoding,
        '400 malformed',
      ])
    }
  })

  test('whose parts are of the wrong type is 400', async () => {
    for (const changes of ['null', '[]', '"x"', '7', 'true']) {
      const text = `{"client_version":1,"changes":${changes}}`
      expect([changes, await answered('PATCH', path, { text })]).toEqual([changes, '400 malformed'])
    }
    expect(await answered('PATCH', path, { body: { client_version: 1 } })).toBe('400 malformed')
    const odd = { client_version: 1, changes: { name: 'x' }, on_stale: 'overwrite' }
    expect(await answered('PATCH', path, { body: odd })).toBe('400 malformed')
    const id = { id: { $ne: 1 }, fields: { name: 'x' } }
    expect(await answered('POST', '/records/project', { body: id })).toBe('400 malformed')
  })

  test('of 2 MB is 413', async () => {
    const body = { client_version: 1, changes: { notes: 'x'.repeat(2_000_000) } }
    expect(await answered('PATCH', path, { body })).toBe('413 too_large')
  })

  test('nested very deeply is refused, with a mutation id too', async () => {
    const deep = '['.repeat(200_000) + ']'.repeat(200_000)
    const changes = `"changes":{"notes":${deep}}`
    expect(await answered('PATCH', path, { text: `{"client_version":1,${changes}}` })).toBe('422 invalid')
    const text = `{"client_version":1,"mutation_id":"deep",${changes}}`
    expect(await answered('PATCH', path, { text })).toBe('422 invalid')
    const fields = `{"fields":{"document":${deep}},"mutation_id":"deep"}`
    expect(await answered('POST', '/records/sample', { text: fields })).toBe('422 invalid')
  })

  test('that names protected or unknown fields is 422, and changes nothing', async () => {
    const names = ['id', 'version', 'tenant_id', 'updated_at', 'updated_by', 'secret', 'name" = name --']
    for (const name of [
      ...names,
      '__proto__',
      'constructor',
      'toString',
      'hasOwnProperty',
      '',
      ' name',
      'NAME',
    ]) {
      const text = `{"client_version":1,"changes":{"name":"x",${JSON.stringify(name)}:"7"}}`
      expect([name, await answered('PATCH', path, { text })]).toEqual([name, '422 invalid'])
    }
  })

  test('that reaches for a prototype sets nothing', async () => {
    for (const [text, expected] of [
      ['{"__proto__":{"client_version":1},"changes":{"name":"x"}}', '428 version_required'],
      ['{"client_version":1,"__proto__":{"changes":{"name":"x"}}}', '400 malformed'],
      ['{"client_version":1,"constructor":{"prototype":{"changes":{"name":"x"}}}}', '400 malformed'],
    ]) {
      expect(await answered('PATCH', path, { text: text as string })).toBe(expected)
    }
    expect(({} as { changes?: unknown }).changes).toBeUndefined()
  })

  test('with text that PostgreSQL cannot hold is 422', async () => {
    for (const text of ['a\\u0000b', '\\ud800', 'x\\udc00y']) {
      const sent = `{"client_version":1,"changes":{"name":"${text}"}}`
      expect([text, await answered('PATCH', path, { text: sent })]).toEqual([text, '422 invalid'])
      for (const document of [`"${text}"`, `{"${text}":1}`, `[[{"a":"${text}"}]]`]) {
        const created = await answered('POST', '/records/sample', {
          text: `{"fields":{"document":${document}}}`,
        })
        expect([document, created]).toEqual([document, '422 invalid'])
      }
    }
  })

  test('of values that fit no column is 422', async () => {
    const { id } = await make('sample', {})
    const odd = [{}, [], [[]], true, 'x', '\\', '{', { a: 1 }, -1e300]
    for (const name of ['whole', 'day', 'moment', 'local_time']) {
      for (const value of odd) {
        const body = { client_version: 1, changes: { [name]: value } }
        expect([name, value, await answered('PATCH', `/records/sample/${id}`, { body })]).toEqual([
          name,
          value,
          '422 invalid',
        ])
      }
    }
  })
})

describe('an address', () => {
  test('with bad percent-encoding is 400', async () => {
    for (const id of ['%', '%zz', '%ff', '%e0%a4%a', '%c0%80']) {
      for (const at of [`/records/project/${id}`, `/records/${id}/1`, `/records/project/${id}/history`]) {
        expect([at, await answered('GET', at, {})]).toEqual([at, '400 malformed'])
      }
    }
  })

  test('with an id that can be none is 404', async () => {
    const odd = [
      '0x1',
      '01',
      '+1',
      '1.0',
      '1e0',
      ' 1',
      '1 ',
      '-0',
      '2147483648',
      '99999999999999999999',
      'NaN',
      "1' or '1'='1",
      '1;drop table projects',
      '\u0000',
      'null',
      '%',
      '１',
    ]
    for (const id of odd) {
      const at = `/records/project/${encodeURIComponent(id)}`
      expect([id, await answered('GET', at, {})]).toEqual([id, '404 not_found'])
      const body = { client_version: 1, changes: { name: 'x' } }
      expect([id, await answered('PATCH', at, { body })]).toEqual([id, '404 not_found'])
    }
    for (const at of [
      '/records/note/1',
      '/records/__proto__/1',
      '/records/constructor/1',
      `/records/tag/${'x'.repeat(201)}`,
    ]) {
      expect([at, await answered('GET', at, {})]).toEqual([at, '404 not_found'])
    }
  })

  test('with odd headers is 400', async () => {
    const body = { client_version: 1, changes: { name: 'x' } }
    for (const [name, value] of [
      ['x-tab-id', 'x'.repeat(201)],
      ['x-tab-id', 'é'],
      ['x-socket-id', 'x'.repeat(201)],
      ['idempotency-key', ''],
      ['idempotency-key', 'x'.repeat(201)],
    ] as const) {
      expect([name, await answered('PATCH', path, { body, headers: { [name]: value } })]).toEqual([
        name,
        '400 malformed',
      ])
    }
  })

  test('of a list by a column that has no equality or order is 400', async () => {
    for (const query of ['document=1', 'document=x', 'sort=document', 'days=x', 'ratio=x', 'code=%00']) {
      expect([query, await answered('GET', `/records/sample?${query}`, {})]).toEqual([
        query,
        query === 'document=1' ? '200 undefined' : '400 malformed',
      ])
    }
  })
})

test('a request that breaks off leaves nothing behind', async () => {
  const { hostname, port } = new URL(app.origin)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {})
  await new Promise((resolve) =>
    socket.write(
      `PATCH /api/v1${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alice\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n{"client_version":1,`,
      resolve,
    ),
  )
  socket.destroy()
  expect((await call('GET', path)).status).toBe(200)
})

describe('a frame', () => {
  const deep = (depth: number) => {
    let value: unknown = 1
    for (let at = 0; at < depth; at += 1) value = [value]
    return value
  }

  test('of any odd shape is answered, and the next one works', async () => {
    const watcher = await app.socket()
    const odd: unknown[] = [
      null,
      7,
      'x',
      true,
      [],
      [[]],
      { records: null },
      { records: {} },
      { records: 'x' },
      { records: [null] },
      { records: [[]] },
      { records: [{}] },
      { records: [{ type: 'project' }] },
      { records: [{ type: 'project', id: 1 }] },
      { records: [{ type: {}, id: {} }] },
      { records: [{ type: 'project', id: '1', version: '1' }] },
      { lists: [{ type: 'task', scope: 7 }] },
      { lists: [{ type: 'task', scope: { project_id: 1 } }] },
      { lists: [{ type: 'task', scope: { project_id: '1', tenant_id: 'globex' } }] },
      { lists: [{ type: 'task', cursor: 7 }] },
      { lists: [{ type: 'task', scope: null }] },
      { records: deep(1_000) },
      { lists: [{ type: 'task', scope: deep(1_000) }] },
      Buffer.from('x'),
      { records: Buffer.from('x') },
      { records: [{ type: Buffer.from('x'), id: '1' }] },
      { records: Array.from({ length: 501 }, () => ({ type: 'project', id: '1' })) },
    ]
    for (const message of odd) {
      for (const name of ['watch', 'unwatch']) {
        expect([message, (await watcher.ask(name, message)).code]).toEqual([message, 'malformed'])
      }
    }
    const known = await watcher.watch(['project', target.id])
    expect(known.records).toMatchObject([{ ok: true, version: 1 }])
  })

  test('without acknowledgement or message harms nobody', async () => {
    const watcher = await app.socket()
    for (const args of [
      [],
      [null],
      [{}],
      [1, 2, 3],
      [Buffer.from('x')],
      [{ records: [{ type: 'project', id: target.id }] }],
    ]) {
      watcher.socket.emit('watch', ...args)
      watcher.socket.emit('unwatch', ...args)
      watcher.socket.emit('presence', ...args)
      watcher.socket.emit('nothing', ...args)
    }
    expect((await watcher.watch(['project', target.id])).records).toMatchObject([{ ok: true }])
  })

  test('names what is not there, cannot be, or is no list, and is refused part by part', async () => {
    const watcher = await app.socket()
    const answer = await watcher.ask('watch', {
      records: [
        { type: 'project', id: '999999' },
        { type: 'nothing', id: '1' },
        { type: '__proto__', id: '1' },
        { type: 'project', id: "1' or true" },
        { type: 'project', id: target.id },
      ],
      lists: [
        { type: 'nothing' },
        { type: 'task', scope: { title: 'x' } },
        { type: 'task', scope: JSON.parse('{"__proto__":"x"}') },
        { type: 'task', scope: { project_id: '1' }, cursor: 'nonsense' },
      ],
    })
    expect(answer.records.map(({ ok, code }: never) => ok || code)).toEqual([
      'not_found',
      'not_found',
      'not_found',
      'not_found',
      true,
    ])
    expect(answer.lists.map(({ ok, code }: never) => ok || code)).toEqual([
      'not_found',
      'malformed',
      'malformed',
      true,
    ])
    expect(answer.lists[3].behind).toBe(true)
  })

  test('naming one record twice, or watching it twice at once, is answered alike', async () => {
    const watcher = await app.socket()
    const record = { type: 'project', id: target.id }
    const twice = await watcher.ask('watch', { records: [record, record] })
    expect(twice.records.map(({ ok }: never) => ok)).toEqual([true, true])
    const other = await app.socket()
    const answers = await Promise.all([1, 2, 3].map(() => other.watch(['project', target.id])))
    expect(answers.map(({ records }) => records[0].ok)).toEqual([true, true, true])
    const lists = await Promise.all([1, 2].map(() => other.watchList('task')))
    expect(lists.map(({ ok }) => ok)).toEqual([true, true])
  })

  test('of 100,000 records closes its own connection alone', async () => {
    const [big, small] = [await app.socket(), await app.socket()]
    big.socket.emit('watch', {
      records: Array.from({ length: 100_000 }, (_, id) => ({ type: 'project', id: String(id) })),
    })
    await waitFor(() => !big.socket.connected, { what: 'the connection to be closed' })
    expect((await small.watch(['project', target.id])).records).toMatchObject([{ ok: true }])
  })

  test('too many asks for too many rooms are refused one by one', async () => {
    const watcher = await app.socket()
    const page = (from: number) =>
      Array.from({ length: 300 }, (_, at) => ({ type: 'tag', scope: {}, id: `t${from + at}` }))
    await watcher.ask('watch', { lists: [{ type: 'task' }] })
    for (let scope = 0; scope < 499; scope += 250) {
      const lists = Array.from({ length: Math.min(250, 499 - scope) }, (_, at) => ({
        type: 'task',
        scope: { project_id: String(scope + at + 1) },
      }))
      await watcher.ask('watch', { lists })
    }
    const answer = await watcher.ask('watch', { records: page(0).map(({ type, id }) => ({ type, id })) })
    expect(new Set(answer.records.map(({ code }: never) => code))).toEqual(new Set(['rate_limited']))
  })
})

const runs = Number(process.env.NOCLOBBER_FUZZ ?? byRun({ short: 100, full: 600 }))
const seed = Number(process.env.NOCLOBBER_SEED ?? Date.now() % 1e9)

test(
  `${runs} generated requests and frames, seed ${seed}: no 5xx, no protected column written`,
  async () => {
    await make('tag', { label: 'x' }).catch(() => {})
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('1', target.id, 'null', '\u0000', '%', '__proto__', "'", '\ud800'),
    )
    const value = fc.oneof(
      fc.json({ maxDepth: 4 }).map((json) => JSON.parse(json)),
      text,
      fc.double(),
      fc.bigInt().map(String),
      fc.constantFrom(1, null, true),
    )
    const column = fc.oneof(
      fc.constantFrom(
        'name',
        'status',
        'starts_on',
        'budget',
        'notes',
        'id',
        'tenant_id',
        'version',
        'secret',
        '__proto__',
        'amount',
        'whole',
        'day',
        'moment',
        'local_time',
        'document',
        'ratio',
        'code',
        'label',
        'days',
        'owner',
        'body',
        'project_id',
        'title',
        'done',
      ),
      text,
    )
    const fields = fc
      .array(fc.tuple(column, value), { maxLength: 6 })
      .map((pairs) => Object.fromEntries(pairs))
    const version = fc.oneof(fc.constantFrom(2, 2 ** 53, '1'), value)
    const type = fc.constantFrom('project', 'sample', 'note', 'tag', 'task', 'mark', 'versions', 'nothing')
    const id = fc.oneof(fc.constantFrom(target.id, '1', '2', '00000000-0000-0000-0000-000000000000'), text)
    const query = fc.array(
      fc.tuple(fc.oneof(fc.constantFrom('sort', 'limit', 'after', 'cursor', 'before'), column), text),
      { maxLength: 3 },
    )
    const body = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record(
          {
            client_version: version,
            changes: fields,
            fields,
            on_stale: fc.constantFrom('merge', 'reject'),
            mutation_id: fc.oneof(text, fc.constant('m')),
            id,
            records: fc.array(fc.record({ type, id, version })),
          },
          { requiredKeys: [] },
        ),
      },
      { weight: 1, arbitrary: value },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          { fields: { name: 'x' } },
          { fields: { owner: 'alice' } },
          { fields: {} },
          { fields: { project_id: 1, title: 'x' } },
          { client_version: 1, changes: {} },
        ),
      },
    )
    const request = fc.record({
      kind: fc.constant('request' as const),
      method: fc.constantFrom('GET', 'POST', 'PATCH', 'DELETE', 'PUT'),
      parts: fc.oneof(
        fc.tuple(type),
        fc.tuple(type, id),
        fc.tuple(type, id, fc.constantFrom('version', 'history', 'x')),
      ),
      query,
      body,
      as: fc.constantFrom('alice', 'bob', 'vera', 'gina', null),
    })
    /** One that gets past the version and the address, as far as the columns themselves. */
    const own: Record<string, string[]> = {
      project: ['name', 'status', 'starts_on', 'budget', 'notes'],
      sample: [
        'amount',
        'whole',
        'day',
        'moment',
        'local_time',
        'document',
        'ratio',
        'code',
        'label',
        'days',
      ],
      note: ['owner', 'body'],
    }
    const write = fc.constantFrom(...Object.keys(own)).chain((name) =>
      fc.record({
        kind: fc.constantFrom('create' as const, 'save' as const),
        type: fc.constant(name),
        fields: fc
          .array(
            fc.tuple(
              fc.oneof(
                { weight: 9, arbitrary: fc.constantFrom(...(own[name] as string[])) },
                { weight: 1, arbitrary: column },
              ),
              value,
            ),
            { minLength: 1, maxLength: 3 },
          )
          .map((pairs) => Object.fromEntries(pairs)),
      }),
    )
    const frame = fc.record({
      kind: fc.constant('frame' as const),
      name: fc.constantFrom('watch', 'unwatch'),
      message: fc.oneof(
        value,
        fc.record(
          {
            records: fc.array(fc.record({ type, id, version }, { requiredKeys: [] }), { maxLength: 5 }),
            lists: fc.array(fc.record({ type, scope: fields, cursor: text }, { requiredKeys: [] }), {
              maxLength: 5,
            }),
          },
          { requiredKeys: [] },
        ),
      ),
    })
    const encode = (part: string) => encodeURIComponent(part.toWellFormed())
    const statuses = new Map<string, number>()
    const watcher = await app.socket()

    const send = async ({
      method,
      parts,
      query: pairs = [],
      body: sent,
      as,
    }: {
      method: string
      parts: readonly unknown[]
      query?: [string, string][]
      body: unknown
      as: string | null
    }) => {
      const at = ['/records', ...(parts as string[]).map(encode)].join('/')
      const search = pairs.map(([name, text]) => `${encode(name)}=${encode(text)}`).join('&')
      const {
        status,
        headers,
        body: answer,
      } = await call(method, `${at}?${search}`, {
        as,
        ...(method !== 'GET' && { text: JSON.stringify(sent) ?? 'undefined' }),
      })
      statuses.set(String(status), (statuses.get(String(status)) ?? 0) + 1)
      expect(status).toBeLessThan(500)
      if (status === 201) made.set(answer.data.type, answer.data)
      if (status >= 400) {
        expect(headers.get('content-type')).toBe('application/problem+json')
        expect(answer.status).toBe(status)
      }
    }
    const made = new Map<string, { id: string }>()
    const put = async ({ kind, type, fields }: { kind: 'create' | 'save'; type: string; fields: object }) => {
      const id = made.get(type)?.id
      if (kind === 'create' || id === undefined) {
        const needed = { project: { name: 'x' }, note: { owner: 'alice' } }[type]
        await send({ method: 'POST', parts: [type], body: { fields: { ...needed, ...fields } }, as: 'alice' })
      } else {
        const current = (await call('GET', `/records/${type}/${id}`)).body
        const body = { client_version: current.data?.version ?? 1, changes: fields }
        await send({ method: 'PATCH', parts: [type, id], body, as: 'alice' })
      }
    }
    const ask = async ({ name, message }: { name: string; message: unknown }) => {
      const answer = await watcher.ask(name, message)
      expect(answer.code).not.toBe('internal')
      statuses.set('frame', (statuses.get('frame') ?? 0) + 1)
    }

    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          { weight: 3, arbitrary: request },
          { weight: 3, arbitrary: write },
          { weight: 2, arbitrary: frame },
        ),
        async (input) => {
          const isTarget =
            input.kind === 'request' && input.parts[1] === target.id && input.parts[0] === 'project'
          if (
            isTarget &&
            ['PATCH', 'DELETE'].includes(input.method) &&
            JSON.stringify(input.body)?.includes('"client_version":1')
          )
            return
          if (input.kind === 'request') await send(input)
          else if (input.kind === 'frame') await ask(input)
          else await put(input)
        },
      ),
      { numRuns: runs, seed, endOnFailure: true },
    )
    const some = expect.any(Number)
    expect(Object.fromEntries(statuses)).toMatchObject({
      200: some,
      201: some,
      400: some,
      404: some,
      422: some,
    })
    expect(
      await sql(
        `select count(*)::int as count from projects where secret <> 'unseen' or tenant_id not in ('acme', 'globex')`,
      ),
    ).toEqual([{ count: 0 }])
    expect(
      await sql(
        `select count(*)::int as count from pg_tables where tablename in ('projects', 'samples', 'notes', 'tags', 'tasks')`,
      ),
    ).toEqual([{ count: 5 }])
  },
  60_000 + runs * 20,
)
