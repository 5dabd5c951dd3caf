// Changes of whole types over the real server: storms are one call, none is missed, and none begins before the last has ended.
import { configureStore } from '@reduxjs/toolkit'
import { createApi } from '@reduxjs/toolkit/query'
import { QueryClient, QueryObserver } from '@tanstack/react-query'
import { invalidateOn, type RecordChanges } from 'noclobber/client'
import { invalidateOn as invalidateQueries } from 'noclobber/tanstack-query'
import { afterAll, expect, test, vi } from 'vitest'
import type { OwnWrite } from '../../../../web/client/http/own-writes.ts'
import { createManualClock } from '../../../support/clocks.ts'
import { waitFor } from '../../../support/wait-for.ts'
import { startLiveServer } from '../live-server.ts'

const server = await startLiveServer()
const undo: (() => void)[] = []
afterAll(() => {
  for (const stop of undo) stop()
})

/** What a listener was called with; `last` says what was written by then. */
function listen(client: ReturnType<typeof server.openTab>, options = {}) {
  const calls: RecordChanges[] = []
  const stop = client.onEvents('project', (changes) => void calls.push(changes), options)
  undo.push(stop)
  return { calls, stop }
}

test('it is called once it watches, and a storm of events is few calls that have all of them', async () => {
  const client = server.openTab('alice')
  const { calls } = listen(client)
  await waitFor(() => calls.length > 0, { what: 'the first call' })
  expect(calls[0]).toMatchObject({ types: ['project'], events: [], isComplete: false })
  await waitFor(() => client.connection.get().status === 'live', { what: 'the connection' })
  const ids: string[] = []
  for (let count = 0; count < 40; count += 1) ids.push(await server.createProject(`Storm ${count}`))
  const seen = () => new Set(calls.flatMap(({ events }) => events.map((event) => 'id' in event && event.id)))
  await waitFor(() => ids.every((id) => seen().has(id)), { what: 'every event' })
  expect(calls.length - 1).toBeLessThan(40)
  expect(calls.at(-1)?.isComplete).toBe(true)
})

test('no call begins while the promise of the one before is pending, and what came meanwhile is one more', async () => {
  const client = server.openTab('alice')
  let running = 0
  let most = 0
  let calls = 0
  let finish = () => {}
  undo.push(
    client.onEvents('project', async () => {
      calls += 1
      running += 1
      most = Math.max(most, running)
      if (calls === 1)
        await new Promise<void>((resolve) => {
          finish = resolve
        })
      running -= 1
    }),
  )
  const other = listen(client)
  await waitFor(() => calls === 1 && other.calls.length > 0, { what: 'the first call' })
  for (let count = 0; count < 3; count += 1) {
    const before = other.calls.length
    await server.createProject('While one is pending')
    await waitFor(() => other.calls.length > before, { what: 'the other listener' })
  }
  expect(calls).toBe(1)
  finish()
  await waitFor(() => calls === 2, { what: 'the call for what came meanwhile' })
  expect(most).toBe(1)
})

test('what was written while the connection was down is not missed', async () => {
  const client = server.openTab('alice')
  const { calls } = listen(client)
  const hasSeen = () => calls.some(({ events }) => events.length > 0)
  await waitFor(() => calls.length > 0 && client.connection.get().status === 'live', {
    what: 'the connection',
  })
  await server.createProject('Before the cut')
  await waitFor(hasSeen, { what: 'the event' })
  const before = calls.length
  server.io.disconnectSockets(true)
  await server.createProject('During the cut')
  await waitFor(() => calls.length > before, { what: 'the call after the cut' })
})

test('many listeners of a type in one tab are one subscription, which ends with the last', async () => {
  const client = server.openTab('alice')
  const listeners = [listen(client), listen(client), listen(client)]
  await waitFor(() => listeners.every(({ calls }) => calls.length > 0), { what: 'the first calls' })
  await waitFor(() => client.connection.get().status === 'live', { what: 'the connection' })
  const socket = [...server.io.sockets.sockets.values()].at(-1)
  const rooms = socket?.rooms.size ?? 0
  undo.push(listen(client).stop)
  for (const { stop } of listeners.slice(0, 2)) stop()
  const before = listeners.map(({ calls }) => calls.length)
  await server.createProject('For the third')
  await waitFor(() => listeners[2]?.calls.some(({ events }) => events.length > 0), {
    what: 'the third’s call',
  })
  expect(listeners[0]?.calls.length).toBe(before[0])
  expect(socket?.rooms.size).toBe(rooms)
  for (const stop of undo.splice(0)) stop()
  await waitFor(() => (socket?.rooms.size ?? 0) < rooms, { what: 'the room to be left' })
})

