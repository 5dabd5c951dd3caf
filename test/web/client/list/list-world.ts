// A table and its change log, as small as a live list can be tried on: what the server's lists promise, without one.
// Time is turned by hand. The real server's lists are tried in test/server, the two together in test/e2e.

import type { Fields, WireRecord } from '../../../../server/protocol/index.ts'
import type { ListPage, ListQuery } from '../../../../web/client/http/list-page.ts'
import type { OwnWrite } from '../../../../web/client/http/own-writes.ts'
import { createLiveLists } from '../../../../web/client/list/live-lists.ts'
import type { LiveListQuery } from '../../../../web/client/list/query.ts'
import type { ListStore } from '../../../../web/client/list/store.ts'
import type { ListClient } from '../../../../web/client/list/store-options.ts'
import type { ListEvent } from '../../../../web/client/transport/event-router.ts'

const BOB = { id: 'bob', name: 'Bob', kind: 'user' } as const

/** A clock and a page whose hands a test turns. */
function createManualTime() {
  let now = 1_000_000
  let timers: { at: number; run: () => void }[] = []
  let isVisible = true
  const pageListeners = new Set<() => void>()
  /** Answers that are due are in before time goes on. */
  const settle = async () => {
    for (let turn = 0; turn < 30; turn += 1) await Promise.resolve()
  }
  return {
    settle,
    clock: {
      now: () => now,
      after(delayMs: number, run: () => void) {
        const timer = { at: now + delayMs, run }
        timers.push(timer)
        return () => {
          timers = timers.filter((other) => other !== timer)
        }
      },
    },
    page: {
      isVisible: () => isVisible,
      isOnline: () => true,
      onChange(listener: () => void) {
        pageListeners.add(listener)
        return () => void pageListeners.delete(listener)
      },
    },
    async forward(ms: number) {
      const until = now + ms
      await settle()
      for (;;) {
        const next = timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0]
        if (!next) break
        timers = timers.filter((timer) => timer !== next)
        now = Math.max(now, next.at)
        next.run()
        await settle()
      }
      now = until
    },
    show(visible: boolean) {
      isVisible = visible
      for (const listener of pageListeners) listener()
    },
  }
}

export interface Asked extends ListQuery {
  kind: 'whole' | 'page' | 'delta'
  rows: number
}

