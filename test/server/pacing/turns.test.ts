// What one person may have under way at a time: beyond it an answer says so, and others are served.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Knex } from 'knex'
import { describe, expect, onTestFinished, test } from 'vitest'
import { DEFAULT_LIMITS } from '../../../server/base/options.ts'
import { endInPieces, PIECE_BYTES, unsentBytes } from '../../../server/http/body-in-pieces.ts'
import { inTurn } from '../../../server/http/in-turn.ts'
import { createFairQueue, type FairQueue } from '../../../server/pacing/fair-queue.ts'
import type { Person } from '../../../server/pacing/person.ts'
import { mapInSlices } from '../../../server/pacing/time-slices.ts'
import { createTurns } from '../../../server/pacing/turns.ts'
import { createWorkAllowance } from '../../../server/pacing/work-allowance.ts'
import { startApp, type TestApp } from '../../support/app.ts'
import { atEnd } from '../../support/at-end.ts'
import { waitFor } from '../../support/wait-for.ts'

const poll = (app: TestApp, as: string, signal: AbortSignal, cursor = '') =>
  fetch(`${app.origin}/api/v1/changes?wait=25${cursor && `&cursor=${cursor}`}`, {
    headers: { authorization: `Bearer ${as}` },
    signal,
  })

/** Requests that the test doesn't wait for end with it. */
const untilEnd = () => {
  const ending = new AbortController()
  onTestFinished(() => ending.abort())
  return ending.signal
}

describe('long polls', () => {
  test('are held as many as a person may have; another’s are held beside them', async () => {
    const app = await startApp({ limits: { pollsPerPerson: 3 } })
    const signal = untilEnd()
    const { cursor } = (await app.call('GET', '/changes')).body
    // Which of the four comes last is the network's matter.
    const asked = Array.from({ length: 4 }, () => poll(app, 'alice', signal, cursor))
    const refused = await Promise.race(asked)
    expect([refused.status, refused.headers.has('retry-after')]).toEqual([429, true])
    const bob = poll(app, 'bob', signal, cursor)
    expect((await app.call('GET', '/changes')).status).toBe(200)
    await app.make('project', { name: 'Bridge' })
    const statuses = (await Promise.all([...asked, bob])).map(({ status }) => status)
    expect(statuses.sort()).toEqual([200, 200, 200, 200, 429])
    expect((await poll(app, 'alice', signal, cursor)).status).toBe(200)
  })

  test('of many people that are woken together are all answered', async () => {
    const app = await startApp()
    const signal = untilEnd()
    const { cursor } = (await app.call('GET', '/changes')).body
    const people = Array.from({ length: 12 }, (_, n) => `reader${n}`)
    for (const name of people) app.people.set(name, { id: name, name, tenantId: 'acme', role: 'editor' })
    const held = people.map((name) => poll(app, name, signal, cursor).then((answer) => answer.json()))
    const made = await app.make('project', { name: 'Bridge' })
    for (const answer of held) expect((await answer).data).toMatchObject([{ id: made.id }])
  })
})

test('rooms are counted by person: what one socket holds another may not', async () => {
  const app = await startApp({ limits: { roomsPerPerson: 5 } })
  const ids = await Promise.all(
    Array.from({ length: 4 }, async () => (await app.make('project', { name: 'P' })).id),
  )
  const asked = ids.map((id): [string, string] => ['project', id])
  const [one, two, other] = await Promise.all([app.socket(), app.socket(), app.socket({ as: 'bob' })])
  const okOf = (answer: { records: { ok: boolean; code?: string }[] }) =>
    answer.records.map(({ ok, code }) => code ?? ok)
  expect(okOf(await one.watch(...asked))).toEqual([true, true, true, true])
  expect(okOf(await two.watch(...asked))).toEqual([true, 'rate_limited', 'rate_limited', 'rate_limited'])
  expect(okOf(await other.watch(...asked))).toEqual([true, true, true, true])
  one.socket.disconnect()
  await waitFor(async () => okOf(await two.watch(...asked)).every((ok) => ok === true), { what: 'room' })
})

