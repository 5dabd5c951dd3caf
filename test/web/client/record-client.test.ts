// The client against the real server, database and sockets: what two people meet who have one record open.

import { expect, test } from 'vitest'
import { bannerFor } from '../../../web/client/record/banner.ts'
import type { RecordStore } from '../../../web/client/record/store.ts'
import type { RecordClient } from '../../../web/client/record-client-options.ts'
import { createWords } from '../../../web/client/words/messages.ts'
import { waitFor } from '../../support/wait-for.ts'
import { type Project, startLiveServer } from './live-server.ts'

const server = await startLiveServer()

const words = createWords()

const sentence = (editor: RecordStore<Project>) =>
  bannerFor(editor.get(), Date.now(), words)
    ?.parts.map(({ text }) => text)
    .join('')

/** The record on this tab's screen, loaded and live. */
async function open(client: RecordClient, id: string) {
  const editor = client.editor<Project>('project', id)
  const close = editor.subscribe(() => {})
  await waitFor(() => editor.get().record && client.connection.get().status === 'live', {
    what: 'a live editor',
  })
  return { editor, close }
}

const shows = (editor: RecordStore<Project>, version: number) =>
  waitFor(() => editor.get().status === 'clean' && editor.get().record?.version === version, {
    what: `version ${version}, was ${editor.get().status} at ${editor.get().record?.version}`,
  })

async function twoEditors() {
  const id = await server.createProject()
  const [alice, bob] = [server.openTab('alice'), server.openTab('bob')]
  return { id, alice, bob, mine: (await open(alice, id)).editor, theirs: (await open(bob, id)).editor }
}

test('who types nothing sees the other’s save by itself, with a highlight and a name', async () => {
  const { mine, theirs } = await twoEditors()
  theirs.change('status', 'done')
  await expect(theirs.save()).resolves.toMatchObject({ outcome: 'saved', record: { version: 2 } })
  await waitFor(() => mine.get().highlighted.includes('status'), { what: 'the highlight' })
  expect(mine.values()).toMatchObject({ status: 'done' })
  expect(sentence(mine)).toBe('Updated by Bob just now: Status.')
  expect(theirs.get()).toMatchObject({ status: 'clean', notice: { kind: 'saved' } })
  expect(sentence(theirs)).toBe('Saved, version 2.')
})

test('who types is notified, refused, reads both sides, reloads, restores and saves', async () => {
  const { mine, theirs } = await twoEditors()
  mine.change('name', 'Tunnel')
  theirs.change('name', 'Ferry')
  await theirs.save()
  await waitFor(() => mine.get().newer, { what: 'the newer version' })
  expect(sentence(mine)).toBe('Updated by Bob just now. You both changed: Name.')
  mine.dismiss()
  expect(sentence(mine)).toBeUndefined()

  await expect(mine.save()).resolves.toMatchObject({ outcome: 'conflict' })
  expect(mine.get()).toMatchObject({
    status: 'conflicted',
    conflict: { current: { fields: { name: 'Ferry' } } },
  })
  expect(mine.values()).toMatchObject({ name: 'Tunnel' })
  mine.reload()
  expect(mine.values()).toMatchObject({ name: 'Ferry' })
  expect(sentence(mine)).toBe('Loaded version 2. Your unsaved edits are kept.')
  mine.restore()
  await expect(mine.save()).resolves.toMatchObject({ outcome: 'saved', record: { version: 3 } })
  await shows(theirs, 3)
})

test('a change by hand is shown as one from outside the app', async () => {
  const { id, mine } = await twoEditors()
  mine.change('name', 'Tunnel')
  await server.sql(`update projects set status = 'done' where id = ${id}`)
  await waitFor(() => mine.get().newer, { what: 'the newer version' })
  expect(sentence(mine)).toMatch(
    /^Updated outside the app \(\w+\) just now: Status\. Your edits don’t overlap\.$/,
  )
})

test('a deletion is shown with its author, and what is typed stays', async () => {
  const { mine, theirs } = await twoEditors()
  mine.change('name', 'Tunnel')
  await expect(theirs.remove()).resolves.toEqual({ outcome: 'removed' })
  await waitFor(() => mine.get().status === 'gone', { what: 'the deletion' })
  expect(sentence(mine)).toBe('Deleted by Bob. You can copy your edits, but not save them here.')
  expect(mine.values()).toMatchObject({ name: 'Tunnel' })
})