/** One table, its log, and lists of one tab over it. */
export function createListWorld({ partSize = 1000 } = {}) {
  const time = createManualTime()
  const table = new Map<string, WireRecord>()
  const log: { id: string }[] = []
  const asked: Asked[] = []
  const forbidden = new Set<string>()
  let pruned = 0
  let isReachable = true
  let status: 'live' | 'polling' = 'live'
  let receive: ((event: ListEvent) => void)[] = []
  let receiveOwn: ((write: OwnWrite) => void)[] = []
  let cursors: (() => string | null)[] = []
  let gate: Promise<void> | null = null
  let recheck = false

  const matches = ({ fields }: WireRecord, { where = {}, search = '' }: ListQuery) =>
    Object.entries(where).every(([field, value]) => String(fields[field]) === value) &&
    JSON.stringify(fields).includes(search)

  const answer = (page: Partial<ListPage<Fields>>, kind: Asked['kind'], query: ListQuery) => {
    const whole = {
      data: [],
      cursor: String(log.length),
      next: null,
      removed: [],
      reset: false,
      more: false,
      recheck,
    }
    asked.push({ ...query, kind, rows: page.data?.length ?? 0 })
    return { outcome: 'found' as const, ...whole, ...page }
  }

  function wholePage(query: ListQuery, reset = false) {
    const { after = '0', limit = 100 } = query
    const all = [...table.values()].filter((record) => !forbidden.has(record.id) && matches(record, query))
    const data = all.slice(Number(after), Number(after) + limit)
    const end = Number(after) + data.length
    return answer(
      { data, reset, next: end < all.length ? String(end) : null },
      query.after ? 'page' : 'whole',
      query,
    )
  }

  function delta(query: ListQuery) {
    const from = Number(query.cursor)
    if (from < pruned) return wholePage({ ...query, limit: 1000 }, true)
    const ids = new Set<string>()
    let at = from
    for (; at < log.length && (ids.size < partSize || ids.has(log[at]?.id ?? '')); at += 1)
      ids.add(log[at]?.id ?? '')
    const readable = [...ids].filter((id) => !forbidden.has(id))
    const data = readable.flatMap((id) => {
      const record = table.get(id)
      return record && matches(record, query) ? record : []
    })
    const shown = new Set(data.map(({ id }) => id))
    const removed = readable.filter((id) => !shown.has(id))
    return answer({ data, removed, cursor: String(at), more: at < log.length }, 'delta', query)
  }

  const client: ListClient = {
    async list(_type: string, query: ListQuery = {}) {
      await gate
      if (!isReachable) return { outcome: 'unreachable', retryAfterMs: null, detail: 'cut' } as never
      return (query.cursor === undefined ? wholePage(query) : delta(query)) as never
    },
    async versions(records) {
      const lost = records.filter(({ id }) => forbidden.has(id) || !table.has(id))
      const differences = lost.map(({ type, id }) => ({
        ...{ type, id, version: null, updated_at: null, updated_by: null, deleted: false },
      }))
      return { outcome: 'found', differences }
    },
    watchList({ cursor }, listener) {
      receive.push(listener)
      cursors.push(cursor)
      return () => {
        receive = receive.filter((other) => other !== listener)
        cursors = cursors.filter((other) => other !== cursor)
      }
    },
    connection: { get: () => ({ status, transport: null, lastCheckedAt: null, asOf: null }) },
    onOwnWrite(listener) {
      receiveOwn.push(listener)
      return () => {
        receiveOwn = receiveOwn.filter((other) => other !== listener)
      }
    },
  }
  const lists = createLiveLists(() => client, {
    ...time,
    random: () => 0,
    checkPerson: () => true,
    epoch: () => 0,
  })

  function notify(name: 'RecordCreated' | 'RecordUpdated' | 'RecordDeleted', id: string, version: number) {
    const event = {
      ...{ tenant_id: '1', type: 'task', id, version, changed_fields: [], updated_at: '', updated_by: BOB },
      tab_id: null,
    }
    for (const listener of receive) listener({ kind: 'event', event: { name, event } })
  }

  const world = {
    ...time,
    asked,
    forbidden,
    ids: () => [...table.keys()],
    record: (id: string) => table.get(id),
    /** Bob writes, and its watchers are notified, unless it is done in silence. */
    put(id: string, fields: Fields, { silent = false } = {}) {
      const known = table.get(id)
      const version = (known?.version ?? 0) + 1
      const at = new Date(1_700_000_000_000 + log.length).toISOString()
      const record = {
        type: 'task',
        id,
        version,
        updated_at: at,
        updated_by: BOB,
        fields: { ...known?.fields, ...fields },
      }
      table.set(id, record)
      log.push({ id })
      if (!silent) notify(known ? 'RecordUpdated' : 'RecordCreated', id, version)
      return record
    },
    delete(id: string, { silent = false } = {}) {
      const version = (table.get(id)?.version ?? 0) + 1
      if (!table.delete(id)) return
      log.push({ id })
      if (!silent) notify('RecordDeleted', id, version)
    },
    import(count: number, make: (n: number) => [string, Fields]) {
      for (let n = 0; n < count; n += 1) world.put(...make(n), { silent: true })
      const event = {
        ...{
          tenant_id: '1',
          type: 'task',
          scopes: [{}],
          count,
          import_id: 'i',
          updated_at: '',
          updated_by: BOB,
        },
        tab_id: null,
      }
      for (const listener of receive) listener({ kind: 'event', event: { name: 'RecordsImported', event } })
    },
    /** This tab's own write: no event, its answer alone. */
    own(write: OwnWrite) {
      for (const listener of receiveOwn) listener(write)
    },
    rejoin(behind: boolean) {
      for (const listener of receive)
        listener({
          kind: 'joined',
          answer: { type: 'task', scope: {}, ok: true, cursor: String(log.length), behind },
        })
    },
    refuseJoin() {
      for (const listener of receive)
        listener({ kind: 'joined', answer: { type: 'task', scope: {}, ok: false, code: 'rate_limited' } })
    },
    prune() {
      pruned = log.length + 1
    },
    cut: (isCut: boolean, as: 'live' | 'polling' = 'live') => {
      isReachable = !isCut
      status = as
    },
    setRecheck(on: boolean) {
      recheck = on
    },
    /** Answers wait until the returned function is called. */
    holdAnswers() {
      let open = () => {}
      gate = new Promise((resolve) => {
        open = resolve
      })
      return () => {
        gate = null
        open()
      }
    },
    /** For those who write their own list over it. */
    list: (query: ListQuery = {}) => wholePage(query),
    onNews(listener: () => void) {
      receive.push(listener)
      return () => {
        receive = receive.filter((other) => other !== listener)
      }
    },
    open: (query: LiveListQuery = {}): ListStore => lists.open('task', query),
  }
  return world
}

/** What a list shows, as ids in order. */
export const idsOf = (list: ListStore): string =>
  list
    .get()
    .rows.map(({ id }) => id)
    .join(' ')
