// The database's history goes back: after a failover, a restore or a crash the version that a node remembers is another
// record. Nobody is let in, or kept out of the news, by what was remembered of the lost one.
import { randomUUID } from 'node:crypto'
import type { Knex } from 'knex'
import { beforeEach, expect, test } from 'vitest'
import { startApp, type TestApp } from '../../support/app.ts'
import { waitFor } from '../../support/wait-for.ts'

let app: TestApp
beforeEach(async () => {
  app = await startApp({ limits: { recheckMs: 600_000, pollMs: 600_000 } })
})

/** A note that this node has seen as Alice's at version 2, while the database has one of Bob's at version 2 now. */
const lostNote = async () => {
  const note = await app.make('note', { owner: 'alice' })
  const saved = await save(note.id, 1, { body: 'lost' })
  expect([saved.status, saved.body.data.version]).toEqual([200, 2])
  await app.knex.transaction(async (transaction) => {
    await transaction.raw('set local session_replication_role = replica')
    await transaction.raw(`update notes set owner = 'bob', body = 'of Bob', version = 2 where id = ?`, [
      note.id,
    ])
    await transaction.raw('delete from noclobber.record_changes where record_id = ? and version = 2', [
      note.id,
    ])
  })
  return note.id as string
}

const save = (id: string, version: number, changes: object, as = 'alice') =>
  app.call('PATCH', `/records/note/${id}`, { as, body: { client_version: version, changes } })

/** The feed's connection is the one whose last statement reads the log. */
const IS_FEED = `(query ~ '^\\s*(with k as|listen)' or query ~ 'k\\(xid, seq\\)')`
const endBackends = (which: string) =>
  app.sql(`select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and ${which}`)

const bodyOf = async (id: string) => (await app.sql('select body from notes where id = ?', [id]))[0].body

test('what is remembered counts while nothing has happened to the connections', async () => {
  const id = await lostNote()
  expect((await save(id, 2, { body: 'as is known' })).status).toBe(200)
})

test('a save over a new connection is authorized by the row that is there', async () => {
  const id = await lostNote()
  // Those of the pool alone: the feed has noticed nothing.
  await endBackends(`not ${IS_FEED}`)
  const [own] = await app.sql('select pg_backend_pid() as pid')
  await app.sql(`select pg_terminate_backend(${own.pid})`).catch(() => {})
  const answer = async () => {
    const answered = await save(id, 2, { body: 'built on the lost one' })
    return answered.status === 503 ? null : answered
  }
  const refused = await waitFor(answer, { what: 'an answer over a new connection' })
  expect([refused.status, refused.body.code]).toEqual([404, 'not_found'])
  expect(await bodyOf(id)).toBe('of Bob')
})

test.each([
  ['is another one', () => app.sql('update noclobber.log_epoch set epoch = ?', [randomUUID()])],
  ['loses the feed’s connection', () => endBackends(IS_FEED)],
])('a node whose database %s authorizes nobody by what it remembers', async (_what, happens) => {
  const socket = await app.socket()
  const id = await lostNote()
  await happens()
  // The feed looks again, for a save of something else wakes it: its next answer comes after all was forgotten.
  const other = await app.make('note', { owner: 'alice' })
  await waitFor(async () => (await socket.watch(['note', id])).records[0].ok === false, {
    what: 'the join is refused',
  })
  const refused = await save(id, 2, { body: 'built on the lost one' })
  expect([refused.status, refused.body.code]).toEqual([404, 'not_found'])
  expect((await app.call('GET', `/records/note/${id}/version`)).status).toBe(404)
  expect((await app.call('GET', `/records/note/${other.id}/version`)).status).toBe(200)
})

test('a save passes whose version comes back between its refusal and the look at why', async () => {
  const { id } = await app.make('project', { name: 'Bridge' })
  const areWaiting = (count: number) =>
    waitFor(async () => (await app.sql('select from pg_locks where not granted')).length === count, {
      what: `${count} to wait for locks`,
    })
  const setVersion = (transaction: Knex.Transaction, version: number) =>
    transaction.raw(`set local session_replication_role = replica; update projects set version = ${version}`)
  const ahead = await app.knex.transaction()
  await setVersion(ahead, 5)
  const saving = app.call('PATCH', `/records/project/${id}`, {
    body: { client_version: 1, changes: { name: 'Tunnel' } },
  })
  await areWaiting(1)
  // Next in the queue, and before the look at why.
  const restoring = app.knex.transaction(async (transaction) => {
    await transaction.raw('lock table projects in access exclusive mode')
    await setVersion(transaction, 1)
  })
  await areWaiting(2)
  await ahead.commit()
  await restoring
  const { status, body } = await saving
  expect([status, body.data?.fields.name]).toEqual([200, 'Tunnel'])
})