test('my other tab’s save is called mine', async () => {
  const id = await server.createProject()
  const options = { userId: () => 'alice' }
  const here = (await open(server.openTab('alice', options), id)).editor
  const there = (await open(server.openTab('alice', options), id)).editor
  here.change('name', 'Tunnel')
  there.change('status', 'done')
  await there.save()
  await waitFor(() => here.get().newer, { what: 'the newer version' })
  expect(sentence(here)).toBe('You saved this record in another tab. Your edits don’t overlap.')
})

test('what happened while the connection was cut is there after it', async () => {
  const { id, alice, mine } = await twoEditors()
  server.io.disconnectSockets(true)
  await waitFor(() => alice.connection.get().status !== 'live', { what: 'the cut' })
  await server.sql(`update projects set status = 'done' where id = ${id}`)
  await shows(mine, 2)
  await waitFor(() => alice.connection.get().status === 'live', { what: 'the connection' })
})

test('long polling is live too', async () => {
  const id = await server.createProject()
  const client = server.openTab('alice', { transports: ['long_polling'] })
  const { editor } = await open(client, id)
  expect(client.connection.get()).toMatchObject({ status: 'live', transport: 'long_polling' })
  await server.sql(`update projects set status = 'done' where id = ${id}`)
  await shows(editor, 2)
})

test('where no socket comes through, versions are polled and saves are guarded', async () => {
  const id = await server.createProject()
  const client = server.openTab('alice', { socketPath: '/nowhere' })
  const editor = client.editor<Project>('project', id)
  editor.subscribe(() => {})
  await waitFor(() => client.connection.get().status === 'polling', { what: 'polling' })
  await server.sql(`update projects set status = 'done' where id = ${id}`)
  await shows(editor, 2)
})

