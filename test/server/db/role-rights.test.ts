// A server whose role isn't the one that ran the migrations: with the rights that docs/operating.md grants it does everything.
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { doctor, pruneLog } from 'noclobber/server'
import { expect, test } from 'vitest'
import { startApp, type TestApp } from '../../support/app.ts'
import { atEnd } from '../../support/at-end.ts'

const OPERATING = fileURLToPath(new URL('../../../docs/operating.md', import.meta.url))

const granted = async () => {
  const text = await readFile(OPERATING, 'utf8')
  const section = text.slice(text.indexOf("## Rights of the server's role"))
  const [, sql = ''] = /```sql\n([\s\S]*?)```/.exec(section) ?? []
  expect(sql).toContain('to app;')
  return sql
}

/** Tables of its own, that a role may write; and that role's URL. */
const strangerOf = async (owner: TestApp, ...grants: string[]) => {
  const role = `app_${randomBytes(6).toString('hex')}`
  await owner.sql(`create role ${role} login password 'x'`)
  atEnd(() => owner.sql(`drop owned by ${role}; drop role ${role}`))
  for (const sql of [
    'grant select, insert, update, delete on all tables in schema public to app;',
    'grant usage on all sequences in schema public to app;',
    ...grants,
  ])
    await owner.sql(sql.replaceAll(' to app;', ` to ${role};`))
  const url = new URL(owner.database.url)
  url.username = role
  url.password = 'x'
  return { role, url: url.href }
}

test('does everything with the rights that the manual grants', async () => {
  const owner = await startApp()
  const { url } = await strangerOf(owner, await granted())
  const app = await startApp({ database: owner.database, databaseUrl: url })
  const { id } = await app.make('project', { name: 'Bridge' })
  const save = (name: string) =>
    app.call('PATCH', `/records/project/${id}`, {
      body: { client_version: 1, changes: { name }, mutation_id: 'first' },
    })
  expect((await save('Harbour')).body.data).toMatchObject({ version: 2 })
  expect((await save('Harbour')).body.data).toMatchObject({ version: 2 })
  const many = { changes: { status: 'active' }, records: [{ id, client_version: 2 }], mutation_id: 'many' }
  expect((await app.call('PATCH', '/records/project', { body: many })).body.data).toMatchObject([
    { version: 3 },
  ])
  const file = { text: 'name\nA\nB\n', headers: { 'content-type': 'text/csv' } }
  expect((await app.call('POST', '/records/project/import', file)).status).toBe(200)
  expect((await app.call('GET', `/records/project/${id}/history`)).body.data).toHaveLength(3)
  const removed = await app.call('DELETE', `/records/project/${id}`, { body: { client_version: 3 } })
  expect(removed.status).toBe(204)
  const { body } = await app.call('GET', '/changes')
  expect((await app.call('GET', `/changes?cursor=${body.cursor}`)).status).toBe(200)
  await pruneLog(app.knex, { retentionMs: 0 })
  expect((await doctor(app.knex)).findings.filter(({ level }) => level === 'problem')).toEqual([])
})

test.each([
  ['nothing', [], /lacks rights on schema noclobber: usage of it, .*select on record_changes/],
  [
    'reading alone',
    ['grant usage on schema noclobber to app;', 'grant select on all tables in schema noclobber to app;'],
    /noclobber: delete on mutations, delete on record_changes, insert on mutations, .*operating\.md/,
  ],
])('with %s it does not start, and says what it lacks', async (_, grants, sentence) => {
  const owner = await startApp()
  const { role, url } = await strangerOf(owner, ...grants)
  const app = await startApp({ database: owner.database, databaseUrl: url, awaitStart: false })
  const failure: Error = await app.records.start().then(
    () => new Error('It started.'),
    (error) => error,
  )
  expect(failure.message).toMatch(sentence)
  expect(failure.message).toContain(role)
})
