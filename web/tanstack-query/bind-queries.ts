// Keeps the queries of a cache current: while a query is observed, its live store is open, and its data is written to the
// cache. Invariants: no store stays open for a query without observers; the cache never goes back to an older version of a
// record; the data of one person is removed before the next one reads.

import type { Query, QueryClient } from '@tanstack/react-query'
import type { WireRecord } from '../../server/protocol/index.ts'
import type { Stop } from '../client/base/clock.ts'
import type { RecordClient } from '../client/record-client-options.ts'
import { type Asked, askedBy, noteOpen } from './queries.ts'

/**
 * Writes every change of the observed records and lists to the cache. Call it once; it returns its dispose function.
 *
 * @example
 * const stop = bindQueries(client, queryClient)
 */
export function bindQueries(client: RecordClient, queryClient: QueryClient): Stop {
  const cache = queryClient.getQueryCache()
  const bound = new Map<string, Stop>()

  function follow(query: Query) {
    const asked = askedBy(query.queryKey)
    const isObserved = query.getObserversCount() > 0
    const stop = bound.get(query.queryHash)
    if (asked && isObserved && !stop) bound.set(query.queryHash, bind(query.queryKey, asked))
    if (!isObserved && stop) {
      bound.delete(query.queryHash)
      stop()
    }
  }

  const bind = (key: readonly unknown[], asked: Asked): Stop =>
    asked.kind === 'record' ? bindRecord(key, asked) : bindList(key, asked)

  function bindRecord(key: readonly unknown[], { type, id }: { type: string; id: string }): Stop {
    const store = client.editor(type, id)
    let isLost = false
    let last = 0
    const show = () => {
      const { record, latest, deletion, isRefused } = store.get()
      const wasLost = isLost
      isLost = deletion !== null || isRefused
      if (isLost && !wasLost) void queryClient.invalidateQueries({ queryKey: key, exact: true })
      const newest = latest && latest.version > (record?.version ?? 0) ? latest : record
      if (isLost || !newest) return
      // The editor goes back only where the server's database did.
      const wentBack = newest.version < last
      last = newest.version
      queryClient.setQueryData<WireRecord>(key, (known) =>
        known && known.version >= newest.version && !wentBack ? known : newest,
      )
    }
    const stop = store.subscribe(show)
    show()
    return stop
  }

  function bindList(key: readonly unknown[], { type, query }: Extract<Asked, { kind: 'list' }>): Stop {
    const list = client.liveList(type, query)
    const stopOpen = noteOpen(client, key)
    const show = () => {
      const { status, rows } = list.get()
      if (status === 'ready' && queryClient.getQueryData(key) !== rows) queryClient.setQueryData(key, rows)
    }
    const stop = list.subscribe(show)
    show()
    return () => {
      stopOpen()
      stop()
    }
  }

  const isOurs = ({ queryKey }: Query) => askedBy(queryKey) !== null
  const stopPerson = client.onPersonChanged(() => void queryClient.resetQueries({ predicate: isOurs }))
  for (const query of cache.getAll()) follow(query)
  const stopListening = cache.subscribe(({ type, query }) => {
    if (type === 'observerAdded' || type === 'observerRemoved' || type === 'removed') follow(query)
  })
  return () => {
    stopListening()
    stopPerson()
    for (const stop of bound.values()) stop()
    bound.clear()
  }
}
