// What a write with a mutation id leaves in the database, and what its replay is answered.
import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { startApp } from '../../support/app.ts'
import { waitFor } from '../../support/wait-for.ts'

const app = await startApp({ limits: { answerBytesPerPerson: 20_000 } })

const LONG = randomBytes(450_000).toString('hex')

const large = async () => {
  const [{ id }] = await app.sql(
    `insert into projects (tenant_id, name, notes) values ('acme', 'Large', ?) returning id`,
    [LONG],
  )
  return String(id)
}
const save = (id: string, version: number, changes: object, mutation_id: string, more: object = {}) =>
  app.call('PATCH', `/records/project/${id}`, {
    body: { client_version: version, changes, mutation_id, ...more },
  })
const sizeOf = async () => {
  const [{ bytes }] = await app.sql(`select pg_database_size(current_database())::int as bytes`)
  return bytes as number
}

test('sixty small saves of a large record, with their answers, take less than 1 MB', async () => {
  const id = await large()
  const before = await sizeOf()
  for (let version = 1; version <= 60; version += 1)
    expect((await save(id, version, { name: `Name ${version}` }, `small ${version}`)).status).toBe(200)
  expect((await sizeOf()) - before).toBeLessThan(1_000_000)
})

test('a replay gets its first answer though others have changed the record', async () => {
  const id = await large()
  const first = await save(id, 1, { name: 'Mine' }, 'first')
  expect(first.body.data.fields.notes).toHaveLength(LONG.length)
  const again = await save(id, 1, { name: 'Mine' }, 'first')
  expect([again.status, again.body]).toEqual([200, first.body])
  await app.sql(`update projects set status = 'done', name = 'Theirs' where id = ?`, [id])
  const later = await save(id, 1, { name: 'Mine' }, 'first')
  expect([later.status, later.body]).toEqual([200, first.body])
})

test('a replay whose long values have been changed is refused, and writes nothing', async () => {
  const id = await large()
  await save(id, 1, { name: 'Mine' }, 'replay')
  await app.sql(`update projects set notes = 'others' where id = ?`, [id])
  for (const more of [{}, { on_stale: 'merge' }]) {
    const again = await save(id, 1, { name: 'Mine' }, 'replay', more)
    expect([again.status, again.body.code]).toEqual([409, 'stale_record'])
    expect(again.body.current).toMatchObject({ version: 3, fields: { name: 'Mine', notes: 'others' } })
  }
  expect((await app.call('GET', `/records/project/${id}`)).body.data.version).toBe(3)
})

test('what a save sets itself is kept, however long, and a create is answered as at first', async () => {
  const body = { fields: { name: 'Made', notes: LONG.slice(0, 5_000) }, mutation_id: 'made' }
  const made = await app.call('POST', '/records/project', { body })
  const { id } = made.body.data
  await save(id, 1, { notes: LONG.slice(0, 6_000) }, 'long')
  await app.sql(`update projects set notes = 'others' where id = ?`, [id])
  expect((await app.call('POST', '/records/project', { body })).body).toEqual(made.body)
  const again = await save(id, 1, { notes: LONG.slice(0, 6_000) }, 'long')
  expect(again.body.data).toMatchObject({ version: 2, fields: { notes: LONG.slice(0, 6_000) } })
})

test('of one person so much is kept; their oldest go, nobody else’s', async () => {
  const { id } = await app.make('project', { name: 'Kept' })
  const other = await app.make('project', { name: 'Of Bob' }, 'bob')
  const ofBob = { client_version: 1, changes: { name: 'Bob' }, mutation_id: 'of bob' }
  const first = await app.call('PATCH', `/records/project/${other.id}`, { as: 'bob', body: ofBob })
  const notes = (version: number) => LONG.slice(version, version + 1_000)
  for (let version = 1; version <= 60; version += 1)
    await save(id, version, { notes: notes(version) }, `kept ${version}`)
  const kept = async () => {
    const [{ bytes }] = await app.sql(`select sum(pg_column_size(answer) + 300)::int as bytes
      from noclobber.mutations where tenant_id = 'acme' and actor_id = 'alice'`)
    return bytes as number
  }
  // A quarter of it may have come since the last look.
  await waitFor(async () => (await kept()) < 20_000 * 1.5, { what: 'the oldest go' })
  const newest = await save(id, 60, { notes: notes(60) }, 'kept 60')
  expect([newest.status, newest.body.data.version]).toEqual([200, 61])
  expect((await save(id, 1, { notes: notes(1) }, 'kept 1')).status).toBe(409)
  const again = await app.call('PATCH', `/records/project/${other.id}`, { as: 'bob', body: ofBob })
  expect(again.body).toEqual(first.body)
})
