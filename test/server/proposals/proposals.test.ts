// Who may not save proposes, and who may save decides: once, by a guarded save, and seen by those alone who may read the record.
import { defineRecordType } from 'noclobber/server'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { beginHistory } from '../../../migrations/version-floor.ts'
import type { WireProposal, WireRecord } from '../../../server/protocol/index.ts'
import { MAX_NOTE_CHARS, MAX_PROPOSALS } from '../../../server/protocol/index.ts'
import { type Person, startApp, TYPES } from '../../support/app.ts'

const app = await startApp({
  types: [
    ...TYPES.filter(({ name }) => name !== 'project'),
    defineRecordType<Person>('project', {
      table: 'projects',
      fields: {
        name: z.string().min(1),
        status: z.enum(['planned', 'active', 'done']).default('planned'),
        budget: z.number().nullable().optional(),
        notes: z.string().default(''),
        secret: z.string().optional(),
      },
      hidden: ['secret'],
      can: ({ role }, action) =>
        role === 'editor' || (role === 'viewer' && (action === 'read' || action === 'propose')),
    }),
  ],
})
app.people.set('reader', { id: 'reader', name: 'Reader', tenantId: 'acme', role: 'viewer' })

const pathOf = ({ type, id }: { type: string; id: string }) => `/records/${type}/${id}/proposals`
const propose = (record: WireRecord, body: object, as = 'vera', headers = {}) =>
  app.call('POST', pathOf(record), { as, body: { client_version: record.version, ...body }, headers })
const proposed = async (record: WireRecord, changes: object, as = 'vera'): Promise<WireProposal> => {
  const { status, body, text } = await propose(record, { changes }, as)
  if (status !== 201) throw new Error(text)
  return body.data
}
const decide = (
  record: WireRecord,
  id: string,
  verb: 'accept' | 'reject',
  body: object = {},
  as = 'alice',
  headers = {},
) => app.call('POST', `${pathOf(record)}/${id}/${verb}`, { as, body, headers })
const list = async (record: WireRecord, query = '', as = 'vera'): Promise<WireProposal[]> =>
  (await app.call('GET', `${pathOf(record)}${query}`, { as })).body.data
const read = async (record: WireRecord): Promise<WireRecord> =>
  (await app.call('GET', `/records/${record.type}/${record.id}`)).body.data
const make = (): Promise<WireRecord> => app.make('project', { name: 'Bridge', notes: 'old' })

test('what is proposed is kept, listed and not in the record', async () => {
  const record = await make()
  const changes = { name: 'Tunnel', budget: 12.5 }
  const { status, body } = await propose(record, { changes, note: 'It leaks.' })
  expect(status).toBe(201)
  expect(body.data).toEqual({
    ...{ id: expect.any(String), state: 'open', client_version: 1, changes, note: 'It leaks.' },
    ...{ proposed_by: { id: 'vera', kind: 'user', name: 'Vera' }, proposed_at: expect.any(String) },
    ...{ decided_by: null, decided_at: null, accepted_fields: null, accepted_version: null },
  })
  const second = await proposed(record, { status: 'done' }, 'alice')
  expect(await list(record)).toEqual([second, body.data])
  expect(await list(record, '?state=accepted')).toEqual([])
  expect(await list(record, `?after=${second.id}`)).toEqual([body.data])
  expect(await read(record)).toEqual(record)
})

test('accepting saves it in the decider’s name, once', async () => {
  const record = await make()
  const { id } = await proposed(record, { name: 'Tunnel', notes: 'new' })
  const { status, body, headers } = await decide(record, id, 'accept', {
    client_version: 1,
    fields: ['name'],
  })
  expect([status, headers.get('etag')]).toEqual([200, '"2"'])
  expect(body.data).toMatchObject({
    version: 2,
    fields: { name: 'Tunnel', notes: 'old' },
    updated_by: { id: 'alice' },
  })
  const [kept] = await list(record)
  expect(kept).toMatchObject({
    ...{ state: 'accepted', accepted_fields: ['name'], accepted_version: 2 },
    ...{ decided_by: { id: 'alice' }, proposed_by: { id: 'vera' }, decided_at: expect.any(String) },
  })
  for (const verb of ['accept', 'reject'] as const) {
    const again = await decide(record, id, verb, { client_version: 2 })
    expect([again.status, again.body.code]).toEqual([409, 'proposal_decided'])
  }
  expect(await read(record)).toEqual(body.data)
})

