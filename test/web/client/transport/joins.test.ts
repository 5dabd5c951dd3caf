// What becomes of the answer to a join: it counts for the connection that was asked, and for the lists as they are by then.
import { expect, test } from 'vitest'
import type { WatchAnswer, WatchedList, WatchedRecord } from '../../../../server/protocol/index.ts'
import { joinRooms } from '../../../../web/client/transport/joins.ts'
import { listKey, type Rooms, recordKey } from '../../../../web/client/transport/subscriptions.ts'

const project = { type: 'project', id: '1' }
const ANSWER: WatchAnswer = {
  records: [{ ...project, ok: true, version: 2, updated_at: '', updated_by: null, deleted: false }],
  lists: [{ type: 'project', scope: {}, ok: true, cursor: 'c1', behind: false }],
}

/** A record and a list that wait to be joined, over a connection whose answer the test gives. */
function waitingRooms() {
  const received: (WatchedRecord | WatchedList)[] = []
  const onAnswer = (answer: WatchedRecord | WatchedList) => void received.push(answer)
  const now = { connection: 'first', cursor: 'c0', tries: 0 }
  let give: (answer: WatchAnswer | null) => void = () => {}
  const rooms: Rooms = {
    transport: {
      id: () => now.connection,
      watch: () =>
        new Promise((resolve) => {
          give = resolve
        }),
      connect() {},
      reconnect() {},
      unwatch: async () => {},
      close() {},
    },
    records: new Map([
      [
        recordKey(project),
        { ...project, version: () => 1, rights: () => undefined, onAnswer, onReachable() {} },
      ],
    ]),
    lists: new Map([
      [listKey('project'), new Set([{ type: 'project', scope: {}, cursor: () => now.cursor, onAnswer }])],
    ]),
    joined: new Set(),
    pendingRecords: new Set([recordKey(project)]),
    pendingLists: new Set([listKey('project')]),
    onJoined() {},
    onHistory() {},
    tryLater() {
      now.tries += 1
    },
  }
  return { rooms, received, now, give: (answer: WatchAnswer | null) => give(answer) }
}

test('the answer is handed to who watches, and the record is joined', async () => {
  const { rooms, received, give } = waitingRooms()
  const joining = joinRooms(rooms)
  give(structuredClone(ANSWER))
  await joining
  expect(received).toMatchObject([{ version: 2 }, { cursor: 'c1', behind: false }])
  expect(rooms.joined).toEqual(new Set([recordKey(project)]))
})

test('the answer of a connection that has been replaced joins nothing', async () => {
  const { rooms, received, now, give } = waitingRooms()
  const joining = joinRooms(rooms)
  now.connection = 'second'
  give(structuredClone(ANSWER))
  await joining
  expect([received, rooms.joined.size]).toEqual([[], 0])
})

test('a list that has moved on since it asked is behind, whatever the answer to its older cursor says', async () => {
  const { rooms, received, now, give } = waitingRooms()
  const joining = joinRooms(rooms)
  now.cursor = 'c5'
  give(structuredClone(ANSWER))
  await joining
  expect(received.at(-1)).toMatchObject({ behind: true })
})

test('without an answer both wait on, and it is tried again', async () => {
  const { rooms, now, give } = waitingRooms()
  const joining = joinRooms(rooms)
  give(null)
  await joining
  expect([rooms.pendingRecords.size, rooms.pendingLists.size, now.tries]).toEqual([1, 1, 1])
})
