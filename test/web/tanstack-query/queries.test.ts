// TanStack Query over the real server: what one tab writes is in the other's cache, for as long as somebody observes it.
import { QueryClient, QueryObserver } from '@tanstack/react-query'
import { bindQueries, listQuery, RecordQueryError, recordQuery } from 'noclobber/tanstack-query'
import { afterAll, expect, test } from 'vitest'
import { waitFor } from '../../support/wait-for.ts'
import { type Project, startLiveServer } from '../client/live-server.ts'

const server = await startLiveServer()
const undo: (() => void)[] = []
afterAll(() => {
  for (const stop of undo) stop()
})

const openCache = (person: string) => {
  const client = server.openTab(person)
  const queryClient = new QueryClient({ defaultOptions: { queries: { retry: false } } })
  undo.push(bindQueries(client, queryClient))
  return { client, queryClient }
}

const saveAsBob = async (id: string, changes: object) => {
  const bob = server.openTab('bob')
  const read = await bob.read('project', id)
  if (read.outcome !== 'found') throw new Error(read.outcome)
  await bob.save('project', id, { clientVersion: read.record.version, changes: { ...changes } })
}

test('an observed record follows every save, and a deletion is an error with its reason', async () => {
  const id = await server.createProject('Bridge')
  const { client, queryClient } = openCache('alice')
  const observer = new QueryObserver(queryClient, recordQuery<Project>(client, 'project', id))
  undo.push(observer.subscribe(() => {}))
  await waitFor(() => observer.getCurrentResult().data?.version === 1, { what: 'the record' })
  await waitFor(() => client.connection.get().status === 'live', { what: 'the connection' })
  await saveAsBob(id, { name: 'Tunnel' })
  await waitFor(() => observer.getCurrentResult().data?.fields.name === 'Tunnel', { what: 'Bob’s save' })
  expect(observer.getCurrentResult().data?.version).toBe(2)
  await server.sql(`delete from projects where id = ${id}`)
  await waitFor(() => observer.getCurrentResult().isError, { what: 'the deletion' })
  const { error } = observer.getCurrentResult()
  expect(error).toBeInstanceOf(RecordQueryError)
  expect((error as RecordQueryError).refusal.outcome).toBe('gone')
})

test('an observed list is patched: what changed is new, what did not is the same object', async () => {
  const [first, second] = [await server.createProject('A'), await server.createProject('B')]
  const { client, queryClient } = openCache('alice')
  const options = listQuery<Project>(client, 'project', { where: { status: 'patched' }, sort: 'name' })
  await server.sql(`update projects set status = 'patched' where id in (${first}, ${second})`)
  const observer = new QueryObserver(queryClient, options)
  undo.push(observer.subscribe(() => {}))
  const names = () =>
    observer
      .getCurrentResult()
      .data?.map(({ fields }) => fields.name)
      .join(' ')
  await waitFor(() => names() === 'A B', { what: 'the list' })
  await waitFor(() => client.connection.get().status === 'live', { what: 'the connection' })
  const [untouched] = observer.getCurrentResult().data ?? []
  await saveAsBob(second, { name: 'C' })
  await waitFor(() => names() === 'A C', { what: 'Bob’s save', deadlineMs: 10_000 })
  expect(observer.getCurrentResult().data?.[0]).toBe(untouched)
  await saveAsBob(first, { status: 'done' })
  await waitFor(() => names() === 'C', { what: 'the row that left', deadlineMs: 10_000 })
})

test('nothing is kept open for a query that nobody observes', async () => {
  const id = await server.createProject('Bridge')
  const { client, queryClient } = openCache('alice')
  const observer = new QueryObserver(queryClient, recordQuery<Project>(client, 'project', id))
  const stop = observer.subscribe(() => {})
  await waitFor(() => client.editor('project', id).get().record, { what: 'the open record' })
  const opened = client.editor('project', id)
  stop()
  await waitFor(() => client.editor('project', id) !== opened, { what: 'the record to be let go' })
})

test('what one person was shown is gone from the cache when the next one looks', async () => {
  const id = await server.createProject('Bridge')
  let person = 'alice'
  const client = server.openTab(() => person, { userId: () => person })
  const queryClient = new QueryClient({ defaultOptions: { queries: { retry: false } } })
  undo.push(bindQueries(client, queryClient))
  const record = () => recordQuery<Project>(client, 'project', id)
  const list = () => listQuery<Project>(client, 'project')
  const observer = new QueryObserver(queryClient, record())
  undo.push(observer.subscribe(() => {}))
  await queryClient.fetchQuery(list())
  await waitFor(() => observer.getCurrentResult().data?.version === 1, { what: 'the record' })
  person = 'bob'
  expect(queryClient.getQueryData(list().queryKey)).toBeUndefined()
  expect(queryClient.getQueryData(record().queryKey)).toBeUndefined()
  await waitFor(() => observer.getCurrentResult().data?.version === 1, { what: 'the record, for Bob' })
})

test('what is prefetched opens no connection, and is fetched anew when it is asked for again', async () => {
  const id = await server.createProject('Prefetched')
  let connections = 0
  const client = server.openTab('alice', {
    createTransport: () => {
      connections += 1
      return {
        connect: () => {},
        reconnect: () => {},
        id: () => null,
        watch: async () => null,
        unwatch: async () => {},
        close: () => {},
      }
    },
  })
  const queryClient = new QueryClient({ defaultOptions: { queries: { retry: false } } })
  undo.push(bindQueries(client, queryClient))
  const list = listQuery<Project>(client, 'project', { where: { status: 'planned' }, sort: '-id' })
  await queryClient.prefetchQuery(recordQuery<Project>(client, 'project', id))
  await queryClient.prefetchQuery(list)
  expect(queryClient.getQueryData(list.queryKey)?.[0]).toMatchObject({ id, fields: { name: 'Prefetched' } })
  await server.sql(`update projects set name = 'Renamed' where id = ${id}`)
  await queryClient.prefetchQuery({ ...list, staleTime: 0 })
  expect(queryClient.getQueryData(list.queryKey)?.[0]?.fields.name).toBe('Renamed')
  expect(connections).toBe(0)
})
