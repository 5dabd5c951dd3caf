// Creations, bulk edits and imports that the server's database lost: each is named to the page, and made once more where it asks.
import { beforeEach, expect, test } from 'vitest'
import type { LostSave } from '../../../../web/client/lost/types.ts'
import { bannerFor } from '../../../../web/client/record/banner.ts'
import { createRecordClient } from '../../../../web/client/record-client.ts'
import { createWords } from '../../../../web/client/words/messages.ts'
import { startApp } from '../../../support/app.ts'
import { atEnd } from '../../../support/at-end.ts'
import { keptTables, NEW_EPOCH } from '../../../support/kept-tables.ts'
import { waitFor } from '../../../support/wait-for.ts'

const app = await startApp()
/** So many imports get no answer. */
let failing = 0
const openClient = () => {
  const client = createRecordClient({
    url: `${app.origin}/api/v1`,
    token: () => 'alice',
    userId: () => 'alice',
    fetch: async (input, init) => {
      if (!String(input).includes('/import') || failing === 0) return fetch(input, init)
      failing -= 1
      throw new TypeError('The line is cut.')
    },
  })
  atEnd(() => client.close())
  return client
}
let client = openClient()
beforeEach(() => {
  client.close()
  client = openClient()
})

const backup = keptTables(app.knex, [
  'projects',
  'noclobber.record_changes',
  'noclobber.change_batches',
  'noclobber.mutations',
])

/** The database is in another history, in which all is as it was kept. */
const goBack = () => backup.putBack(NEW_EPOCH)

const projects = async () =>
  (await client.list('project', { limit: 500 })) as { data: { id: string; fields: object }[] }

/** Somebody watches, so that the page learns of another history. */
const watch = async () => {
  const list = client.liveList('project')
  const { id } = await app.make('project', { name: 'Watched' })
  const editor = client.editor('project', id)
  atEnd(editor.subscribe(() => {}))
  atEnd(list.subscribe(() => {}))
  await waitFor(() => editor.get().record && client.connection.get().status === 'live', { what: 'the page' })
}

const theLost = (count: number) =>
  waitFor(() => client.lostSaves.get().length === count && client.lostSaves.get(), {
    what: () => `${count} lost writes, not ${JSON.stringify(client.lostSaves.get())}`,
    deadlineMs: 60_000,
  }) as Promise<readonly LostSave[]>

test('a lost creation is named with what was saved later, said in its page, and made once more, once', async () => {
  await watch()
  await backup.keep()
  const created = await client.create('project', { name: 'Bridge' })
  if (created.outcome !== 'created') throw new Error(created.outcome)
  const { id, version } = created.record
  await client.save('project', id, { clientVersion: version, changes: { notes: 'of stone' } })
  const editor = client.editor<{ name: string; status: string }>('project', id)
  atEnd(editor.subscribe(() => {}))
  await waitFor(() => editor.get().record, { what: 'the record' })
  editor.change('status', 'done')
  await expect(editor.save()).resolves.toMatchObject({ outcome: 'saved' })
  await goBack()
  const [lost] = (await theLost(1)) as [LostSave]
  expect(lost).toMatchObject({ what: 'creation', type: 'project', id, count: 1 })
  expect(lost.changes).toEqual({ name: 'Bridge', notes: 'of stone', status: 'done' })
  const banner = () => bannerFor(editor.get(), Date.now(), createWords(), { mayRecreate: true })
  await waitFor(() => banner()?.key === 'creation_lost', { what: () => JSON.stringify(banner()) })
  expect(
    banner()
      ?.parts.map(({ text }) => text)
      .join(''),
  ).toMatch(/^The server was restored. The record that you created at .+ was lost.$/)
  expect(banner()?.buttons.map(({ action }) => action)).toEqual(['copy', 'recreate'])
  const outcomes = await Promise.all([client.restoreLost(lost), client.restoreLost(lost)])
  expect(outcomes.map((outcome) => outcome?.outcome)).toEqual(['created', 'created'])
  expect(client.lostSaves.get()).toEqual([])
  const { data } = await projects()
  expect(data.filter(({ fields }) => 'notes' in fields && fields.notes === 'of stone')).toHaveLength(1)
})