test('a change of the new history is sent, though the lost one of the same version was sent before', async () => {
  const socket = await app.socket({ as: 'vera' })
  await socket.watchList('project')
  const project = await app.make('project', { name: 'Bridge' })
  // A change that follows one which was sent is sent without waiting for the feed.
  await socket.flushed()
  const rename = (name: string) =>
    app.call('PATCH', `/records/project/${project.id}`, { body: { client_version: 1, changes: { name } } })
  await rename('lost')
  await socket.receives('RecordUpdated', { version: 2 })
  await socket.flushed()
  await app.knex.transaction(async (transaction) => {
    await transaction.raw('set local session_replication_role = replica')
    await transaction.raw(`update projects set name = 'Bridge', version = 1 where id = ?`, [project.id])
  })
  const count = () => socket.received.filter(({ name }) => name === 'RecordUpdated').length
  const before = count()
  await endBackends(IS_FEED)
  await waitFor(async () => (await app.records.health()).checks.feed.ok, { what: 'the feed' })
  await app.sql(`update projects set name = 'by hand' where id = ?`, [project.id])
  await socket.flushed()
  expect(count()).toBe(before + 1)
})

test('a save that was under way when the history may have changed hides no change of the new one', async () => {
  const socket = await app.socket({ as: 'vera' })
  await socket.watchList('project')
  const { id } = await app.make('project', { name: 'Bridge' })
  await socket.flushed()
  const goBack = () =>
    app.knex.transaction(async (transaction) => {
      await transaction.raw('set local session_replication_role = replica')
      await transaction.raw(
        `update projects set name = 'Bridge', version = 1, updated_at = now() - interval '1 hour' where id = ?`,
        [id],
      )
    })
  await goBack()
  const ahead = await app.knex.transaction()
  await ahead.raw('select from projects where id = ? for update', [id])
  const saving = app.call('PATCH', `/records/project/${id}`, {
    body: { client_version: 1, changes: { name: 'lost' } },
  })
  await waitFor(async () => (await app.sql('select from pg_locks where not granted')).length === 1, {
    what: 'the save to wait for the lock',
  })
  await endBackends(IS_FEED)
  const { id: other } = await app.make('project', { name: 'Tunnel' })
  await socket.receives('RecordCreated', { id: other })
  // A version that was opened again, and is old, is one whose save may go out ahead of the feed.
  await app.call('GET', `/records/project/${id}`)
  await ahead.commit()
  expect((await saving).status).toBe(200)
  await socket.receives('RecordUpdated', { id, version: 2 })
  await goBack()
  await app.sql(`update projects set name = 'by hand' where id = ?`, [id])
  await socket.flushed()
  const updates = socket.received.filter(({ name }) => name === 'RecordUpdated')
  expect(updates.map(({ event }) => event.version)).toEqual([2, 2])
})

test('after the versions were raised by hand, what was built on the lost one is refused', async () => {
  const project = await app.make('project', { name: 'Bridge' })
  const path = `/records/project/${project.id}`
  const rename = (client_version: number, name: string) =>
    app.call('PATCH', path, { body: { client_version, changes: { name } } })
  const lost = await rename(1, 'lost')
  await app.knex.transaction(async (transaction) => {
    await transaction.raw('set local session_replication_role = replica')
    await transaction.raw(`update projects set name = 'Bridge', version = 1 where id = ?`, [project.id])
    await transaction.raw(
      `delete from noclobber.record_changes where table_name = 'public.projects' and version = 2`,
    )
  })
  await app.knex.transaction(async (transaction) => {
    await transaction.raw('set local session_replication_role = replica')
    await transaction.raw('update projects set version = version + 1000000000')
    await transaction.raw('update noclobber.log_epoch set epoch = gen_random_uuid()')
  })
  const known = await app.call('GET', path, { headers: { 'if-none-match': lost.headers.get('etag') ?? '' } })
  expect([known.status, known.body.data.version]).toEqual([200, 1_000_000_001])
  const refused = await rename(2, 'built on the lost one')
  expect([refused.status, refused.body.changed_fields]).toEqual([409, null])
  expect((await rename(1_000_000_001, 'of Dora')).body.data).toMatchObject({ version: 1_000_000_002 })
})
