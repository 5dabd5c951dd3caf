// One node reads the log for the others: what they get, what they don't ask the database for, and what they do when it ends.
import { expect, test } from 'vitest'
import { readPage, sentPage } from '../../../server/cluster/relayed-pages.ts'
import { createRelay, type RelayedPage } from '../../../server/log/relay.ts'
import { readSnapshot, type Snapshot } from '../../../server/log/snapshots.ts'
import { startApp, type TestApp, TYPES } from '../../support/app.ts'
import { isWithout } from '../../support/programs.ts'
import { randomOf } from '../../support/random.ts'
import { redisClient, startRedis } from '../../support/redis.ts'
import { waitFor } from '../../support/wait-for.ts'

const readsOf = async ({ records }: TestApp) =>
  Number(/^noclobber_log_reads_total (\d+)/m.exec(await records.metrics.text())?.[1])

const watching = async (node: TestApp, id: string) => {
  const watcher = await node.socket({ as: 'bob' })
  await watcher.watch(['project', id])
  return watcher
}

test.skipIf(isWithout('redis'))(
  'of three nodes one reads, and when it ends another one does',
  async () => {
    const { url } = await startRedis()
    const types = TYPES.filter(({ name }) => name !== 'tag')
    const linked = () => ({ relay: true, redis: redisClient(url) as never })
    const first = await startApp({ ...linked(), types })
    const { id } = await first.make('project', { name: 'Bridge' })
    const nodes = [first]
    for (let count = 1; count < 3; count += 1)
      nodes.push(await startApp({ ...linked(), types, database: first.database }))
    const watchers = await Promise.all(nodes.map((node) => watching(node, id)))
    const plain = await startApp({ database: first.database })
    const { sql } = plain
    let version = 1
    const change = async () => {
      await sql(`update projects set notes = ? where id = ?`, [`Note ${version}`, id])
      version += 1
      const here = watchers.filter(({ socket }) => socket.connected)
      await Promise.all(here.map((watcher) => watcher.receives('RecordUpdated', { version })))
    }
    /** The one that reads, once the others do nothing but take what it sends. */
    const reader = (among: TestApp[]) =>
      waitFor(
        async () => {
          const before = await Promise.all(among.map(readsOf))
          for (let count = 0; count < 4; count += 1) await change()
          const after = await Promise.all(among.map(readsOf))
          const [one, ...others] = among.filter((_, at) => (after[at] as number) > (before[at] as number))
          return others.length === 0 && one ? one : undefined
        },
        { what: 'one node alone to read', deadlineMs: 40_000 },
      )
    const one = await reader(nodes)
    await one.stop()
    const rest = nodes.filter((node) => node !== one)
    expect(await reader(rest)).not.toBe(one)
    // One that has more tables than the others reads by itself.
    const other = await startApp({ ...linked(), types: TYPES, database: first.database })
    const before = await readsOf(other)
    await change()
    await waitFor(async () => (await readsOf(other)) > before, { what: 'a read of its own' })
    for (const { socket, received } of watchers) {
      if (!socket.connected) continue
      const versions = received.flatMap(({ name, event }) =>
        name === 'RecordUpdated' ? [event.version] : [],
      )
      expect(versions).toEqual(Array.from({ length: version - 1 }, (_, at) => at + 2))
    }
  },
  90_000,
)

const PAGE: RelayedPage = {
  ...{ epoch: '0123456789abcdef', from: '10:12:10', to: '12:14:', asOf: '2026-11-29T10:00:00.000000Z' },
  sources: ['public.projects'],
  keys: [
    {
      ...{ xid: '10', seq: '1000', source: 'public.projects', id: '1', version: 2, tenantId: 'acme' },
      ...{ scopes: { project_id: ['1'] }, isImported: false },
    },
  ],
}

