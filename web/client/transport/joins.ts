// One message that joins what waits for it, and its answer. Loaded with the transports, without which nothing can be joined.

import { MAX_ROOMS } from '../../../server/protocol/index.ts'
import { normalize } from '../base/received.ts'
import { warn } from '../words/development.ts'
import { type ListWatcher, listKey, type RecordWatcher, type Rooms, recordKey } from './subscriptions.ts'

export async function joinRooms(rooms: Rooms): Promise<void> {
  const { transport, records, lists, joined, pendingRecords, pendingLists, onJoined, onHistory } = rooms
  const recordJoins = [...pendingRecords].flatMap((key) => records.get(key) ?? [])
  const listJoins = [...pendingLists].flatMap((key) => [...(lists.get(key) ?? [])].slice(0, 1))
  pendingRecords.clear()
  pendingLists.clear()
  if (recordJoins.length + listJoins.length === 0) return onJoined({})
  const connection = transport.id()
  const asked = new Map(listJoins.map((watcher) => [listKey(watcher.type, watcher.scope), watcher.cursor()]))
  const joins = [...recordJoins.map(asRecordJoin), ...listJoins.map(asListJoin)].slice(0, MAX_ROOMS)
  const answer = await transport.watch({
    records: joins.flatMap((room) => (room.kind === 'record' ? room.join : [])),
    lists: joins.flatMap((room) => (room.kind === 'list' ? room.join : [])),
  })
  if (transport.id() !== connection) return
  if (!answer || 'ok' in answer) {
    for (const watcher of recordJoins) pendingRecords.add(recordKey(watcher))
    for (const { type, scope } of listJoins) pendingLists.add(listKey(type, scope))
    return rooms.tryLater()
  }
  onHistory(answer.history)
  for (const record of answer.records) {
    const watcher = records.get(recordKey(record))
    if (record.ok && watcher) joined.add(recordKey(record))
    if (!record.ok) warn({ kind: 'record', type: record.type, code: record.code })
    normalize(record)
    watcher?.onAnswer(record)
  }
  for (const list of answer.lists) {
    const key = listKey(list.type, list.scope)
    if (!list.ok) warn({ kind: 'list', type: list.type, scope: list.scope, code: list.code })
    for (const watcher of lists.get(key) ?? [])
      watcher.onAnswer(list.ok && watcher.cursor() !== asked.get(key) ? { ...list, behind: true } : list)
  }
  onJoined(answer)
}

function asRecordJoin(watcher: RecordWatcher) {
  const { type, id } = watcher
  const version = watcher.version()
  return { kind: 'record', join: [version === null ? { type, id } : { type, id, version }] } as const
}

function asListJoin(watcher: ListWatcher) {
  const { type, scope = {} } = watcher
  const cursor = watcher.cursor()
  return { kind: 'list', join: [cursor === null ? { type, scope } : { type, scope, cursor }] } as const
}