test('messages are counted by person over all their sockets', async () => {
  const app = await startApp({ limits: { messagesPerPerson: 6 } })
  const sockets = await Promise.all([app.socket(), app.socket(), app.socket()])
  const asked = sockets.flatMap((watcher) => Array.from({ length: 5 }, () => watcher.ask('unwatch', {})))
  const answers = await Promise.all(asked)
  expect(answers.filter(({ code }) => code === 'rate_limited').length).toBeGreaterThan(0)
  const bob = await app.socket({ as: 'bob' })
  expect((await bob.ask('unwatch', {})).code).toBeUndefined()
})

test('requests of one person wait for each other, some are refused, and another’s are not', async () => {
  const app = await startApp({ limits: { longPerPerson: 1, waitingPerPerson: 2 } })
  const lock = await app.knex.transaction()
  try {
    await lock.raw('lock table projects in access exclusive mode')
    const lists = Array.from({ length: 6 }, () => app.call('GET', '/records/project'))
    const refused: number[] = []
    for (const list of lists) list.then(({ status }) => refused.push(status))
    await waitFor(() => refused.length === 3, { what: 'three to be refused' })
    expect(refused).toEqual([429, 429, 429])
    expect((await app.call('GET', '/records/task', { as: 'bob' })).status).toBe(200)
    await lock.commit()
    expect((await Promise.all(lists)).filter(({ status }) => status === 200)).toHaveLength(3)
  } finally {
    if (!lock.isCompleted()) await lock.rollback()
  }
})

