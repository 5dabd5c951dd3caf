// PATCH /records/:type: the same changes to many records, each guarded by its own version.
import { beforeAll, describe, expect, test } from 'vitest'
import { startApp, type TestApp } from '../../support/app.ts'

let app: TestApp
beforeAll(async () => {
  app = await startApp()
})

interface Shown {
  id: string
  version: number
}

const makeMany = (count: number, tenant = 'acme'): Promise<Shown[]> =>
  app.sql(
    `insert into projects (tenant_id, name) select ?, 'project ' || n from generate_series(1, ?) n
     returning id::text as id, version::int as version`,
    [tenant, count],
  )

const asked = (records: Shown[]) => records.map(({ id, version }) => ({ id, client_version: version }))

const patch = (body: object, as = 'alice', headers = {}) =>
  app.call('PATCH', '/records/project', { as, body, headers })

const outcomesOf = (entries: { outcome: string }[]) => entries.map(({ outcome }) => outcome)

describe('abort', () => {
  test('saves all of them, each with its new version, in the order asked', async () => {
    const records = await makeMany(500)
    const { status, body } = await patch({ changes: { status: 'done' }, records: asked(records).reverse() })
    expect(status).toBe(200)
    expect(body.data.map(({ id }: Shown) => id)).toEqual(records.map(({ id }) => id).reverse())
    expect(body.data[0]).toMatchObject({
      outcome: 'saved',
      version: 2,
      updated_by: { id: 'alice', kind: 'user' },
    })
    const [{ count }] = await app.sql(
      `select count(*)::int as count from projects where status = 'done' and version = 2 and id = any(?)`,
      [records.map(({ id }) => id)],
    )
    expect(count).toBe(500)
  })

  test('saves none where one is stale, and says which and why', async () => {
    const records = await makeMany(3)
    const [first, second, third] = records as [Shown, Shown, Shown]
    await app.call('PATCH', `/records/project/${second.id}`, {
      as: 'bob',
      body: { client_version: 1, changes: { notes: 'mine' } },
    })
    const { status, body } = await patch({ changes: { status: 'done' }, records: asked(records) })
    expect([status, body.code]).toEqual([409, 'stale_record'])
    expect(body.records).toMatchObject([
      { id: first.id, outcome: 'held_back' },
      {
        id: second.id,
        outcome: 'stale_record',
        client_version: 1,
        current_version: 2,
        changed_fields: ['notes'],
        updated_by: { name: 'Bob' },
        current: { version: 2, fields: { notes: 'mine' } },
      },
      { id: third.id, outcome: 'held_back' },
    ])
    expect(
      await app.sql(`select from projects where status = 'done' and id = any(?)`, [[first.id, third.id]]),
    ).toEqual([])
  })
})

describe('skip', () => {
  test('saves those that can be saved; another tenant’s record looks like a missing one', async () => {
    const [fine, stale, gone] = (await makeMany(3)) as [Shown, Shown, Shown]
    const [foreign] = (await makeMany(1, 'globex')) as [Shown]
    await app.sql(`update projects set name = 'x' where id = ?`, [stale.id])
    await app.call('DELETE', `/records/project/${gone.id}`, { as: 'bob', body: { client_version: 1 } })
    const records = [
      ...asked([fine, stale, gone, foreign]),
      { id: '2000000000', client_version: 1 },
      { id: 'x', client_version: 1 },
    ]
    const { status, body } = await patch({ changes: { name: 'y' }, records, on_stale: 'skip' })
    expect(status).toBe(200)
    expect(outcomesOf(body.data)).toEqual([
      'saved',
      'stale_record',
      'deleted',
      'not_found',
      'not_found',
      'not_found',
    ])
    expect(body.data[2]).toMatchObject({ version: 2, updated_by: { name: 'Bob' } })
    expect(Object.keys(body.data[3])).toEqual(Object.keys(body.data[4]))
    expect((await app.sql('select name from projects where id = ?', [foreign.id]))[0].name).not.toBe('y')
  })

  test('authorizes each record by its own permission', async () => {
    const mine = await app.make('note', { owner: 'alice' })
    const theirs = await app.make('note', { owner: 'bob' }, 'bob')
    const { body } = await app.call('PATCH', '/records/note', {
      body: { changes: { body: 'new' }, records: asked([mine, theirs]), on_stale: 'skip' },
    })
    expect(outcomesOf(body.data)).toEqual(['saved', 'not_found'])
  })
})

test('a mutation id makes a replay harmless, even at the same moment', async () => {
  const records = await makeMany(60)
  const body = { changes: { status: 'active' }, records: asked(records) }
  const headers = { 'idempotency-key': 'bulk-1' }
  const answers = await Promise.all([1, 2, 3].map(() => patch(body, 'alice', headers)))
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
  const [first, ...replays] = answers.map((answer) => answer.body.data)
  expect(first).toHaveLength(60)
  for (const replay of replays) expect(replay).toEqual(first)
  const versions = await app.sql('select distinct version::int from projects where id = any(?)', [
    records.map(({ id }) => id),
  ])
  expect(versions).toEqual([{ version: 2 }])
  const other = await patch({ ...body, changes: { status: 'done' } }, 'alice', headers)
  expect([other.status, other.body.code]).toEqual([409, 'mutation_reused'])
})

