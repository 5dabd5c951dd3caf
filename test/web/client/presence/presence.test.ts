// Presence between the tabs of two people, through the real server.

import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { type Page, systemClock } from '../../../../web/client/base/clock.ts'
import { createWritable } from '../../../../web/client/base/store.ts'
import { newRecordId } from '../../../../web/client/http/new-record.ts'
import { localIdOf } from '../../../../web/client/offline/local-ids.ts'
import { createPresence } from '../../../../web/client/presence/presence.ts'
import type { RecordClient } from '../../../../web/client/record-client-options.ts'
import { waitFor } from '../../../support/wait-for.ts'
import { startLiveServer } from '../live-server.ts'

const server = await startLiveServer()

async function open(client: RecordClient, id: string) {
  const editor = client.editor('project', id)
  const close = editor.subscribe(() => {})
  await waitFor(() => editor.get().record && client.connection.get().status === 'live', {
    what: 'a live editor',
  })
  return close
}

const address = (id: string) => ({ type: 'project', id })

const sees = (client: RecordClient, id: string, expected: object[]) =>
  waitFor(
    () => {
      expect(client.presence.people(address(id)).get()).toMatchObject(expected)
      return true
    },
    { what: 'the people' },
  )

/** A page whose visibility a test turns. */
function createPage() {
  const listeners = new Set<() => void>()
  const page = { isVisible: () => visible, isOnline: () => true } as Page
  let visible = true
  page.onChange = (listener) => {
    listeners.add(listener)
    return () => listeners.delete(listener)
  }
  return {
    page,
    show(isVisible: boolean) {
      visible = isVisible
      for (const listener of listeners) listener()
    },
  }
}

test('people see each other, what they do, and that they have gone', async () => {
  const id = await server.createProject()
  const [alice, bob] = [server.openTab('alice'), server.openTab('bob')]
  await open(alice, id)
  const closeBob = await open(bob, id)
  alice.presence.announce(address(id), { state: 'viewing' })
  bob.presence.announce(address(id), { state: 'editing', field: 'name' })
  await sees(alice, id, [
    { user: { name: 'Bob' }, state: 'editing', field: 'name' },
    { user: { name: 'Alice' } },
  ])
  bob.presence.announce(address(id), { state: 'editing', field: 'status' })
  await sees(alice, id, [{ field: 'status' }, {}])
  closeBob()
  await sees(alice, id, [{ user: { name: 'Alice' } }])
})

test('a hidden tab is idle, and is back when it is seen again', async () => {
  const id = await server.createProject()
  const { page, show } = createPage()
  const [alice, bob] = [server.openTab('alice'), server.openTab('bob', { page })]
  await open(alice, id)
  await open(bob, id)
  bob.presence.announce(address(id), { state: 'editing' })
  await sees(alice, id, [{ state: 'editing' }])
  show(false)
  await sees(alice, id, [{ state: 'idle' }])
  show(true)
  await sees(alice, id, [{ state: 'editing' }])
})

test('a connection that was cut announces again who is there', async () => {
  const id = await server.createProject()
  const [alice, bob] = [server.openTab('alice'), server.openTab('bob')]
  await open(alice, id)
  await open(bob, id)
  bob.presence.announce(address(id), { state: 'viewing' })
  await sees(alice, id, [{ user: { name: 'Bob' } }])
  bob.reconnect()
  await sees(alice, id, [{ user: { name: 'Bob' }, tabs: 1 }])
})

test('one who leaves a record’s part of the page while the record stays open is gone at once', async () => {
  const id = await server.createProject()
  const [alice, bob] = [server.openTab('alice'), server.openTab('bob')]
  await open(alice, id)
  await open(bob, id)
  const stop = bob.presence.announce(address(id), { state: 'editing', field: 'name' })
  await sees(alice, id, [{ user: { name: 'Bob' }, state: 'editing' }])
  stop()
  await waitFor(() => alice.presence.people(address(id)).get().length === 0, { what: 'Bob to be gone' })
})

test('a tab that watches only the list is at a row that it edits, and its edits are shown while it is hidden', async () => {
  const id = await server.createProject()
  const { page, show } = createPage()
  const [alice, bob] = [server.openTab('alice'), server.openTab('bob', { page })]
  await open(alice, id)
  const joined = new Promise<void>((resolve) => {
    bob.watchList({ type: 'project' }, (received) => received.kind === 'joined' && resolve())
  })
  await joined
  bob.presence.announce(address(id), { state: 'editing', field: 'name', unsaved: true })
  await sees(alice, id, [{ user: { name: 'Bob' }, state: 'editing', field: 'name', unsaved: true }])
  show(false)
  await sees(alice, id, [{ state: 'idle', field: null, unsaved: true }])
  await alice.presence.takeOver.ask(address(id), { id: 'bob', name: 'Bob' })
  await waitFor(() => bob.presence.takeOver.at(address(id)).get().asker?.name === 'Alice', {
    what: 'the ask',
  })
})

test('nothing is sent of a record that the server doesn’t have: no presence, no request to take over, no answer', async () => {
  const sent: object[] = []
  const take = async (message: object) => {
    sent.push(message)
    return null
  }
  const { page } = createPage()
  const presence = createPresence({
    send: take,
    sendTakeOver: take,
    clock: systemClock,
    page,
    createWritable,
  })
  const bob = { id: 'bob', name: 'Bob' }
  for (const id of [newRecordId({}), localIdOf(randomUUID()), localIdOf('', 'key of the app')]) {
    const unmade = { type: 'project', id }
    presence.announce(unmade, { state: 'editing', field: 'name', unsaved: true })
    await presence.takeOver.ask(unmade, bob)
    expect(presence.takeOver.at(unmade).get().asked?.outcome).toBe('unreachable')
    presence.receive({ ...unmade, from: bob, say: 'ask' })
    await presence.takeOver.answer(unmade, 'handed_over')
  }
  presence.announce(address('7'), { state: 'editing' })
  await waitFor(() => sent.length > 0, { what: 'what is sent of a record that is there' })
  presence.close()
  expect(sent).toMatchObject([{ id: '7' }])
})