test('a page arrives as it was sent, or not at all', () => {
  const sent = JSON.parse(JSON.stringify(sentPage(PAGE)))
  expect(readPage(sent)).toEqual(PAGE)
  for (const wrong of [
    ...[
      null,
      [],
      'x',
      { ...sent, from: '1' },
      { ...sent, to: 7 },
      { ...sent, asOf: 'soon' },
      { ...sent, epoch: 1 },
    ],
    ...[
      { ...sent, keys: 'all' },
      { ...sent, keys: [['10']] },
      { ...sent, sources: [1] },
    ],
    { ...sent, keys: Array(1_001).fill(sent.keys[0]) },
    { ...sent, keys: [sent.keys[0].with(0, 'x')] },
    { ...sent, keys: [sent.keys[0].with(6, { a: 1 })] },
  ])
    expect(readPage(wrong)).toBeNull()
  const long = { ...PAGE, keys: [{ ...(PAGE.keys?.[0] as never as object), id: 'x'.repeat(2_000) } as never] }
  expect(sentPage(long)).toMatchObject({ keys: null, sources: null, to: PAGE.to })
})

test('of two who lead the one of the smaller name goes on, and nobody waits for one that is slow', () => {
  let time = 0
  const made = (id: string) => {
    const sent: RelayedPage[] = []
    const relay = createRelay({ id, send: (page) => sent.push(page), now: () => time, random: () => 0 })
    return { ...relay, sent }
  }
  const [a, b] = [made('a'), made('b')]
  a.receive(PAGE, 'b', true)
  b.receive(PAGE, 'a', true)
  expect([a.leads(), b.leads(), b.take(), b.hasPages()]).toEqual([true, false, PAGE, false])
  b.send(PAGE)
  a.send({ ...PAGE, keys: Array(1_001).fill(PAGE.keys?.[0]) })
  expect([b.sent, a.sent.map(({ keys }) => keys)]).toEqual([[], [null]])
  for (let late = 0; late < 3; late += 1) {
    expect(b.leads()).toBe(false)
    b.receive(PAGE, 'a', false)
  }
  expect(b.leads()).toBe(true)
  time = 4_000
  b.receive(PAGE, 'a', true)
  expect(b.leads()).toBe(true)
  time = 5_000
  b.receive(PAGE, 'a', true)
  expect(b.leads()).toBe(false)
  for (let count = 0; count < 200; count += 1) b.receive(PAGE, 'a', true)
  let held = 0
  while (b.take()) held += 1
  expect(held).toBe(100)
})

/** Snapshots as a primary would take them while transactions begin and end in any order, the first one first. */
const historyOf = (seed: number) => {
  const random = randomOf(seed)
  const open = new Set<number>()
  const over = new Set<number>()
  let next = 3
  const taken: { snapshot: Snapshot; over: Set<number> }[] = []
  for (let step = 0; step < 60; step += 1) {
    if (random.below(2) === 0) open.add(next++)
    else if (open.size > 0) {
      const one = random.pick([...open])
      open.delete(one)
      over.add(one)
    }
    if (random.below(3) > 0) continue
    const xmax = Math.max(2, ...over) + 1
    const listed = [...open].filter((xid) => xid < xmax).sort((a, b) => a - b)
    const text = `${listed[0] ?? xmax}:${xmax}:${listed.join(',')}`
    taken.push({ snapshot: readSnapshot(text) as Snapshot, over: new Set(over) })
  }
  return { taken, next }
}

test('of two snapshots it is known which one has all of the other, and what is visible in it', () => {
  const wrong: string[] = []
  for (let seed = 1; seed <= 60; seed += 1) {
    const { taken, next } = historyOf(seed)
    for (const [at, { snapshot, over }] of taken.entries()) {
      for (let xid = 3; xid < next; xid += 1)
        if (snapshot.isVisible(String(xid)) !== over.has(xid)) wrong.push(`${seed}: ${xid} in ${at}`)
      for (const [later, { snapshot: other, over: all }] of taken.entries()) {
        const has = [...over].every((xid) => all.has(xid))
        const is = snapshot.isWithin(other)
        if ((later >= at && !is) || (is && !has)) wrong.push(`${seed}: ${at} within ${later}`)
      }
    }
  }
  expect(wrong).toEqual([])
  for (const none of ['', '1:2', '5:3:', '5:9:8,7', '5:9:3']) expect(readSnapshot(none)).toBeNull()
})
