// The rules of a transport as checks: see `Transport` of noclobber/client.
import assert from 'node:assert/strict'
import type { TransportKind, WatchAnswer } from 'noclobber/client'
import type { RefusedMessage } from 'noclobber/server'
import { waitFor } from '../app/wait-for.ts'
import { DEADLINE_MS, type Opened, type Scene } from './transport-scene.ts'

const answered = (answer: WatchAnswer | RefusedMessage | null): WatchAnswer => {
  assert.ok(answer && 'records' in answer, `watch was answered ${JSON.stringify(answer)}`)
  return answer
}

const records = (...ids: string[]) => ({ records: ids.map((id) => ({ type: 'document', id })) })

/** By name; each gets a line of its own. */
export const TRANSPORT_CHECKS: Record<
  string,
  (scene: Scene, kind: TransportKind | undefined) => Promise<void>
> = {
  'answers with versions, and delivers what comes after them': async ({ open, document, change }, kind) => {
    const id = await document()
    const { transport, statuses, is, receives } = open()
    assert.equal(transport.id(), null, 'it has an id before it is connected')
    assert.equal(await transport.watch(records(id)), null, 'it answers before it is connected')
    transport.connect()
    transport.connect()
    await is('connected')
    assert.equal(statuses.length, 1, `connecting twice says ${JSON.stringify(statuses)}`)
    if (kind) assert.equal(statuses[0]?.[1], kind)
    assert.equal(typeof transport.id(), 'string')
    const answer = answered(
      await transport.watch({
        ...records(id, '99999'),
        lists: [{ type: 'line', scope: { document_id: '1' } }],
      }),
    )
    const [found, missing] = answer.records
    assert.ok(found?.ok && found.version === 1 && found.id === id, `the record is ${JSON.stringify(found)}`)
    assert.ok(
      missing && !missing.ok && missing.code === 'not_found',
      `a missing record is ${JSON.stringify(missing)}`,
    )
    assert.ok(
      answer.lists[0]?.ok && answer.lists[0].cursor !== '',
      `the list is ${JSON.stringify(answer.lists)}`,
    )
    await change(id)
    await receives(id, 2)
  },

  'delivers each of many versions, or a later one that covers them': async ({ open, document, change }) => {
    const id = await document()
    const { transport, is, receives, versionsOf } = open()
    transport.connect()
    await is('connected')
    await transport.watch(records(id))
    for (let version = 2; version <= 8; version++) {
      await change(id)
      await receives(id, version)
    }
    assert.deepEqual([...new Set(versionsOf(id))].sort(), [2, 3, 4, 5, 6, 7, 8])
  },

  'delivers only what is watched, and nothing of another tenant': async ({
    server,
    open,
    document,
    change,
  }) => {
    const [watched, other] = [await document(), await document()]
    const { id: foreign } = await server.create('document', { name: 'theirs' }, 'gina')
    const { transport, is, receives, events } = open()
    transport.connect()
    await is('connected')
    const answer = answered(await transport.watch(records(watched, foreign)))
    assert.equal(
      answer.records.find(({ id }) => id === foreign)?.ok,
      false,
      'the record of another tenant is watched',
    )
    await change(foreign)
    await change(other)
    await change(watched)
    await receives(watched, 2)
    const others = events.filter(
      ({ name, ...rest }) =>
        /^Record/.test(name) &&
        JSON.stringify(rest).includes('"id":') &&
        !JSON.stringify(rest).includes(`"id":"${watched}"`),
    )
    assert.deepEqual(others, [], 'events came of records that are not watched')
  },

  'lets more be watched while it delivers the rest': async ({ open, document, change }) => {
    const [first, second, third] = [await document(), await document(), await document()] as const
    const { transport, is, receives } = open()
    transport.connect()
    await is('connected')
    await transport.watch(records(first))
    const both = await Promise.all([transport.watch(records(second)), transport.watch(records(third))])
    assert.deepEqual(
      both.map((answer) => answered(answer).records.map(({ id }) => id)),
      [[second], [third]],
    )
    for (const id of [first, second, third]) await change(id)
    for (const id of [first, second, third]) await receives(id, 2)
    await transport.unwatch(records(first))
    await change(second)
    await receives(second, 3)
  },

  'says whether a list has changed since its cursor': async ({ server, open, document }) => {
    const scope = { document_id: await document() }
    const { transport, is } = open()
    transport.connect()
    await is('connected')
    const [before] = answered(await transport.watch({ lists: [{ type: 'line', scope }] })).lists
    assert.ok(before?.ok)
    const list = { type: 'line', scope, cursor: before.cursor }
    await transport.unwatch({ lists: [list] })
    const [same] = answered(await transport.watch({ lists: [list] })).lists
    assert.ok(same?.ok && !same.behind, `an unchanged list is ${JSON.stringify(same)}`)
    await server.create('line', { document_id: Number(scope.document_id), text: 'one' })
    await transport.unwatch({ lists: [list] })
    const [changed] = answered(await transport.watch({ lists: [list] })).lists
    assert.ok(changed?.ok && changed.behind, `a changed list is ${JSON.stringify(changed)}`)
  },

  'is lost once, tries nothing by itself, and knows what happened meanwhile': async ({
    proxy,
    open,
    document,
    change,
  }) => {
    const id = await document()
    const { transport, statuses, is, receives } = open()
    transport.connect()
    await is('connected')
    await transport.watch({ records: [{ type: 'document', id, version: 1 }] })
    proxy.set('refuse')
    await is('lost')
    assert.equal(statuses.length, 2, `a loss says ${JSON.stringify(statuses)}`)
    assert.equal(transport.id(), null, 'it has an id while it is lost')
    await change(id)
    transport.connect()
    await waitFor(() => statuses.length >= 3, { what: 'the failed try', deadlineMs: DEADLINE_MS })
    assert.deepEqual(
      statuses.map(([status]) => status),
      ['connected', 'lost', 'lost'],
    )
    proxy.set('pass')
    transport.connect()
    await is('connected')
    const [found] = answered(
      await transport.watch({ records: [{ type: 'document', id, version: 1 }] }),
    ).records
    assert.ok(found?.ok && found.version === 2, `after the loss the record is ${JSON.stringify(found)}`)
    await change(id)
    await receives(id, 3)
  },

  'takes a refusal for a refusal, and another sign-in for another': async ({ open, document }) => {
    const id = await document()
    let name: string | null = 'outsider'
    const { transport, is, statuses } = open(() => name)
    transport.connect()
    await is('refused')
    assert.equal(statuses.length, 1, `a refusal says ${JSON.stringify(statuses)}`)
    name = 'alice'
    transport.reconnect()
    await is('connected')
    assert.ok(answered(await transport.watch(records(id))).records[0]?.ok)
  },

  'is off where live events are': async ({ open }) => {
    const { transport, is } = open('vera')
    transport.connect()
    await is('off')
  },

  'passes on that access has gone': async ({ server, open }) => {
    const { id } = await server.create('letter', { owner: 'alice' })
    const { transport, is, events } = open()
    transport.connect()
    await is('connected')
    await transport.watch({ records: [{ type: 'letter', id }] })
    await server.knex('letters').where({ id }).update({ owner: 'bob' })
    await waitFor(() => events.some(({ name }) => name === 'AccessRevoked'), {
      what: 'AccessRevoked',
      deadlineMs: DEADLINE_MS,
    })
  },

  'delivers nothing once it is closed': async ({ open, document, change }) => {
    const id = await document()
    const closed = open()
    const other: Opened = open()
    for (const { transport, is } of [closed, other]) {
      transport.connect()
      await is('connected')
      await transport.watch(records(id))
    }
    closed.transport.close()
    const before = closed.events.length
    await change(id)
    await other.receives(id, 2)
    assert.equal(closed.events.length, before, 'events came after it was closed')
    assert.equal(closed.statuses.at(-1)?.[0], 'closed')
    assert.equal(closed.transport.id(), null)
  },
}
