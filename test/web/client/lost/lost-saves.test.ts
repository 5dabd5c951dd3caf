// Saves without an editor that the server's database lost: each is named to the page, and offered by its record's editor.
import { expect, test } from 'vitest'
import { createCellEditor } from '../../../../web/client/list/cell-editor.ts'
import { bannerFor } from '../../../../web/client/record/banner.ts'
import { createRecordClient } from '../../../../web/client/record-client.ts'
import { createWords } from '../../../../web/client/words/messages.ts'
import { startApp } from '../../../support/app.ts'
import { atEnd } from '../../../support/at-end.ts'
import { keptTables, NEW_EPOCH } from '../../../support/kept-tables.ts'
import { waitFor } from '../../../support/wait-for.ts'

const app = await startApp()
let person = 'alice'
/** So many requests for histories get no answer. */
let failing = 0
const client = createRecordClient({
  url: `${app.origin}/api/v1`,
  token: () => person,
  userId: () => person,
  fetch: async (input, init) => {
    if (!String(input).includes('/history') || failing === 0) return fetch(input, init)
    failing -= 1
    throw new TypeError('The line is cut.')
  },
})
atEnd(() => client.close())

const backup = keptTables(app.knex, ['projects', 'noclobber.record_changes'])

/** The database is in another history, in which all is as it was kept. */
const goBack = (also = '') => backup.putBack(`${NEW_EPOCH}; ${also}`)

const sentenceOf = (id: string) => {
  const banner = bannerFor(client.editor('project', id).get(), Date.now(), createWords())
  return banner?.parts.map(({ text }) => text).join('')
}

test('a lost save behind a newer version is offered, though the history was not to be had at first', async () => {
  const { id } = await app.make('project', { name: 'Bridge' })
  await backup.keep()
  const editor = client.editor<{ name: string }>('project', id)
  const stop = editor.subscribe(() => {})
  await waitFor(() => editor.get().record, { what: 'the record' })
  editor.change('name', 'Lost')
  await editor.save()
  failing = 1
  await goBack(
    `set local session_replication_role = origin; update projects set notes = 'newer' where id = ${id}`,
  )
  await waitFor(() => sentenceOf(id)?.includes('Your saved change to Name'), {
    what: () => `the sentence, not ${sentenceOf(id)}`,
    deadlineMs: 60_000,
  })
  expect(failing).toBe(0)
  editor.dismiss()
  stop()
})

test('a page that polls is offered what it saved before it first polled, behind a newer version', async () => {
  const { id } = await app.make('project', { name: 'Bridge' })
  await backup.keep()
  let isVisible = true
  const listeners: (() => void)[] = []
  const polling = createRecordClient({
    url: `${app.origin}/api/v1`,
    token: () => 'alice',
    transports: [],
    page: {
      isVisible: () => isVisible,
      isOnline: () => true,
      onChange(listener) {
        listeners.push(listener)
        return () => {}
      },
    },
  })
  atEnd(() => polling.close())
  const editor = polling.editor<{ name: string }>('project', id)
  atEnd(editor.subscribe(() => {}))
  await waitFor(() => editor.get().record, { what: 'the record' })
  editor.change('name', 'Lost')
  await expect(editor.save()).resolves.toMatchObject({ outcome: 'saved' })
  await goBack()
  await app.sql(`update projects set notes = 'newer', name = 'Newer' where id = ${id}`)
  for (isVisible of [false, true]) for (const listener of listeners) listener()
  await waitFor(() => editor.get().kept, { what: 'the lost save', deadlineMs: 60_000 })
  expect(editor.get()).toMatchObject({
    record: { fields: { name: 'Newer' } },
    kept: { fields: { name: 'Lost' }, lost: { fields: ['name'] } },
  })
})

test('a lost save of a cell and of the client are named, and offered by the editors', async () => {
  const [one, two, kept] = [
    await app.make('project', { name: 'Bridge' }),
    await app.make('project', { name: 'Bridge' }),
    await app.make('project', { name: 'Bridge' }),
  ]
  await backup.keep()
  const list = client.liveList('project')
  atEnd(list.subscribe(() => {}))
  const row = await waitFor(() => list.get().byId.get(one.id), { what: 'the list' })
  const cell = createCellEditor(client, list)
  cell.begin(row, 'name')
  cell.change('Lost in a cell')
  await cell.save()
  await client.save('project', two.id, { clientVersion: two.version, changes: { status: 'done' } })
  await goBack()
  failing = 1
  await client.save('project', kept.id, { clientVersion: kept.version, changes: { name: 'Kept' } })
  await waitFor(() => client.lostSaves.get().length === 2, { what: 'the lost saves', deadlineMs: 60_000 })
  const named = new Map(client.lostSaves.get().map(({ id, changes }) => [id, changes]))
  expect(named).toEqual(
    new Map<string, object>([
      [one.id, { name: 'Lost in a cell' }],
      [two.id, { status: 'done' }],
    ]),
  )
  const editor = client.editor<{ name: string }>('project', one.id)
  atEnd(editor.subscribe(() => {}))
  await waitFor(() => editor.get().record, { what: 'the record' })
  expect(sentenceOf(one.id)).toMatch(/^The server was restored. Your saved change to Name from .+ was lost.$/)
  editor.restore()
  expect(editor.values().name).toBe('Lost in a cell')
  await expect(editor.save()).resolves.toMatchObject({ outcome: 'saved' })

  const first = client.lostSaves.get().find(({ id }) => id === one.id)
  if (first) client.dismissLost(first)
  expect(client.lostSaves.get().map(({ id }) => id)).toEqual([two.id])
  person = 'bob'
  client.reconnect()
  expect(client.lostSaves.get()).toEqual([])
})