test('this tab’s own writes count, though their events are not sent back to it', async () => {
  const client = server.openTab('alice')
  const { calls } = listen(client)
  await waitFor(() => calls.length > 0 && client.connection.get().status === 'live', {
    what: 'the connection',
  })
  const before = calls.length
  await client.create('project', { name: 'Mine', status: 'planned', budget: null })
  await waitFor(() => calls.length > before, { what: 'the call after the own write' })
  expect(calls.at(-1)?.isComplete).toBe(false)
})

test('after a change of person nothing of the first one’s events is handed out, and it is called anew', async () => {
  let person = 'alice'
  const client = server.openTab(() => person, { userId: () => person })
  const { calls } = listen(client, { coalesceMs: 60_000_000 })
  await waitFor(() => calls.length > 0 && client.connection.get().status === 'live', {
    what: 'the connection',
  })
  const before = calls.length
  let isThere = false
  undo.push(
    client.onEvent(({ event }) => {
      if (event.name === 'RecordCreated') isThere = true
    }),
  )
  await server.createProject('Seen by alice')
  await waitFor(() => isThere, { what: 'the event' })
  person = 'bob'
  client.reconnect()
  await waitFor(() => calls.length > before, { what: 'the call for Bob' })
  expect(calls.flatMap(({ events }) => events)).toEqual([])
})

test('queries of TanStack Query are fetched again once for a storm, each key once', async () => {
  const client = server.openTab('alice')
  const queryClient = new QueryClient()
  let fetched = 0
  let isFetching = false
  const observer = new QueryObserver(queryClient, {
    queryKey: ['dashboard', 'all'],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async () => {
      expect(isFetching).toBe(false)
      isFetching = true
      const answer = await client.list('project')
      isFetching = false
      fetched += 1
      return answer.outcome === 'found' ? answer.data.length : 0
    },
  })
  undo.push(observer.subscribe(() => {}))
  undo.push(invalidateQueries(client, queryClient, { project: [['dashboard'], ['filters']] }))
  await waitFor(() => fetched >= 1 && client.connection.get().status === 'live', {
    what: 'the total, and the connection',
  })
  const before = fetched
  const { data = 0 } = observer.getCurrentResult()
  for (let count = 0; count < 20; count += 1) await server.createProject(`Counted ${count}`)
  await waitFor(() => observer.getCurrentResult().data === data + 20, { what: 'the new total' })
  expect(fetched - before).toBeLessThan(20)
})

test('tags of Redux Toolkit Query are invalidated by type, once for a storm', async () => {
  const client = server.openTab('alice')
  let fetched = 0
  const api = createApi({
    baseQuery: async () => {
      fetched += 1
      const answer = await client.list('project')
      return { data: answer.outcome === 'found' ? answer.data.length : 0 }
    },
    tagTypes: ['Dashboard'],
    endpoints: (build) => ({
      total: build.query<number, void>({ query: () => '', providesTags: ['Dashboard'] }),
    }),
  })
  const store = configureStore({
    reducer: { [api.reducerPath]: api.reducer },
    middleware: (middleware) => middleware().concat(api.middleware),
  })
  const query = store.dispatch(api.endpoints.total.initiate())
  await query
  const total = () => api.endpoints.total.select()(store.getState()).data ?? 0
  const before = total()
  undo.push(
    invalidateOn(client, (tags: 'Dashboard'[]) => store.dispatch(api.util.invalidateTags(tags)), {
      project: ['Dashboard'],
    }),
  )
  for (let count = 0; count < 20; count += 1) await server.createProject(`One more ${count}`)
  await waitFor(() => total() === before + 20, { what: 'the new total' })
  expect(fetched).toBeLessThan(20)
  query.unsubscribe()
})

test('what this tab writes before the code of it is here is not missed, nor is it called once it was stopped', async () => {
  vi.resetModules()
  const { createLateEvents } = await import('../../../../web/client/events/lazy-events.ts')
  const clock = createManualClock()
  const written = new Set<(write: OwnWrite) => void>()
  const late = createLateEvents({
    clock,
    page: { isVisible: () => true, isOnline: () => true, onChange: () => () => {} },
    watchList: () => () => {},
    onPersonChanged: () => () => {},
    onOwnWrite(listener) {
      written.add(listener)
      return () => void written.delete(listener)
    },
  })
  const write = () => {
    for (const listener of written) listener({ kind: 'removed', type: 'project', id: '1' })
  }
  const calls: RecordChanges[] = []
  const stopped: RecordChanges[] = []
  late.onEvents('project', (changes) => calls.push(changes), { isCalledFirst: false })
  const stop = late.onEvents('project', (changes) => stopped.push(changes))
  write()
  stop()
  await waitFor(
    () => {
      clock.forward(5000)
      return calls.length > 0
    },
    { what: 'the write of before' },
  )
  expect(calls).toEqual([{ types: ['project'], events: [], isComplete: false }])
  write()
  clock.forward(500)
  expect([calls.length, stopped.length, written.size]).toEqual([2, 0, 1])
})
