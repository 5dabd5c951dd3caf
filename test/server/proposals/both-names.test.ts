// Accepting a proposal is a save in both names: the version is its decider's, and its line in the history says whose proposal it was.
import { asAgent } from 'noclobber/mcp'
import { expect, test } from 'vitest'
import { erasePerson } from '../../../server/index.ts'
import type { WireHistoryEntry, WireRecord } from '../../../server/protocol/index.ts'
import type { Person } from '../../support/app.ts'
import { startContracts } from '../../support/contracts.ts'

const app = await startContracts()
const { pathOf, save } = app
app.people.set('claude', asAgent(app.people.get('alice') as Person, { id: 'claude', name: 'Claude' }))

const propose = async (record: WireRecord, changes: object, as: string) => {
  const body = { client_version: record.version, changes }
  const answer = await app.call('POST', `${pathOf(record)}/proposals`, { as, body })
  expect(answer.status, answer.text).toBe(201)
  return answer.body.data.id as string
}
const accept = async (record: WireRecord, proposal: string, as = 'bob') => {
  const body = { client_version: record.version }
  const answer = await app.call('POST', `${pathOf(record)}/proposals/${proposal}/accept`, { as, body })
  expect(answer.status, answer.text).toBe(200)
  return answer.body.data as WireRecord
}
const historyOf = async (record: WireRecord, as = 'alice'): Promise<WireHistoryEntry[]> =>
  (await app.call('GET', `${pathOf(record)}/history`, { as })).body.data
const proposers = async (record: WireRecord, as = 'alice') =>
  (await historyOf(record, as)).map(({ proposed_by }) => proposed_by?.id ?? null)

test('the history says who decided and who proposed, and for whom', async () => {
  const one: WireRecord = await app.make('contract', { name: 'one' })
  const two = await accept(one, await propose(one, { name: 'two' }, 'claude'))
  const three = await save(two, { name: 'three' }, 'bob')
  expect((await historyOf(three))[1]).toMatchObject({
    version: 2,
    updated_by: { id: 'bob' },
    proposed_by: {
      id: 'claude:alice',
      kind: 'agent',
      name: 'Claude',
      on_behalf_of: { id: 'alice', name: 'Alice' },
    },
  })
  expect(await proposers(three)).toEqual([null, 'claude:alice', null])
  expect(await proposers(three, 'vera')).toEqual([null, 'claude:alice', null])
})

test('a proposal of what the record had already names nobody’s version', async () => {
  const one: WireRecord = await app.make('contract', { name: 'one' })
  const proposal = await propose(one, { name: 'two' }, 'claude')
  const two = await save(one, { name: 'two' }, 'alice')
  await accept(two, proposal)
  expect(await proposers(two)).toEqual([null, null])
})

test('whose name is erased is named there no more', async () => {
  const one: WireRecord = await app.make('contract', { name: 'one' })
  app.people.set('leaver', { id: 'leaver', name: 'Leaver', tenantId: 'acme', role: 'editor' })
  const two = await accept(one, await propose(one, { name: 'two' }, 'leaver'))
  expect(await proposers(two)).toEqual(['leaver', null])
  await erasePerson(app.knex, { id: 'leaver', tenantId: 'acme' })
  expect(await proposers(two)).toEqual([null, null])
})

test('what an agent proposed for somebody, they may withdraw; others may not', async () => {
  const viewer = app.people.get('vera') as Person
  app.people.set('veras', asAgent(viewer, { id: 'ada', name: 'Ada' }))
  const one: WireRecord = await app.make('contract', { name: 'one' })
  const proposal = await propose(one, { name: 'two' }, 'claude')
  const reject = (as: string) =>
    app.call('POST', `${pathOf(one)}/proposals/${proposal}/reject`, { as, body: {} })
  expect((await reject('vera')).status).toBe(403)
  app.people.set('alice', { ...(app.people.get('alice') as Person), role: 'viewer' })
  expect((await reject('alice')).body.data).toMatchObject({ state: 'rejected' })
})
