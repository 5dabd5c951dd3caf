// A live list over the real server, database and sockets: what it asks for when it comes back, and where rows go.

import { expect, test } from 'vitest'
import type { LiveListQuery } from '../../../../web/client/list/query.ts'
import { waitFor } from '../../../support/wait-for.ts'
import { startLiveServer } from '../live-server.ts'

const server = await startLiveServer()

/** A tab that shows a list, and what it asked for since. */
async function openList(query: LiveListQuery) {
  const asked: string[] = []
  const client = server.openTab('alice', {
    fetch: (input, init) => {
      const path = String(input)
      if (/\/records\/project\?/.test(path)) asked.push(/[?&]cursor=/.test(path) ? 'delta' : 'whole')
      return fetch(input, init)
    },
  })
  const list = client.liveList('project', query)
  list.subscribe(() => {})
  const isLive = () => list.get().status === 'ready' && client.connection.get().status === 'live'
  await waitFor(isLive, { what: 'a live list' })
  await list.reload()
  asked.length = 0
  const names = () =>
    list
      .get()
      .rows.map(({ fields }) => fields.name)
      .join(' ')
  return { client, list, asked, names, isLive }
}

const make = async (names: string[], status: string) => {
  const ids: string[] = []
  for (const name of names) ids.push(await server.createProject(name))
  await server.sql(`update projects set status = '${status}' where id in (${ids.join()})`)
  return ids
}

test('rows come, go and find their places, whatever the writer', async () => {
  const [a, , c] = await make(['a', 'b', 'c'], 'moving')
  const { names } = await openList({ where: { status: 'moving' }, sort: 'name' })
  expect(names()).toBe('a b c')
  await server.sql(`update projects set name = 'z' where id = ${a}`)
  await server.sql(`delete from projects where id = ${c}`)
  await make(['new'], 'moving')
  await waitFor(() => names() === 'b new z', { what: 'b new z', deadlineMs: 10_000 })
})

test('after a connection that was lost: one delta, then current', async () => {
  const status = `lost ${Date.now()}`
  const [id] = await make(['one', 'two'], status)
  const { asked, names, client } = await openList({ where: { status } })
  const lost = waitFor(() => client.connection.get().status !== 'live', { what: 'the loss' })
  server.io.disconnectSockets(true)
  await server.sql(`update projects set name = 'changed' where id = ${id}`)
  await lost
  await waitFor(() => names() === 'changed two', { what: 'the change', deadlineMs: 15_000 })
  expect(asked).toEqual(['delta'])
})

test('after the log was pruned past its cursor: one request, which is the list anew', async () => {
  const [id] = await make(['one', 'two'], 'pruned')
  const { asked, names, list, client } = await openList({ where: { status: 'pruned' } })
  const untouched = list.get().rows[1]
  const lost = waitFor(() => client.connection.get().status !== 'live', { what: 'the loss' })
  server.io.disconnectSockets(true)
  await server.sql(`update projects set name = 'changed' where id = ${id}`)
  await server.sql(`with gone as (delete from noclobber.record_changes returning xid, seq)
    update noclobber.log_horizon set xid = (select xid from gone order by xid desc limit 1), seq = (select max(seq) from gone)`)
  await lost
  await waitFor(() => names() === 'changed two', { what: 'the list anew', deadlineMs: 15_000 })
  expect(asked).toEqual(['delta'])
  expect(list.get().rows[1]).toBe(untouched)
})
