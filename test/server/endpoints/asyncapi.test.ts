// The AsyncAPI document is true: real messages of a socket, both ways, fit what it says, and none is left out.
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { expect, test } from 'vitest'
import { startApp } from '../../support/app.ts'

const app = await startApp()
const { body: document } = await app.call('GET', '/asyncapi.json')
const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true })
ajv.addSchema(document, 'document')

/** The schema of a message, or of its acknowledgement. */
const fits = (name: string, part: 'payload' | 'x-ack', value: unknown) => {
  const validate = ajv.getSchema(`document#/components/messages/${name}/${part}`) as ValidateFunction
  expect(validate, `${name} is described`).toBeDefined()
  expect(validate(value), `${name}: ${ajv.errorsText(validate.errors)}`).toBe(true)
}

test('real messages and acknowledgements fit it', async () => {
  const { id } = await app.make('project', { name: 'Bridge' })
  const [alice, bob] = [await app.socket(), await app.socket({ as: 'bob' })]
  const ask = async (name: string, message: object) => {
    fits(name, 'payload', message)
    const answer = await alice.ask(name, message)
    fits(name, 'x-ack', answer)
    return answer
  }
  const rooms = {
    records: [
      { type: 'project', id, version: 1 },
      { type: 'project', id: '99999' },
    ],
    lists: [{ type: 'task', scope: { project_id: '1' } }, { type: 'project' }, { type: 'nothing' }],
  }
  await ask('watch', rooms)
  await bob.watch(['project', id])
  await bob.ask('presence', { type: 'project', id, state: 'editing', field: 'name' })
  await ask('presence', { type: 'project', id, state: 'viewing' })
  expect(await ask('take_over', { type: 'project', id, to: 'bob', say: 'ask' })).toEqual({ ok: true })
  await bob.receives('TakeOver')
  expect(await ask('take_over', { type: 'project', id, to: 'vera', say: 'ask' })).toMatchObject({ ok: false })
  const save = { client_version: 1, changes: { name: 'Tunnel' } }
  await app.call('PATCH', `/records/project/${id}`, { as: 'bob', body: save })
  await app.knex.transaction(async (transaction) => {
    for (const name of ['one', 'two']) await transaction('projects').where({ id }).update({ name })
  })
  await alice.receives('RecordUpdated', { version: 4 })
  await app.sql(
    `insert into projects (tenant_id, name) select 'acme', 'n' || n from generate_series(1, 60) n`,
  )
  await alice.receives('RecordsImported')
  await app.call('DELETE', `/records/project/${id}`, { body: { client_version: 4 } })
  await alice.receives('RecordDeleted')
  await app.records.revoke({ userId: 'bob', tenantId: 'acme', type: 'project', id })
  await ask('unwatch', rooms)
  const received = [...alice.received, ...bob.received]
  for (const name of ['RecordUpdated', 'RecordDeleted', 'RecordsImported', 'PresenceChanged', 'TakeOver'])
    expect(received.map((each) => each.name)).toContain(name)
  for (const { name, event } of received) if (name !== 'Resync') fits(name, 'payload', event)
})

test('it has every reference that it makes, and the same messages everywhere', async () => {
  const { channels, operations, components } = document
  for (const [, name = ''] of JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g))
    expect(components.schemas).toHaveProperty(name)
  const messages = Object.keys(components.messages).sort()
  expect(Object.keys(channels.socket.messages).sort()).toEqual(messages)
  const used = Object.values<{ messages: { $ref: string }[] }>(operations).flatMap((operation) =>
    operation.messages.map(({ $ref }) => $ref.split('/').at(-1)),
  )
  expect(used.sort()).toEqual(messages)
  expect((await app.call('GET', '/asyncapi.json', { as: null })).status).toBe(401)
})
