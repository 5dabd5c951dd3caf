// What a stream missed while it was away: read from the log, authorized and sent like everything else.
// Invariant: the stream is in its rooms before the log is read, so what is committed meanwhile comes either way. What
// can't be read any more, or would be too much, is not passed over in silence: the stream is sent `Resync`.

import type { Cursor } from '../log/cursor.ts'
import { largeTransactionsIn, withoutLargeTransactions } from '../log/large-transactions.ts'
import { continueAfter, presentCursor, readLog } from '../log/read-log.ts'
import type { Database } from '../tables/database.ts'
import { changesOf } from '../tables/tenant.ts'
import { createDelivery } from './delivery.ts'
import { eventText, type Stream } from './event-stream.ts'
import type { Audience, Watcher } from './watchers.ts'

/** Pages of the log that are read for one stream. */
const MOST_PAGES = 20

/** The stream alone, while its past is sent. */
const alone = (stream: Stream, send: (text: string) => void): Audience => {
  const ids = new Set([stream.id])
  // What it is sent alone keeps its order among the rest: before the id that confirms it.
  const watcher: Watcher = Object.create(stream, {
    emit: { value: (name: string, event?: unknown) => send(eventText(name, event)) },
  })
  return {
    rooms: () => new Map([...stream.rooms].map((room) => [room, ids])),
    watchers: () => new Map([[stream.id, watcher]]),
    publishTo: (ids, name, ...event) => {
      if (ids.includes(stream.id)) send(eventText(name, event[0]))
    },
    publish: (rooms, except, name, ...event) => {
      if (rooms.some((room) => stream.rooms.has(room)) && !except.includes(stream.id))
        send(eventText(name, event[0]))
    },
  }
}

/** What the log holds of the types that a stream watches. */
const watchedOf = (database: Database, { data: { actor, watching } }: Stream) => {
  const names = new Set(
    Array.from(watching.values(), (room) => ('record' in room ? room.record : room.list).type),
  )
  const types = [...names].flatMap((name) => database.typeOf(name, actor.tenantId) ?? [])
  return changesOf(types, actor)
}

/** Sends a stream everything after a cursor that is in its rooms. */
export const catchUp = async (database: Database, stream: Stream, from: Cursor): Promise<void> => {
  const texts: string[] = []
  const { deliver } = createDelivery(
    database,
    alone(stream, (text) => texts.push(text)),
  )
  let at = from
  for (let pages = 0; pages < MOST_PAGES && stream.connected; pages += 1) {
    const page = await readLog(database, at, database.limits.feedBatch, watchedOf(database, stream))
    if (!page) break
    const last = page.more ? page.changes.at(-1) : undefined
    const after = continueAfter(at, page, last ? last.seq : null)
    const largeTransactions = largeTransactionsIn(page.changes, database.limits.bulkThreshold)
    await deliver({
      changes: withoutLargeTransactions(page.changes, largeTransactions),
      largeTransactions,
      after,
    })
    await stream.catchUp(texts.splice(0), after)
    if (!last && !at.rest) return
    at = after
  }
  if (!stream.connected) return
  await stream.catchUp([eventText('Resync')], await presentCursor(database))
}