test('two edits of the same records in opposite orders: one wins each record, nobody deadlocks', async () => {
  const records = await makeMany(200)
  const turns = 6
  const answers = await Promise.all(
    Array.from({ length: turns }, (_, turn) => {
      const order = turn % 2 ? asked(records).reverse() : asked(records)
      return patch(
        { changes: { notes: `turn ${turn}` }, records: order, on_stale: 'skip' },
        turn % 2 ? 'bob' : 'alice',
      )
    }),
  )
  const saved = answers.flatMap(({ body }) => body.data).filter(({ outcome }) => outcome === 'saved')
  expect(saved).toHaveLength(200)
  expect(new Set(saved.map(({ id }) => id)).size).toBe(200)
  const [{ deadlocks }] = await app.sql(
    'select deadlocks::int from pg_stat_database where datname = current_database()',
  )
  expect(deadlocks).toBe(0)
})

test('an edit of many is one event for lists; its own tab is named', async () => {
  const records = await makeMany(60)
  const [watched] = records as [Shown]
  const list = await app.socket({ as: 'alice' })
  await list.watchList('project')
  await list.flushed()
  list.received.length = 0
  await list.watch(['project', watched.id])
  await patch({ changes: { status: 'done' }, records: asked(records) }, 'alice', { 'x-tab-id': 'tab-1' })
  expect(await list.receives('RecordsImported')).toMatchObject({
    count: 60,
    tab_id: 'tab-1',
    updated_by: { name: 'Alice' },
  })
  await list.receives('RecordUpdated', { id: watched.id, version: 2 })
  expect((await list.flushed()).map(({ name }) => name).sort()).toEqual(['RecordUpdated', 'RecordsImported'])
})

test('bad requests are refused before anything is written', async () => {
  const [record] = (await makeMany(1)) as [Shown]
  const one = asked([record])
  const cases: [object, number, string][] = [
    [{ changes: { status: 'done' } }, 400, 'malformed'],
    [{ changes: { status: 'done' }, records: [] }, 400, 'malformed'],
    [{ changes: { status: 'done' }, records: [...one, ...one] }, 400, 'malformed'],
    [{ changes: { status: 'done' }, records: [null] }, 400, 'malformed'],
    [{ changes: { status: 'done' }, records: [{ id: record.id }] }, 428, 'version_required'],
    [{ changes: { status: 'done' }, records: [{ id: record.id, client_version: '1' }] }, 400, 'malformed'],
    [{ changes: { status: 'done' }, records: one, on_stale: 'merge' }, 400, 'malformed'],
    [{ changes: [], records: one }, 400, 'malformed'],
    [{ changes: { status: 'lost' }, records: one }, 422, 'invalid'],
    [{ changes: { tenant_id: 'globex' }, records: one }, 422, 'invalid'],
    [{ changes: { budget: 1e12 }, records: one }, 422, 'invalid'],
    [
      {
        changes: { status: 'done' },
        records: Array.from({ length: 501 }, (_, n) => ({ id: `${n}`, client_version: 1 })),
      },
      400,
      'malformed',
    ],
  ]
  for (const [body, status, code] of cases) {
    const answer = await patch(body)
    expect([answer.status, answer.body.code], JSON.stringify(body).slice(0, 100)).toEqual([status, code])
  }
  expect((await patch({ changes: { status: 'done' }, records: one }, 'vera')).status).toBe(403)
  expect((await app.call('PATCH', '/records/nothing', { body: { changes: {}, records: one } })).status).toBe(
    404,
  )
  const [{ version }] = await app.sql('select version::int from projects where id = ?', [record.id])
  expect(version).toBe(1)
})

test('records.saveMany takes part in a transaction of the caller’s', async () => {
  const records = await makeMany(2)
  const actor = app.people.get('alice') as never
  const undone = app.knex.transaction(async (transaction) => {
    const targets = records.map(({ id, version }) => ({ id, clientVersion: version }))
    const options = { actor, changes: { name: 'x' }, records: targets, transaction }
    expect(
      await app.records.saveMany('project', { ...options, mutationId: 'in-a-transaction' }),
    ).toMatchObject({
      outcome: 'saved',
      records: [{ version: 2 }, { version: 2 }],
    })
    throw new Error('undone')
  })
  await expect(undone).rejects.toThrow('undone')
  const { body } = await patch({
    changes: { name: 'y' },
    records: asked(records),
    mutation_id: 'in-a-transaction',
  })
  expect(outcomesOf(body.data)).toEqual(['saved', 'saved'])
})