test('a stale decision is refused with what changed, and the proposal stays open', async () => {
  const record = await make()
  const { id } = await proposed(record, { name: 'Tunnel' })
  const body = { client_version: 1, changes: { status: 'active' } }
  const saved = (await app.call('PATCH', `/records/project/${record.id}`, { as: 'bob', body })).body.data
  const stale = await decide(record, id, 'accept', { client_version: 1 })
  expect(stale.status).toBe(409)
  expect(stale.body).toMatchObject({ code: 'stale_record', changed_fields: ['status'], current: saved })
  const byHeader = await decide(record, id, 'accept', {}, 'alice', { 'if-match': '"1"' })
  expect([byHeader.status, byHeader.body.code]).toEqual([412, 'stale_record'])
  expect((await decide(record, id, 'accept', {})).status).toBe(428)
  expect(await list(record, '?state=open')).toHaveLength(1)
  const { body: accepted } = await decide(record, id, 'accept', { client_version: 2 })
  expect(accepted.data.fields).toMatchObject({ name: 'Tunnel', status: 'active' })
  expect((await propose(record, { changes: { name: 'Late' } })).body).toMatchObject({ code: 'stale_record' })
})

test('who may not update the record doesn’t decide; who proposed it may withdraw it', async () => {
  const record = await make()
  const { id } = await proposed(record, { name: 'Tunnel' })
  for (const [verb, body] of [
    ['accept', { client_version: 1 }],
    ['reject', {}],
  ] as const)
    expect((await decide(record, id, verb, body, 'reader')).status).toBe(403)
  const { status, body } = await decide(record, id, 'reject', {}, 'vera')
  expect([status, body.data.state, body.data.decided_by.id]).toEqual([200, 'rejected', 'vera'])
  const other = await proposed(record, { name: 'Tunnel' })
  expect((await decide(record, other.id, 'reject', {}, 'bob')).body.data).toMatchObject({ state: 'rejected' })
  expect(await read(record)).toEqual(record)
  app.people.set('mute', { id: 'mute', name: 'Mute', tenantId: 'acme', role: 'none' })
  const note: WireRecord = await app.make('note', { owner: 'everybody' })
  expect((await propose(note, { changes: { body: 'x' } }, 'mute')).status).toBe(404)
})

test('what a save would refuse is refused', async () => {
  const record = await make()
  const changes = { name: '', secret: 'x', nothing: 1, tenant_id: 'globex', version: 9 }
  const { status, body } = await propose(record, { changes })
  expect(status).toBe(422)
  expect(body.errors.map(({ field }: { field: string }) => field).sort()).toEqual(Object.keys(changes).sort())
  expect((await propose(record, { changes: {} })).status).toBe(422)
  for (const odd of [
    { changes: [] },
    {},
    { changes: { name: 'x' }, note: 7 },
    { changes: {}, client_version: 0 },
  ])
    expect((await propose(record, odd)).body.code).toBe('malformed')
  expect(
    (await propose(record, { changes: { name: 'x' }, note: 'x'.repeat(MAX_NOTE_CHARS + 1) })).status,
  ).toBe(400)
  for (const query of ['?state=new', '?after=x']) {
    expect((await app.call('GET', `${pathOf(record)}${query}`)).body.code).toBe('malformed')
  }
  const { id } = await proposed(record, { name: 'Tunnel' })
  const unknown = await decide(record, id, 'accept', { client_version: 1, fields: ['status'] })
  expect(unknown.body).toMatchObject({ code: 'invalid', errors: [{ field: 'status' }] })
  for (const other of ['x', '00000000-0000-4000-8000-000000000000'])
    for (const verb of ['accept', 'reject'] as const)
      expect((await decide(record, other, verb, { client_version: 1 })).status).toBe(404)
  const elsewhere = await make()
  expect((await decide(elsewhere, id, 'accept', { client_version: 1 })).status).toBe(404)
  expect(await list(record)).toHaveLength(1)
})

