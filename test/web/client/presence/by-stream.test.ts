// Presence between a page on an event stream and one on a socket, on the real server.

import { expect, test } from 'vitest'
import type { RecordClient } from '../../../../web/client/record-client-options.ts'
import { waitFor } from '../../../support/wait-for.ts'
import { startLiveServer } from '../live-server.ts'

const server = await startLiveServer()

const others = (client: RecordClient, id: string, own: string) =>
  client.presence
    .people({ type: 'project', id })
    .get()
    .filter(({ user }) => user.id !== own)

test('each sees what the other does, and that they have gone', async () => {
  const id = await server.createProject()
  const open = async (person: string, transport: 'event_stream' | 'websocket') => {
    const client = server.openTab(person, { transports: [transport], shareStream: false })
    client.editor('project', id).subscribe(() => {})
    client.presence.people({ type: 'project', id }).subscribe(() => {})
    await waitFor(() => client.connection.get().transport === transport, { what: transport })
    return client
  }
  const [alice, bob] = [await open('alice', 'event_stream'), await open('bob', 'websocket')]
  const leave = alice.presence.announce(
    { type: 'project', id },
    { state: 'editing', field: 'name', unsaved: true },
  )
  bob.presence.announce({ type: 'project', id }, { state: 'viewing' })
  await waitFor(() => others(bob, id, 'bob').length > 0, { what: 'Alice, at Bob’s' })
  expect(others(bob, id, 'bob')).toMatchObject([
    { user: { id: 'alice', name: 'Alice' }, state: 'editing', field: 'name', tabs: 1, unsaved: true },
  ])
  await waitFor(() => others(alice, id, 'alice').length > 0, { what: 'Bob, at Alice’s' })
  expect(others(alice, id, 'alice')).toMatchObject([{ user: { id: 'bob' }, state: 'viewing', tabs: 1 }])
  const atAlice = alice.presence.takeOver.at({ type: 'project', id })
  const atBob = bob.presence.takeOver.at({ type: 'project', id })
  for (const store of [atAlice, atBob]) store.subscribe(() => {})
  await bob.presence.takeOver.ask({ type: 'project', id }, { id: 'alice', name: 'Alice' })
  await waitFor(() => atAlice.get().asker?.id === 'bob', { what: 'Bob’s request, at Alice’s' })
  await alice.presence.takeOver.answer({ type: 'project', id }, 'handed_over')
  await waitFor(() => atBob.get().asked?.outcome === 'handed_over', { what: 'Alice’s answer, at Bob’s' })
  leave()
  await waitFor(() => others(bob, id, 'bob').length === 0, { what: 'nobody else, at Bob’s' })
  bob.close()
  await waitFor(() => others(alice, id, 'alice').length === 0, { what: 'nobody else, at Alice’s' })
})
