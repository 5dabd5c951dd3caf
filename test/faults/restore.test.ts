// A restore into a new cluster: anyone who comes with a position of the old one learns it and begins anew; versions and
// histories go on; what was in the dump is not sent again.
import { migrate } from 'noclobber/migrations'
import { expect, test } from 'vitest'
import { readCursors } from '../../server/log/cursor-key.ts'
import { followChanges } from '../../web/client/http/follow-changes.ts'
import { startApp, type TestApp, trackTables } from '../support/app.ts'
import { openStream } from '../support/app-stream.ts'
import { atEnd } from '../support/at-end.ts'
import { keyOf, type Written } from '../support/oracle-book.ts'
import { restoreInto, startAnotherCluster, withKnex } from '../support/restore.ts'
import { waitFor } from '../support/wait-for.ts'

const cluster = await startAnotherCluster()
const old = await startApp()
/** The restored log then comes from transactions that the new cluster has not reached. */
await old.sql('do $$ begin for i in 1..2000 loop perform pg_current_xact_id(); commit; end loop; end $$')
const { id } = await old.make('task', { project_id: 1, title: 'kept' })
await old.make('task', { project_id: 2, title: 'also kept' })
const stream = await openStream(old.origin, 'list=task')
await old.make('task', { project_id: 1, title: 'seen by the stream' })
await stream.receives('RecordCreated')

/** Positions that people hold while the database is dumped; changes lie ahead of each. */
const held = {
  feed: (await old.call('GET', '/changes')).body.cursor as string,
  list: (await old.call('GET', '/records/task')).body.cursor as string,
  stream: stream.lastId(),
}
const save = (app: TestApp, version: number, title: string) =>
  app.call('PATCH', `/records/task/${id}`, { body: { client_version: version, changes: { title } } })
await save(old, 1, 'changed before the dump')
await old.sql(`delete from tasks where project_id = 2`)
await old.stop()

await withKnex(cluster.url, async (knex) => {
  await migrate(knex)
  await trackTables(knex)
})
await restoreInto(old.database.url, cluster.url)
const app = await startApp({ database: { url: cluster.url, name: 'noclobber', drop: async () => {} } })

const changesAfter = async (cursor: string) => {
  const { status, body } = await app.call('GET', `/changes?cursor=${cursor}`)
  expect([status, body.more]).toEqual([200, false])
  return body as { data: Written[]; cursor: string; reset?: true }
}

test('is another history, though its transaction numbers are smaller', {
  tags: 'fault:database-restored',
}, async () => {
  const { decode } = await readCursors(app.knex)
  const here = decode((await app.call('GET', '/changes')).body.cursor)
  const was = decode(held.feed)
  expect(here?.epoch).not.toBe(was?.epoch)
  const xmin = (cursor: typeof was) => Number(cursor?.snapshot.split(':')[0])
  expect(xmin(here)).toBeLessThan(xmin(was))
})

test('a cursor of the feed is answered by a reset, and from its cursor on comes only what is new', {
  tags: 'fault:database-restored',
}, async () => {
  const reset = await changesAfter(held.feed)
  expect([reset.reset, reset.data]).toEqual([true, []])
  expect((await changesAfter(reset.cursor)).data).toEqual([])
  expect((await save(app, 2, 'changed after the restore')).status).toBe(200)
  const after = await changesAfter(reset.cursor)
  const [{ version }] = await app.sql('select version from tasks where id = ?', [id])
  expect(Number(version)).toBeGreaterThan(10_000)
  expect(after.data.map(keyOf)).toEqual([`task ${id} v${version} updated`])
  expect((await changesAfter(after.cursor)).data).toEqual([])
})

test('a program that follows reads everything anew, and then ends with what SQL says', async () => {
  const view = new Map<string, number>()
  let resets = 0
  const following = followChanges({
    url: `${app.origin}/api/v1`,
    cursor: held.feed,
    token: () => 'alice',
    types: ['task'],
    onReset: async () => {
      resets += 1
      view.clear()
      for (const record of (await app.call('GET', '/records/task')).body.data)
        view.set(record.id, record.version)
    },
  })
  atEnd(following.stop)
  const run = async () => {
    for await (const { changes } of following) {
      for (const change of changes) {
        if (change.event === 'deleted') view.delete(change.id)
        else view.set(change.id, change.version)
      }
    }
  }
  const running = run()
  await waitFor(() => resets === 1 && view.size > 0, { what: 'the reset' })
  await app.sql(`insert into tasks (tenant_id, project_id, title) values ('acme', 3, 'new')`)
  await app.sql(`update tasks set title = 'by hand' where id = ?`, [id])
  const truth = async () =>
    (await app.sql('select id, version from tasks order by id')).map((row) => `${row.id} v${row.version}`)
  const has = () => [...view].map(([key, version]) => `${key} v${version}`).sort()
  await waitFor(async () => String(has()) === String((await truth()).sort()), {
    what: 'the view to be SQL’s',
  })
  following.stop()
  await running
  expect(resets).toBe(1)
})

test('a list’s cursor gets the list anew', async () => {
  const { body } = await app.call('GET', `/records/task?cursor=${held.list}`)
  expect(body.reset).toBe(true)
  expect(body.data.map(({ id: key }: Written) => key)).toContain(id)
})

test('a watcher of a list learns that it is behind', async () => {
  const watcher = await app.socket()
  const answer = await watcher.ask('watch', { lists: [{ type: 'task', cursor: held.list }] })
  expect(answer.lists[0]).toMatchObject({ ok: true, behind: true })
})

test('a stream that resumes is sent Resync, and goes on', async () => {
  const resumed = await openStream(app.origin, 'list=task', { after: held.stream })
  await resumed.receives('Resync')
  const made = await app.make('task', { project_id: 1, title: 'after the restore' })
  await resumed.receives('RecordCreated', { id: made.id })
  expect(resumed.received.filter(({ event }) => event?.type === 'task' && event.id !== made.id)).toEqual([])
})

test('versions and histories go on, and an editor of before the dump is refused as stale', {
  tags: 'fault:database-restored',
}, async () => {
  const refused = await save(app, 1, 'from an old window')
  expect([refused.status, refused.body.code, refused.body.changed_fields]).toEqual([
    409,
    'stale_record',
    ['title'],
  ])
  const { body } = await app.call('GET', `/records/task/${id}/history`)
  const versions = body.data.map(({ version }: { version: number }) => version)
  expect(versions.slice(-2)).toEqual([2, 1])
  expect(versions).toEqual([...new Set(versions)].sort((one, other) => Number(other) - Number(one)))
  expect(versions.length).toBeGreaterThanOrEqual(2)
})

test('all that the log holds can be had from its start, once', async () => {
  const { data } = await changesAfter('start')
  const keys = data.map(keyOf)
  expect(new Set(keys).size).toBe(keys.length)
  expect(keys).toContain(`task ${id} v1 created`)
  const [{ count }] = await app.sql(
    `select count(*)::int as count from noclobber.changes where tenant_id = 'acme'`,
  )
  expect(keys).toHaveLength(count)
})