test('of a record that is gone nothing is accepted, nor of one that comes back under its id', {
  tags: 'fault:proposal-decided-twice',
}, async () => {
  const record = await make()
  const { id } = await proposed(record, { name: 'Tunnel' })
  await app.sql('delete from projects where id = ?', [record.id])
  const answers = [
    await decide(record, id, 'accept', { client_version: 1 }),
    await decide(record, id, 'reject'),
    await app.call('GET', pathOf(record)),
    await propose(record, { changes: { name: 'x' } }),
  ]
  expect(answers.map(({ status, body }) => [status, body.code])).toEqual(answers.map(() => [410, 'deleted']))
  await app.sql(`insert into projects (id, tenant_id, name) values (?, 'acme', 'Another')`, [record.id])
  const again = await read(record)
  expect(await list(again)).toEqual([])
  expect((await decide(again, id, 'accept', { client_version: again.version })).status).toBe(404)
  expect(await read(again)).toEqual(again)
})

test('who may not read the record is answered as if there were none, to the byte', async () => {
  const note: WireRecord = await app.make('note', { owner: 'bob' }, 'bob')
  const { id } = await proposed(note, { body: 'x' }, 'bob')
  const missing = { type: 'note', id: '00000000-0000-4000-8000-000000000000' }
  const ask = async (address: { type: string; id: string }, as: string) => [
    (await app.call('GET', pathOf(address), { as })).text,
    (await app.call('POST', pathOf(address), { as, body: { client_version: 1, changes: { body: 'y' } } }))
      .text,
    (await app.call('POST', `${pathOf(address)}/${id}/accept`, { as, body: { client_version: 1 } })).text,
    (await app.call('POST', `${pathOf(address)}/${id}/reject`, { as, body: {} })).text,
  ]
  const expected = await ask(missing, 'alice')
  expect(new Set(expected).size).toBe(1)
  for (const as of ['alice', 'gina', 'nobody']) expect(await ask(note, as)).toEqual(expected)
})

test('sent again it takes effect once, and gets its first answer', async () => {
  const record = await make()
  const body = { changes: { name: 'Tunnel' }, mutation_id: `p-${record.id}` }
  const first = await propose(record, body)
  expect((await propose(record, body)).text).toBe(first.text)
  expect((await propose(record, { ...body, note: 'other' })).body.code).toBe('mutation_reused')
  expect(await list(record)).toHaveLength(1)
  const accept = { client_version: 1, mutation_id: `a-${record.id}` }
  const accepted = await decide(record, first.body.data.id, 'accept', accept)
  expect((await decide(record, first.body.data.id, 'accept', accept)).text).toBe(accepted.text)
  const other = await proposed(accepted.body.data, { name: 'Dam' })
  const reject = { mutation_id: `r-${record.id}` }
  const rejected = await decide(record, other.id, 'reject', reject)
  expect((await decide(record, other.id, 'reject', reject)).text).toBe(rejected.text)
})

