// Whom an event reaches in a page: not who wrote it here, and everybody else, whatever tab a foreign event names.
import { expect, test } from 'vitest'
import type { Writer } from '../../../../server/protocol/index.ts'
import { createListeners } from '../../../../web/client/base/store.ts'
import {
  createEventRouter,
  type ListEvent,
  type ReceivedEvent,
} from '../../../../web/client/transport/event-router.ts'
import type { RemoteVersion, TransportEvent } from '../../../../web/client/transport/transport.ts'
import { createManualClock } from '../../../support/clocks.ts'

const ALICE: Writer = { id: 'alice', name: 'Alice', kind: 'user' }
const BOB: Writer = { id: 'bob', name: 'Bob', kind: 'user' }

/** Alice's page, `tab`. */
function routed() {
  const versions: RemoteVersion[] = []
  const inList: ListEvent[] = []
  const seen: ReceivedEvent[] = []
  const observers = createListeners<[ReceivedEvent]>()
  observers.add((received) => seen.push(received))
  const router = createEventRouter({
    observers,
    lists: new Map([['project', [(event: ListEvent) => void inList.push(event)]]]),
    tabId: 'tab',
    clock: createManualClock(),
    localTime: () => 0,
    isOwn: (by) => by?.id === 'alice',
    isColleague: (by) => by !== null && by.id !== 'alice',
    onRemoteVersion: (_, remote) => void versions.push(remote),
    onRevoked() {},
    onPresence() {},
    onResync() {},
    onAge() {},
  })
  const updated = (by: Writer, tab_id: string | null): TransportEvent => ({
    name: 'RecordUpdated',
    event: {
      type: 'project',
      id: '1',
      tenant_id: 'acme',
      version: 2,
      changed_fields: ['name'],
      updated_at: '2026-11-21T09:30:00.000000Z',
      updated_by: by,
      tab_id,
    },
  })
  return {
    receive: (by: Writer, tab: string | null) => router.receive(updated(by, tab)),
    versions,
    inList,
    seen,
  }
}

test('what this page wrote is for the observers alone', () => {
  const { receive, versions, inList, seen } = routed()
  receive(ALICE, 'tab')
  expect([versions, inList]).toEqual([[], []])
  expect(seen).toMatchObject([{ isOwnTab: true }])
})

test('what another page of the same person wrote comes as theirs', () => {
  const { receive, versions, inList } = routed()
  receive(ALICE, 'other')
  expect(versions).toMatchObject([{ version: 2, isOwn: true }])
  expect(inList).toHaveLength(1)
})

test('what somebody else wrote comes, though it names this page', () => {
  const { receive, versions, seen } = routed()
  receive(BOB, 'tab')
  expect(versions).toMatchObject([{ version: 2, isOwn: false }])
  expect(seen).toMatchObject([{ isOwnTab: false }])
})