/** Reads that wait for a lock have a connection each: how many do, as PostgreSQL sees it. */
const waitingIn = async (lock: Knex.Transaction) => {
  // Within a transaction PostgreSQL shows the activity of the first look.
  await lock.raw('select pg_stat_clear_snapshot()')
  const { rows } = await lock.raw(
    `select count(*)::int as count from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  )
  return rows[0].count as number
}

/** Of ten connections one has the lock. Somebody alone has eight at most, long work of however many people four. */
test.each([
  { what: 'single records of one person', path: '/records/project/1', people: 1, most: 8 },
  { what: 'lists of many people', path: '/records/project', people: 12, most: 4 },
])('$what leave the pool connections for others', async ({ path, people, most }) => {
  const app = await startApp()
  const names = Array.from({ length: people }, (_, n) => `reader${n}`)
  for (const name of names) app.people.set(name, { id: name, name, tenantId: 'acme', role: 'editor' })
  const tag = { id: 'shared', fields: { label: 'Read by others' } }
  expect((await app.call('POST', '/records/tag', { body: tag })).status).toBe(201)
  const lock = await app.knex.transaction()
  try {
    await lock.raw('lock table projects in access exclusive mode')
    let arrived = 0
    app.server.on('request', () => {
      arrived += 1
    })
    const reads = Array.from({ length: 12 }, (_, n) => app.call('GET', path, { as: names[n % people] ?? '' }))
    await waitFor(async () => arrived >= 12 && (await waitingIn(lock)) >= 2, { what: 'reads to wait' })
    expect((await app.call('GET', '/records/tag/shared', { as: 'bob' })).status).toBe(200)
    expect(await waitingIn(lock)).toBeLessThanOrEqual(most)
    await lock.commit()
    for (const { status } of await Promise.all(reads)) expect([200, 404]).toContain(status)
  } finally {
    if (!lock.isCompleted()) await lock.rollback()
  }
})

describe('the queues of a node', () => {
  const alice = { tenantId: 'acme', id: 'alice' }
  const bob = { tenantId: 'acme', id: 'bob' }
  const make = () => createTurns(DEFAULT_LIMITS, 10)
  const hasTurn = async (queue: FairQueue, person: Person) => (await queue.enter(person))()

  test.each(['short', 'long', 'joins', 'versions'] as const)(
    'in %s one person has a share while others are at work',
    async (name) => {
      const turns = make()
      turns[name].spend(alice, 60_000)
      expect(turns[name].isRested(alice)).toBe(true)
      await hasTurn(turns.short, bob)
      turns[name].spend(alice, 60_000)
      expect([turns[name].isRested(alice), turns[name].isRested(bob)]).toEqual([false, true])
    },
  )

  test.each([
    ['short', 'bytes', 1_000_000_000],
    ['joins', 'rooms', 1_000_000],
  ] as const)('in %s a piece costs by its %s', async (name, _unit, size) => {
    const turns = make()
    await hasTurn(turns.short, bob)
    turns[name].count(alice, 0)
    expect(turns[name].isRested(alice)).toBe(true)
    turns[name].count(alice, size)
    expect(turns[name].isRested(alice)).toBe(false)
  })

  test.each([
    ['that was made is charged more', 200, 6],
    ['that was refused is not', 409, 1],
  ])('a write %s', async (_what, statusCode, charged) => {
    const now = () => 0
    const allowance = createWorkAllowance({ share: 1, burstMs: 0, now })
    const queue = createFairQueue({ atOnce: 1, perPerson: 1, allowance, costOf: () => 1, now })
    const request = { socket: {}, headers: {} } as never
    await inTurn(queue, async () => {}, 5)(request, { statusCode } as never, alice as never)
    expect(allowance.readyAt(alice)).toBe(charged)
  })

  test('who only watches is not at work', async () => {
    const turns = make()
    for (const queue of [turns.joins, turns.versions]) await hasTurn(queue, bob)
    turns.short.spend(alice, 60_000)
    expect(turns.short.isRested(alice)).toBe(true)
  })
})

test('one of several people has a share of a node’s time, and another’s requests pass theirs', async () => {
  const app = await startApp({ limits: { workPerPerson: 0.01 } })
  const { id } = await app.make('project', { name: 'Bridge' })
  const read = (as: string) => app.call('GET', `/records/project/${id}`, { as })
  expect((await read('bob')).status).toBe(200)
  let answered = 0
  const reads = Array.from({ length: 300 }, () =>
    read('alice').then(({ status }) => {
      answered += 1
      return status
    }),
  )
  await waitFor(() => answered > 40, { what: 'the burst to pass' })
  for (let n = 0; n < 20; n += 1) expect((await read('bob')).status).toBe(200)
  expect(answered).toBeLessThan(300)
  app.server.closeAllConnections()
  await Promise.allSettled(reads)
})

test('many entries of an answer are made in slices, between which others have their turn', async () => {
  let passed = 0
  const other = setInterval(() => {
    passed += 1
  }, 0)
  const made = await mapInSlices([1, 2, 3, 4, 5], (n) => {
    // As long as no slice may take: with the next entry another one begins.
    const until = performance.now() + 2
    while (performance.now() < until);
    return { n, passed }
  })
  clearInterval(other)
  expect(made.map(({ n }) => n)).toEqual([1, 2, 3, 4, 5])
  expect(made.map((entry) => entry.passed > 0)).toEqual([false, true, true, true, true])
})

test('a large body leaves in pieces, between which others have their turn, and counts whole at once', async () => {
  const body = randomBytes(5 * PIECE_BYTES + 1)
  const pieces: number[] = []
  let atFirst = 0
  const server = createServer((_request, response) => {
    const seen = (send: (piece: Buffer) => unknown) => (piece: Buffer) => {
      pieces.push(piece.length)
      return send.call(response, piece)
    }
    const [write, end] = [response.write, response.end]
    response.writeHead(200, { 'Content-Length': body.length })
    Object.assign(response, { write: seen(write), end: seen(end) })
    endInPieces(response, body)
    atFirst = unsentBytes(response)
  })
  atEnd(() => server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const answer = await fetch(`http://127.0.0.1:${port}/`)
  expect(Buffer.from(await answer.arrayBuffer()).equals(body)).toBe(true)
  expect(pieces).toEqual([...Array(5).fill(PIECE_BYTES), 1])
  expect(atFirst).toBe(body.length - PIECE_BYTES)
})