test('many decide at once: one is accepted, nothing is doubled or lost', {
  tags: 'fault:proposal-decided-twice',
}, async () => {
  for (let round = 0; round < 10; round += 1) {
    const record = await make()
    const { id } = await proposed(record, { name: `Tunnel ${round}` })
    const answers = await Promise.all([
      decide(record, id, 'accept', { client_version: 1 }),
      decide(record, id, 'accept', { client_version: 1 }, 'bob'),
      decide(record, id, 'reject', {}, 'bob'),
      app.call('PATCH', `/records/project/${record.id}`, {
        body: { client_version: 1, changes: { notes: 'mine' } },
      }),
    ])
    const [kept] = await list(record)
    const now = await read(record)
    const [first, second, rejected, saved] = answers.map(({ status }) => status === 200)
    const isAccepted = first || second
    expect(first && second).toBe(false)
    expect(kept?.state).toBe(isAccepted ? 'accepted' : rejected ? 'rejected' : 'open')
    expect(isAccepted && rejected).toBe(false)
    expect(now.version).toBe(isAccepted || saved ? 2 : 1)
    expect(isAccepted && saved).toBe(false)
    expect(now.fields).toMatchObject({
      name: isAccepted ? `Tunnel ${round}` : 'Bridge',
      notes: saved ? 'mine' : 'old',
    })
    expect(kept?.accepted_version).toBe(isAccepted ? 2 : null)
  }
})

test('a proposal of what the record has already is accepted without a version', async () => {
  const record = await make()
  const { id } = await proposed(record, { name: 'Bridge' })
  expect((await decide(record, id, 'accept', { client_version: 1 })).body.data).toEqual(record)
  expect(await list(record)).toMatchObject([{ state: 'accepted', accepted_version: 1 }])
})

test('watchers of the record receive it, if they may read it', async () => {
  const note: WireRecord = await app.make('note', { owner: 'everybody' }, 'bob')
  const [bob, gina] = [await app.socket({ as: 'bob' }), await app.socket({ as: 'gina' })]
  for (const socket of [bob, gina]) await socket.watch(['note', note.id])
  const { id } = await proposed(note, { body: 'x' }, 'alice')
  const event = await bob.receives('ProposalCreated', { proposal_id: id })
  expect(event).toEqual({
    ...{ tenant_id: 'acme', type: 'note', id: note.id, proposal_id: id, state: 'open', client_version: 1 },
    ...{ changed_fields: ['body'], by: { id: 'alice', kind: 'user', name: 'Alice' }, at: expect.any(String) },
  })
  await decide(note, id, 'accept', { client_version: 1 }, 'bob')
  expect(await bob.receives('ProposalDecided', { proposal_id: id })).toMatchObject({
    state: 'accepted',
    by: { id: 'bob' },
  })
  const names = (await gina.flushed()).map(({ name }) => name)
  expect(names.filter((name) => name.startsWith('Proposal'))).toEqual([])
})

test('there is an end to how many are open', async () => {
  const record = await make()
  await app.sql(
    `insert into noclobber.proposals (table_name, record_id, tenant_id, client_version, changes, proposed_by)
     select 'public.projects', ?, 'acme', 1, '{"name":"x"}', '{"id":"x"}' from generate_series(1, ?)`,
    [record.id, MAX_PROPOSALS - 1],
  )
  expect((await propose(record, { changes: { name: 'last' } })).status).toBe(201)
  expect((await propose(record, { changes: { name: 'more' } })).status).toBe(422)
  expect(await list(record)).toHaveLength(MAX_PROPOSALS)
  const [first] = await list(record)
  await decide(record, first?.id ?? '', 'reject')
  expect((await propose(record, { changes: { name: 'more' } })).status).toBe(201)
  const page = await app.call('GET', pathOf(record))
  expect(page.body.data).toHaveLength(MAX_PROPOSALS)
  expect(await list(record, `?after=${page.body.next}`)).toHaveLength(1)
})

test('an app does the same by itself', async () => {
  const record = await make()
  const vera: Person = { id: 'vera', name: 'Vera', tenantId: 'acme', role: 'viewer' }
  const alice: Person = { id: 'alice', name: 'Alice', tenantId: 'acme', role: 'editor' }
  const made = await app.records.propose('project', record.id, {
    actor: vera,
    clientVersion: 1,
    changes: { name: 'Dam' },
  })
  if (made.outcome !== 'proposed') throw new Error(made.outcome)
  const { id } = made.proposal
  expect(await app.records.proposals('project', record.id, { actor: vera, state: 'open' })).toMatchObject({
    proposals: [made.proposal],
  })
  expect(
    await app.records.acceptProposal('project', record.id, id, { actor: alice, clientVersion: 1 }),
  ).toMatchObject({
    ...{ outcome: 'saved', record: { version: 2 }, proposal: { state: 'accepted' } },
  })
  expect(await app.records.rejectProposal('project', record.id, id, { actor: alice })).toMatchObject({
    outcome: 'decided',
  })
})