test('the page of a lost creation creates it again', async () => {
  await watch()
  await backup.keep()
  const created = await client.create('project', { name: 'Tunnel' })
  if (created.outcome !== 'created') throw new Error(created.outcome)
  const editor = client.editor<{ name: string }>('project', created.record.id)
  atEnd(editor.subscribe(() => {}))
  await waitFor(() => editor.get().record, { what: 'the record' })
  await goBack()
  await waitFor(() => editor.get().lostCreation, { what: 'the lost creation', deadlineMs: 60_000 })
  expect(editor.values()).toEqual({ name: 'Tunnel' })
  await expect(editor.recreate()).resolves.toMatchObject({
    outcome: 'created',
    record: { fields: { name: 'Tunnel' } },
  })
})

test('a lost bulk edit is named once, and made again on what its records are now; one that is there isn’t', async () => {
  await watch()
  const made = [
    await app.make('project', { name: 'One' }),
    await app.make('project', { name: 'Two' }),
    await app.make('project', { name: 'Three' }),
  ] as { id: string; version: number }[]
  const records = made.map(({ id, version }) => ({ id, clientVersion: version }))
  const kept = await client.saveMany('project', { records: records.slice(2), changes: { notes: 'kept' } })
  expect(kept.outcome).toBe('saved')
  await backup.keep()
  const saved = await client.saveMany('project', {
    records: records.slice(0, 2),
    changes: { status: 'done' },
  })
  expect(saved.outcome).toBe('saved')
  await goBack()
  const [lost] = (await theLost(1)) as [LostSave]
  expect(lost).toMatchObject({ what: 'bulk', type: 'project', count: 2, changes: { status: 'done' } })
  await app.sql(`update projects set name = 'Renamed' where id = ${records[0]?.id}`)
  await expect(client.restoreLost(lost)).resolves.toMatchObject({ outcome: 'saved' })
  expect(client.lostSaves.get()).toEqual([])
  const rows = await app.sql(
    `select name, status from projects where id in (${records.slice(0, 2).map(({ id }) => id)}) order by id`,
  )
  expect(rows).toEqual([
    { name: 'Renamed', status: 'done' },
    { name: 'Two', status: 'done' },
  ])
})

test('a lost import is named with its file and count, though the server was away at first, and made again', async () => {
  await watch()
  const file = (name: string, text: string) => Object.assign(new Blob([text], { type: 'text/csv' }), { name })
  const options = { key: null }
  const kept = await client.importFile('project', file('kept.csv', 'name\nKept by import\n'), options)
  expect(kept.outcome).toBe('imported')
  await backup.keep()
  const lostFile = file('bridges.csv', 'name\nStone\nWood\n')
  expect((await client.importFile('project', lostFile, options)).outcome).toBe('imported')
  failing = 1
  await goBack()
  const [lost] = (await theLost(1)) as [LostSave]
  expect(lost).toMatchObject({ what: 'import', type: 'project', fileName: 'bridges.csv', count: 2 })
  expect(failing).toBe(0)
  await expect(client.restoreLost(lost)).resolves.toMatchObject({ outcome: 'imported' })
  expect(client.lostSaves.get()).toEqual([])
  const names = await app.sql(
    `select name from projects where name in ('Stone', 'Wood', 'Kept by import') order by name`,
  )
  expect(names.map(({ name }) => name)).toEqual(['Kept by import', 'Stone', 'Wood'])
})

test('a lost save is found behind more changes than a page of the history has', async () => {
  await watch()
  const { id, version } = (await app.make('project', { name: 'Bridge' })) as { id: string; version: number }
  await backup.keep()
  await client.save('project', id, { clientVersion: version, changes: { name: 'Lost' } })
  await goBack()
  for (let at = 0; at < 60; at += 1) await app.sql(`update projects set notes = '${at}' where id = ${id}`)
  const [lost] = (await theLost(1)) as [LostSave]
  expect(lost).toMatchObject({ what: 'save', id, changes: { name: 'Lost' } })
})