test('a hidden page asks for nothing, and at once when it is back', async () => {
  const id = await server.createProject()
  let isVisible = true
  let requestCount = 0
  const listeners = new Set<() => void>()
  const show = (visible: boolean) => {
    isVisible = visible
    for (const notify of listeners) notify()
  }
  const client = server.openTab('alice', {
    socketPath: '/nowhere',
    // No timer of the client's rings: what is asked for is asked because the page is back.
    clock: { now: () => Date.now(), after: () => () => {} },
    page: {
      isVisible: () => isVisible,
      isOnline: () => true,
      onChange(listener) {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    },
    fetch(input, init) {
      requestCount += 1
      return fetch(input, init)
    },
  })
  const editor = client.editor<Project>('project', id)
  editor.subscribe(() => {})
  await waitFor(() => editor.get().record, { what: 'the record' })
  show(false)
  await server.sql(`update projects set status = 'done' where id = ${id}`)
  const before = requestCount
  show(false)
  expect(requestCount).toBe(before)
  show(true)
  await waitFor(() => editor.get().newer?.version === 2, { what: 'the newer version' })
})

test('offline is said, what is typed is kept, and the same save goes out when the server is back', async () => {
  const id = await server.createProject()
  let isCut = false
  const ids: unknown[] = []
  const client = server.openTab('alice', {
    fetch(input, init) {
      if (init?.method === 'PATCH') ids.push(JSON.parse(String(init.body)).mutation_id)
      return isCut ? Promise.reject(new TypeError('cut')) : fetch(input, init)
    },
  })
  const { editor } = await open(client, id)
  editor.change('name', 'Tunnel')
  isCut = true
  await expect(editor.save()).resolves.toMatchObject({ outcome: 'unreachable' })
  expect(editor.get()).toMatchObject({ status: 'offline', draft: { name: 'Tunnel' } })
  expect(sentence(editor)).toBe('Not saved: no answer from the server. Your edits are kept.')
  isCut = false
  await expect(editor.save()).resolves.toMatchObject({ outcome: 'saved', record: { version: 2 } })
  expect(new Set(ids).size).toBe(1)
})

test('an answer that got lost is one write, under one mutation id', async () => {
  const id = await server.createProject()
  let lost = 0
  const client = server.openTab('alice', {
    async fetch(input, init) {
      const answer = await fetch(input, init)
      if (init?.method !== 'PATCH' || lost > 0) return answer
      lost += 1
      throw new TypeError('the answer was lost')
    },
  })
  const { editor } = await open(client, id)
  editor.change('name', 'Tunnel')
  await expect(editor.save()).resolves.toMatchObject({ outcome: 'saved', record: { version: 2 } })
  expect(lost).toBe(1)
  expect(editor.get()).toMatchObject({ status: 'clean', record: { version: 2 } })
})

test('a refused sign-in is no outage: it is said, keeps what is typed, and ends with the next sign-in', async () => {
  const id = await server.createProject()
  let person: string | null = 'alice'
  let signedOutCount = 0
  const client = server.openTab(() => person, { onSignedOut: () => (signedOutCount += 1) })
  const { editor } = await open(client, id)
  editor.change('name', 'Tunnel')
  person = null
  await expect(editor.save()).resolves.toEqual({ outcome: 'unauthenticated' })
  expect(editor.get()).toMatchObject({ status: 'signed_out', draft: { name: 'Tunnel' } })
  expect(client.connection.get().status).toBe('signed_out')
  expect(signedOutCount).toBe(1)
  person = 'alice'
  client.reconnect()
  await waitFor(() => client.connection.get().status === 'live', { what: 'the connection' })
  await waitFor(() => editor.get().status === 'dirty', { what: 'the editor' })
  await expect(editor.save()).resolves.toMatchObject({ outcome: 'saved' })
})

test('invalid values come back by field, and typing takes the error away', async () => {
  const { mine } = await twoEditors()
  mine.change('name', '')
  await expect(mine.save()).resolves.toMatchObject({ outcome: 'invalid' })
  expect(mine.get()).toMatchObject({ status: 'dirty', errors: { name: expect.any(String) } })
  mine.change('name', 'T')
  expect(mine.get().errors).toEqual({})
})

test('a record that is not there is not shown', async () => {
  const client = server.openTab('alice')
  const editor = client.editor<Project>('project', '4711')
  editor.subscribe(() => {})
  await waitFor(() => editor.get().status === 'forbidden', { what: 'the answer' })
  expect(sentence(editor)).toBe('This record does not exist, or you may not see it.')
})

test('a watched list receives each foreign event of its type, and every event can be seen', async () => {
  const { bob, theirs } = await twoEditors()
  const client = server.openTab('alice')
  const seen: string[] = []
  const received: string[] = []
  client.onEvent(({ event, sizeBytes }) => void (sizeBytes < 1024 && seen.push(event.name)))
  client.watchList({ type: 'project' }, (event) => void received.push(event.kind))
  await waitFor(() => received.includes('joined'), { what: 'the join' })
  theirs.change('status', 'done')
  await theirs.save()
  await waitFor(() => received.includes('event'), { what: 'the event' })
  expect(seen).toContain('RecordUpdated')
  bob.close()
})

test('a colleague who copies a tab’s id keeps nothing from it', async () => {
  const id = await server.createProject()
  const alice = server.openTab('alice', { tabId: 'copied', userId: () => 'alice' })
  const bob = server.openTab('bob', { tabId: 'copied', userId: () => 'bob' })
  const [hers, bobs] = [await open(alice, id), await open(bob, id)]
  const received: unknown[] = []
  alice.watchList({ type: 'project' }, (event) => event.kind === 'event' && received.push(event.event))
  hers.editor.change('name', 'Hers')
  bobs.editor.change('status', 'done')
  await bobs.editor.save()
  await waitFor(() => hers.editor.get().newer, { what: 'the newer version' })
  expect(sentence(hers.editor)).toMatch(/^Updated by Bob/)
  await waitFor(() => received.length === 1, { what: 'the list to receive' })
})

test('a removal past the editor is shown in it', async () => {
  const id = await server.createProject()
  const client = server.openTab('alice')
  const { editor } = await open(client, id)
  await expect(client.remove('project', id, { clientVersion: 1 })).resolves.toEqual({ outcome: 'removed' })
  expect(editor.get()).toMatchObject({ status: 'gone', deletion: { isOwn: true, version: 2 } })
})

test('an editor that nobody looks at leaves its room, unless something is typed it is forgotten', async () => {
  const id = await server.createProject()
  const client = server.openTab('alice')
  const { editor, close } = await open(client, id)
  const rooms = () =>
    [...server.io.sockets.adapter.rooms.keys()].filter((room) => room.endsWith(`project:${id}`))
  expect(rooms()).toHaveLength(1)
  editor.change('name', 'Tunnel')
  close()
  await waitFor(() => rooms().length === 0, { what: 'an empty room' })
  const again = await open(client, id)
  expect(again.editor.values()).toMatchObject({ name: 'Tunnel' })
  again.editor.revert()
})
