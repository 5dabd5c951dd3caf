// The OpenAPI document is true: what the server really answers fits what it says, and nothing is left out.
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Answer, type CallOptions, startApp, type TestApp } from '../../support/app.ts'
import { openStream } from '../../support/app-stream.ts'

// biome-ignore lint/suspicious/noExplicitAny: a document is walked by names
type Document = any

let app: TestApp
let document: Document
let ajv: Ajv2020
const seen = new Set<string>()

beforeAll(async () => {
  app = await startApp()
  const answer = await app.call('GET', '/openapi.json')
  expect(answer.status).toBe(200)
  document = answer.body
  expect((await app.call('GET', '/openapi.json', { as: null })).status).toBe(401)
  ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true })
  ajv.addSchema(document, 'document')
})

/** `/records/project/1` is `/records/project/{id}`. */
const templateOf = (path: string): string => {
  const asked = path.split('?')[0] ?? ''
  if (document.paths[asked]) return asked
  const parts = asked.split('/')
  if (parts[3] === 'import') parts[4] = '{import}'
  else {
    parts[3] = '{id}'
    if (parts[5]) parts[5] = '{proposal}'
  }
  return parts.join('/')
}

const pointer = (...names: string[]) =>
  names.map((name) => encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')

/** Calls, and holds the answer to the document. */
const call = async (method: string, path: string, options?: CallOptions): Promise<Answer> => {
  const answer = await app.call(method, path, options)
  const template = templateOf(path)
  const named = [template, method.toLowerCase(), 'responses', String(answer.status)]
  seen.add(`${method} ${template} ${answer.status}`)
  const response = document.paths[template]?.[method.toLowerCase()]?.responses?.[answer.status]
  expect(response, `${method} ${template} ${answer.status} is described`).toBeDefined()
  const [media] = Object.keys(response.content ?? {})
  expect(answer.headers.get('content-type')?.split(';')[0] ?? null).toBe(media ?? null)
  if (media) {
    const schema = `document#/paths/${pointer(...named, 'content', media, 'schema')}`
    const validate = ajv.getSchema(schema) as ValidateFunction
    expect(validate(answer.body), ajv.errorsText(validate.errors)).toBe(true)
  }
  for (const header of Object.keys(response.headers ?? {})) expect(answer.headers.get(header)).toBeTruthy()
  return answer
}

const fits = (schema: string, value: unknown) => {
  const validate = ajv.getSchema(`document#/components/schemas/${schema}`) as ValidateFunction
  expect(validate(value), ajv.errorsText(validate.errors)).toBe(true)
}

const fields = { name: 'Bridge', status: 'active', budget: 12.5, starts_on: '2026-11-21' }

describe('real answers', () => {
  it('of one record', async () => {
    const made = await call('POST', '/records/project', { body: { fields } })
    expect(made.status).toBe(201)
    const path = `/records/project/${made.body.data.id}`
    const save = (body: unknown, headers = {}) => call('PATCH', path, { body, headers })
    expect((await call('GET', path)).status).toBe(200)
    expect((await call('GET', path, { headers: { 'if-none-match': '"1"' } })).status).toBe(304)
    expect((await save({ client_version: 1, changes: { name: 'Tunnel' } })).status).toBe(200)
    expect((await save({ client_version: 1, changes: { name: 'Dam' } })).status).toBe(409)
    expect((await save({ client_version: 1, changes: { status: 'done' }, on_stale: 'merge' })).status).toBe(
      200,
    )
    expect((await save({ changes: { name: 'Dam' } }, { 'if-match': '"1"' })).status).toBe(412)
    expect((await save({ changes: { name: 'Dam' } })).status).toBe(428)
    expect((await save({ client_version: 3, changes: { name: '' } })).status).toBe(422)
    expect((await save([])).status).toBe(400)
    expect(
      (await call('PATCH', path, { as: 'vera', body: { client_version: 3, changes: fields } })).status,
    ).toBe(403)
    expect((await call('GET', `${path}/version`)).status).toBe(200)
    expect((await call('GET', `${path}/version`, { headers: { 'if-none-match': '"3"' } })).status).toBe(304)
    expect((await call('GET', `${path}/history`)).body.data).toHaveLength(3)
    expect((await call('GET', `${path}?version=3`)).status).toBe(200)
    expect((await call('GET', `${path}?version=1`)).status).toBe(410)
    const restore = (version: number, headers = {}) =>
      call('POST', `${path}/restore`, { body: { client_version: version, to_version: 3 }, headers })
    expect((await restore(3)).status).toBe(200)
    expect((await restore(2)).status).toBe(409)
    const propose = (version: number) =>
      call('POST', `${path}/proposals`, { body: { client_version: version, changes: { name: 'Ferry' } } })
    const proposed = await propose(3)
    expect([proposed.status, (await propose(1)).status]).toEqual([201, 409])
    expect((await call('GET', `${path}/proposals?state=open`)).body.data).toHaveLength(1)
    expect((await call('GET', '/proposals/project')).body.data).toMatchObject([{ record: { version: 3 } }])
    const decide = (verb: string, body?: object) =>
      call('POST', `${path}/proposals/${proposed.body.data.id}/${verb}`, { body })
    expect((await decide('accept', { client_version: 1 })).status).toBe(409)
    expect((await decide('reject')).status).toBe(200)
    expect((await decide('accept', { client_version: 3 })).body.code).toBe('proposal_decided')
    expect((await call('GET', '/records/project/99999')).status).toBe(404)
    expect((await call('GET', path, { as: null })).status).toBe(401)
    expect((await call('DELETE', path, { body: { client_version: 1 } })).status).toBe(409)
    expect((await call('DELETE', path, { body: { client_version: 3 } })).status).toBe(204)
    expect((await call('GET', path)).status).toBe(410)
    expect((await save({ client_version: 3, changes: { name: 'Dam' } })).status).toBe(410)
  })

  it('of many records', async () => {
    const { id } = await app.make('project', fields)
    const other = await app.make('project', fields)
    await app.sql(`update projects set name = 'By hand' where id = ?`, [id])
    const { body } = await call('GET', '/records/project?limit=1&sort=-updated_at')
    await app.make('project', fields)
    await call('GET', `/records/project?cursor=${body.cursor}`)
    const counted = { since: [{ type: 'project', cursor: body.cursor }, { type: 'task' }, { type: 'none' }] }
    expect((await call('POST', '/changes/count', { body: { ...counted, most: 1 } })).status).toBe(200)
    expect((await call('POST', '/changes/count', { body: {} })).status).toBe(400)
    await call('GET', '/records/project?sort=secret')
    const held = [
      { type: 'project', id, version: 1 },
      { type: 'project', id: '99999', version: 1 },
    ]
    expect((await call('POST', '/records/versions', { body: { records: held } })).body.data).toHaveLength(2)
    const bulk = (records: object[], on_stale = 'abort') =>
      call('PATCH', '/records/project', { body: { changes: { status: 'done' }, records, on_stale } })
    expect((await bulk([{ id, client_version: 1 }])).status).toBe(409)
    expect((await bulk([{ id: other.id, client_version: 1 }])).status).toBe(200)
    expect((await bulk([{ id: other.id }])).status).toBe(428)
    const csv = (text: string) =>
      call('POST', '/records/project/import', { text, headers: { 'content-type': 'text/csv' } })
    const imported = await csv('name,status\nOne,planned\n')
    expect(imported.status).toBe(200)
    const undo = `/records/project/import/${imported.body.data.import_id}/undo`
    expect((await call('POST', undo, { body: { limit: 5 } })).body.data).toMatchObject([
      { outcome: 'removed' },
    ])
    expect((await call('POST', undo, { body: { limit: 0 } })).status).toBe(400)
    expect((await call('GET', '/deleted/project')).status).toBe(200)
    expect((await csv('name,status\n,planned\n')).status).toBe(422)
    const changes = await call('GET', '/changes?cursor=start&type=project&limit=5')
    expect(changes.body.data).toHaveLength(5)
    await call('GET', '/changes?cursor=garbage')
  })

  it('of values of every kind', async () => {
    const { id } = await app.make('sample', {
      amount: 1.5,
      whole: '9007199254740993',
      day: '2026-11-21',
      moment: '2026-11-21T10:00:00Z',
      local_time: '2026-11-21T10:00:00',
      document: { any: ['thing'] },
      ratio: 0.1,
      code: 'abc',
      days: ['2026-11-21'],
    })
    await call('GET', `/records/sample/${id}`)
    const { id: empty } = await app.make('sample', {})
    await call('GET', `/records/sample/${empty}`)
  })

  it('of the stream, event by event', async () => {
    const note = await app.make('note', { owner: 'alice' })
    const reader = await openStream(
      app.origin,
      `record=note:${note.id}&record=note:x&list=project&list=nothing`,
    )
    fits('WatchingEvent', await reader.receives('Watching'))
    const headers = { 'x-tab-id': 'a tab' }
    const presence = `/records/note/${note.id}/presence`
    expect((await call('POST', presence, { body: { state: 'editing' }, headers })).status).toBe(200)
    fits('PresenceEvent', await reader.receives('PresenceChanged'))
    expect((await call('POST', presence, { body: { state: 'editing' } })).status).toBe(400)
    const { id } = await app.make('project', fields)
    await call('POST', `/records/project/${id}/presence`, { body: { state: 'viewing' }, headers })
    const ask = { body: { to: 'bob', say: 'ask' }, headers }
    expect((await call('POST', `/records/project/${id}/take-over`, ask)).status).toBe(404)
    expect((await call('GET', '/records/project?count=exact')).body.count).toEqual(expect.any(Number))
    await app.make('project', fields)
    fits('RecordEvent', await reader.receives('RecordCreated'))
    await app.sql(
      `insert into projects (tenant_id, name) select 'acme', 'n' || n from generate_series(1, 60) n`,
    )
    fits('ImportEvent', await reader.receives('RecordsImported'))
    await app.sql(`update notes set owner = 'bob' where id = ?`, [note.id])
    fits('RevokedEvent', await reader.receives('AccessRevoked'))
    reader.cut()
    await call('GET', '/events?record=nothing')
  })
})

describe('the document', () => {
  it('is an OpenAPI 3.1 document of every declared type, at the path where it is mounted', () => {
    expect(document).toMatchObject({ openapi: '3.1.0', servers: [{ url: '/api/v1' }] })
    for (const type of ['project', 'task', 'note', 'tag', 'sample', 'mark'])
      expect(Object.keys(document.paths)).toEqual(
        expect.arrayContaining([`/records/${type}`, `/records/${type}/{id}`, `/records/${type}/import`]),
      )
    const ids = Object.values<Document>(document.paths).flatMap((path) =>
      Object.values<Document>(path).flatMap(({ operationId }) => operationId ?? []),
    )
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('describes every route that there is', () => {
    const routes = (app.records.router as Document).stack.flatMap(({ route }: Document) =>
      route
        ? Object.keys(route.methods).map((method) => [method, route.path.replace(':type', 'project')])
        : [],
    )
    expect(routes.length).toBeGreaterThan(10)
    for (const [method, path] of routes) {
      if (path === '/openapi.json' || path === '/asyncapi.json') continue
      expect(
        document.paths[
          path.replace(':id', '{id}').replace(':import', '{import}').replace(':proposal', '{proposal}')
        ]?.[method],
        `${method} ${path}`,
      ).toBeDefined()
    }
  })

  it('says what may be written, in the words of the declared schemas', () => {
    const { ProjectFields, ProjectChanges } = document.components.schemas
    expect(ProjectFields.required).toEqual(['name'])
    expect(ProjectFields.properties.name).toMatchObject({ type: 'string', minLength: 1, maxLength: 200 })
    expect(ProjectFields.properties.status).toMatchObject({ enum: ['planned', 'active', 'done'] })
    expect(ProjectFields.properties).not.toHaveProperty('tenant_id')
    expect(JSON.stringify(document)).not.toContain('secret')
    expect(ProjectChanges.required).toEqual([])
  })

  it('has every reference that it makes, and was tried in every part', () => {
    const references = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)]
    for (const [, name] of references) expect(document.components.schemas).toHaveProperty(name ?? '')
    const tried = [...seen].map((each) => each.split(' ').slice(0, 2).join(' '))
    for (const [path, methods] of Object.entries<Document>(document.paths)) {
      if (/^\/(records|deleted|proposals)\/(task|note|tag|sample|mark)/.test(path)) continue
      for (const method of Object.keys(methods).filter((name) => name !== 'parameters'))
        expect(tried, `${method} ${path}`).toContain(`${method.toUpperCase()} ${path}`)
    }
  })
})