test('what was proposed under rules that have changed since is refused by those of today, and stays open', async () => {
  const record = await make()
  const { id } = await proposed(record, { name: 'Tunnel', notes: 'new' })
  const strict = await startApp({
    database: app.database,
    types: [
      defineRecordType<Person>('project', {
        table: 'projects',
        fields: { name: z.string().startsWith('The '), notes: z.string().default('') },
        readOnly: ['notes'],
        can: ({ role }) => role === 'editor',
      }),
    ],
  })
  const accept = (body: object) =>
    strict.call('POST', `${pathOf(record)}/${id}/accept`, { body: { client_version: 1, ...body } })
  const refused = await accept({})
  expect([refused.status, refused.body.errors.map(({ field }: { field: string }) => field).sort()]).toEqual([
    422,
    ['name', 'notes'],
  ])
  expect(await read(record)).toEqual(record)
  expect((await list(record, '?state=open')).map((one) => one.id)).toEqual([id])
  // What may not be written any more isn't even shown there; what may is accepted as the decider has made it.
  const edited = await accept({ fields: ['name'], edited: { name: 'The tunnel' } })
  expect([edited.status, edited.body.data?.fields.name]).toEqual([200, 'The tunnel'])
  expect((await list(record))[0]).toMatchObject({ state: 'accepted', accepted_fields: ['name'] })
})

test('who has lost the right while the proposal was open, or the record, decides nothing', async () => {
  const record = await make()
  const { id } = await proposed(record, { name: 'Tunnel' })
  const before = app.people.get('bob') as Person
  try {
    app.people.set('bob', { ...before, role: 'viewer' })
    const accepted = await decide(record, id, 'accept', { client_version: 1 }, 'bob')
    expect([accepted.status, accepted.body.code]).toEqual([403, 'forbidden'])
    expect((await decide(record, id, 'reject', {}, 'bob')).status).toBe(403)
    app.people.set('bob', { ...before, tenantId: 'globex' })
    expect((await decide(record, id, 'accept', { client_version: 1 }, 'bob')).status).toBe(404)
  } finally {
    app.people.set('bob', before)
  }
  expect(await list(record, '?state=open')).toHaveLength(1)
  expect(await read(record)).toEqual(record)
  // Who proposed it and may not even read the record any more can't withdraw it either.
  const vera = app.people.get('vera') as Person
  try {
    app.people.set('vera', { ...vera, role: 'none' })
    expect((await decide(record, id, 'reject', {}, 'vera')).status).toBe(404)
  } finally {
    app.people.set('vera', vera)
  }
  expect((await decide(record, id, 'accept', { client_version: 1 })).status).toBe(200)
})

test('a proposal whose record went back behind its base is judged against the record as it is', async () => {
  const record = await make()
  const body = { client_version: 1, changes: { notes: 'saved, and lost' } }
  const saved = (await app.call('PATCH', `/records/project/${record.id}`, { as: 'bob', body })).body.data
  const { id } = await proposed(saved, { name: 'Tunnel' })
  await app.sql(`begin; set local session_replication_role = replica;
    update projects set notes = 'old', version = 1 where id = ${record.id};
    delete from noclobber.record_changes where record_id = '${record.id}' and version = 2 and table_name = 'public.projects'; commit`)
  await beginHistory(app.knex)
  const stale = await decide(record, id, 'accept', { client_version: 2 })
  expect([stale.status, stale.body.current_version]).toEqual([409, 1])
  const accepted = await decide(record, id, 'accept', { client_version: 1 })
  expect(accepted.body.data).toMatchObject({ fields: { name: 'Tunnel', notes: 'old' } })
  expect(accepted.body.data.version).toBeGreaterThan(2)
})
