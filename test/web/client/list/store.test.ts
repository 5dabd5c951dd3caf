// When a live list looks, what it shows at once, what it holds back and what it offers; with time turned by hand.

import { describe, expect, test } from 'vitest'
import { isBarShown, waitingCount } from '../../../../web/client/list/state.ts'
import type { ListStore } from '../../../../web/client/list/store.ts'
import { createListWorld, idsOf } from './list-world.ts'

async function openList(count = 3, query = {}) {
  const world = createListWorld()
  for (let n = 1; n <= count; n += 1)
    world.put(String(n), { title: `t${n}`, status: 'todo' }, { silent: true })
  const list = world.open(query)
  let calls = 0
  const stop = list.subscribe(() => {
    calls += 1
  })
  await world.forward(0)
  world.asked.length = 0
  return { world, list, stop, calls: () => calls }
}
const bar = (list: ListStore) => (isBarShown(list.get()) ? waitingCount(list.get()) : 'no bar')
const kinds = ({ asked }: ReturnType<typeof createListWorld>) => asked.map(({ kind }) => kind).join(' ')

describe('its refresh schedule', () => {
  test('at once after a quiet time, then three seconds after the last event, 4.3 at most after the first', async () => {
    const { world, list } = await openList()
    world.put('1', { title: 'lone' })
    world.put('2', { title: 'with it' })
    await world.forward(99)
    expect(kinds(world)).toBe('')
    await world.forward(1)
    expect([kinds(world), idsOf(list), world.asked[0]?.rows]).toEqual(['delta', '1 2 3', 2])
    world.put('3', { title: 'y' })
    await world.forward(2999)
    expect(kinds(world)).toBe('delta')
    await world.forward(1)
    expect([kinds(world), world.asked[1]?.rows]).toEqual(['delta delta', 1])
    await world.forward(1000)
    for (let n = 0; n < 9; n += 1) {
      world.put('1', { title: `storm ${n}` })
      await world.forward(500)
    }
    expect([world.asked.length, list.get().rows[0]?.fields.title]).toEqual([3, 'storm 8'])
    await world.forward(3000)
    world.put('1', { title: 'quiet again' })
    await world.forward(100)
    expect(list.get().rows[0]?.fields.title).toBe('quiet again')
  })

  test('a hundred changes in ten seconds are four requests, three seconds apart, and the last one is shown', async () => {
    const { world, list } = await openList()
    const at: number[] = []
    for (let n = 0; n < 170; n += 1) {
      const before = world.asked.length
      if (n < 100) world.put('1', { title: `${n}` })
      await world.forward(100)
      if (world.asked.length > before) at.push(n * 100)
    }
    expect([world.asked.length, list.get().rows[0]?.fields.title]).toEqual([4, '99'])
    expect(
      Math.min(...at.slice(1).map((time, place) => time - (at[place] as number))),
    ).toBeGreaterThanOrEqual(3000)
  })

  test('its pace is an option', async () => {
    const { world } = await openList(3, { paceMs: 10_000 })
    world.put('1', { title: 'x' })
    await world.forward(100)
    world.put('1', { title: 'y' })
    await world.forward(9_999)
    expect(kinds(world)).toBe('delta')
    await world.forward(1)
    expect(kinds(world)).toBe('delta delta')
  })

  test('what arrives while it looks makes exactly one more look', async () => {
    const { world, list } = await openList()
    const open = world.holdAnswers()
    world.put('1', { title: 'x' })
    await world.forward(3000)
    for (const id of ['2', '3', '4']) world.put(id, { title: 'y' })
    void list.reload()
    void list.reload()
    open()
    await world.forward(20_000)
    expect(kinds(world)).toBe('delta delta')
    expect(idsOf(list)).toBe('1 2 3 4')
  })

  test('a refresh notifies its listeners once, and again when the highlight ends; one that brings nothing not at all', async () => {
    const { world, list, calls } = await openList()
    const before = calls()
    world.put('1', { title: 'x' })
    world.put('2', { title: 'y' })
    await world.forward(3000)
    expect([calls() - before, [...list.get().highlighted]]).toEqual([
      1,
      [
        ['1', ['title']],
        ['2', ['title']],
      ],
    ])
    await world.forward(3000)
    expect([calls() - before, list.get().highlighted.size]).toEqual([2, 0])
    world.put('1', { title: 'x' }, { silent: true })
    await list.reload()
    const settled = calls()
    await list.reload()
    expect(calls()).toBe(settled)
  })

  test('a hidden page asks for nothing, and for all that waits when it is looked at', async () => {
    const { world, list } = await openList()
    world.show(false)
    world.put('4', { title: 'new' })
    await world.forward(60_000)
    expect(kinds(world)).toBe('')
    world.show(true)
    await world.forward(0)
    expect([kinds(world), idsOf(list)]).toEqual(['delta', '1 2 3 4'])
  })

  test('events that are not newer than what is shown cost nothing', async () => {
    const { world } = await openList()
    const record = world.put('1', { title: 'mine' }, { silent: true })
    world.own({ kind: 'saved', record })
    await world.forward(1500)
    world.asked.length = 0
    world.put('1', {}, { silent: true })
    await world.forward(60_000)
    expect(kinds(world)).toBe('')
  })
})

describe('while somebody works in it', () => {
  test('nothing moves, what comes is counted exactly, and all is there when they are done', async () => {
    const { world, list } = await openList(3, { where: { status: 'todo' } })
    const rows = list.get().rows
    const release = list.hold()
    world.put('2', { status: 'done' })
    world.put('3', { title: 'x' })
    world.put('4', { title: 'new', status: 'todo' })
    world.put('5', { title: 'elsewhere', status: 'done' })
    await world.forward(5000)
    expect([bar(list), list.get().rows === rows]).toEqual([3, true])
    list.keepEditing()
    expect([bar(list), list.get().isKept]).toEqual([3, true])
    world.delete('1')
    await world.forward(5000)
    expect([bar(list), list.get().isKept, list.get().rows === rows]).toEqual([4, true, true])
    release()
    await world.forward(500)
    expect([idsOf(list), bar(list), list.get().isKept]).toEqual(['3 4', 'no bar', false])
  })

  test('reload now shows it while they go on', async () => {
    const { world, list } = await openList()
    list.hold()
    world.put('4', { title: 'new' })
    await world.forward(5000)
    expect(bar(list)).toBe(1)
    await list.reload()
    expect([idsOf(list), bar(list), list.get().isHeld]).toEqual(['1 2 3 4', 'no bar', true])
  })

  test('what may no longer be read goes all the same', async () => {
    const { world, list } = await openList()
    world.setRecheck(true)
    await list.reload()
    list.hold()
    world.forbidden.add('2')
    await world.forward(61_000)
    expect(idsOf(list)).toBe('1 3')
  })
})

describe('what would move too much', () => {
  test('more than fifty rows that would move are offered, fetched already', async () => {
    const { world, list } = await openList(60, { where: { status: 'todo' } })
    for (let n = 1; n <= 51; n += 1) world.put(String(n), { status: 'done' })
    await world.forward(5000)
    expect([list.get().rows.length, bar(list), kinds(world)]).toEqual([60, 51, 'delta'])
    await list.reload()
    expect([list.get().rows.length, bar(list)]).toEqual([9, 'no bar'])
  })

  test('fifty and more that change in their places are shown', async () => {
    const { world, list } = await openList(60, { sort: 'id' })
    for (let n = 1; n <= 55; n += 1) world.put(String(n), { title: 'x' })
    await world.forward(5000)
    expect([list.get().rows[54]?.fields.title, bar(list)]).toEqual(['x', 'no bar'])
  })

  test('an import of ten thousand is offered once, without a request, and fetched when asked for', async () => {
    const { world, list, calls } = await openList()
    const before = calls()
    world.import(10_000, (n) => [String(100 + n), { title: 'imported', status: 'todo' }])
    world.put('1', { title: 'and one more' })
    await world.forward(30_000)
    expect([bar(list), kinds(world), calls() - before]).toEqual([10_000, '', 1])
    await list.reload()
    expect([list.get().rows.length, bar(list), list.get().rows[0]?.fields.title]).toEqual([
      10_003,
      'no bar',
      'and one more',
    ])
    expect(kinds(world)).toBe('delta '.repeat(11).trim())
  })

  test('a small import is shown like any other change', async () => {
    const { world, list } = await openList()
    world.import(40, (n) => [String(100 + n), { title: 'imported' }])
    await world.forward(5000)
    expect([list.get().rows.length, bar(list)]).toEqual([43, 'no bar'])
  })

  test('very many changes with an event each are not fetched to the end unasked', async () => {
    const { world, list } = await openList()
    for (let n = 0; n < 3000; n += 1) world.put(String(100 + n), { title: 'x' })
    await world.forward(5000)
    expect([bar(list), kinds(world)]).toEqual([null, 'delta'])
    await list.reload()
    expect(list.get().rows.length).toBe(3003)
  })
})

describe('its own page’s writes', () => {
  test('are shown at once, stay in their place until the next refresh, and are not counted as changes', async () => {
    const { world, list } = await openList(3, { where: { status: 'todo' }, sort: '-title' })
    expect(idsOf(list)).toBe('3 2 1')
    const record = world.put('1', { title: 'z', status: 'todo' }, { silent: true })
    world.own({ kind: 'saved', record })
    expect([idsOf(list), list.get().rows[2]?.fields.title, list.get().highlighted.size]).toEqual([
      '3 2 1',
      'z',
      0,
    ])
    await world.forward(1500)
    expect([idsOf(list), list.get().highlighted.size]).toEqual(['1 3 2', 0])
    world.delete('2', { silent: true })
    world.own({ kind: 'removed', type: 'task', id: '2' })
    expect(idsOf(list)).toBe('1 3')
    world.own({ kind: 'created', record: world.put('9', { title: 'a', status: 'todo' }, { silent: true }) })
    await world.forward(1500)
    expect(idsOf(list)).toBe('1 3 9')
  })
})

describe('a connection that comes back', () => {
  test('after ten minutes: one delta, then current', async () => {
    const { world, list } = await openList()
    world.cut(true)
    world.put('1', { title: 'x' }, { silent: true })
    world.delete('2', { silent: true })
    await world.forward(600_000)
    world.cut(false)
    world.rejoin(true)
    await world.forward(1000)
    expect([kinds(world), idsOf(list), list.get().trouble]).toEqual(['delta', '1 3', null])
    world.rejoin(false)
    await world.forward(60_000)
    expect(kinds(world)).toBe('delta')
  })

  test('after the retention: one whole list, and rows that did not change are the same', async () => {
    const { world, list } = await openList()
    const kept = list.get().byId.get('3')
    world.put('1', { title: 'x' }, { silent: true })
    world.prune()
    world.rejoin(true)
    await world.forward(1000)
    expect([kinds(world), list.get().rows[0]?.fields.title]).toEqual(['whole', 'x'])
    expect(list.get().byId.get('3')).toBe(kept)
  })

  test('without events it asks every five seconds; after a failure it says so and tries again', async () => {
    const { world, list } = await openList()
    world.cut(false, 'polling')
    await world.forward(5_000)
    expect(kinds(world)).toBe('delta')
    world.cut(true, 'polling')
    await world.forward(5_000)
    expect([list.get().trouble, idsOf(list)]).toEqual(['unreachable', '1 2 3'])
    world.cut(false, 'live')
    world.put('4', { title: 'new' }, { silent: true })
    await world.forward(5_000)
    expect([list.get().trouble, idsOf(list)]).toEqual([null, '1 2 3 4'])
  })

  test('a list that was refused for want of room asks every five seconds', async () => {
    const { world } = await openList()
    world.refuseJoin()
    await world.forward(10_000)
    expect(kinds(world)).toBe('delta delta')
    world.rejoin(false)
    await world.forward(10_000)
    expect(kinds(world)).toBe('delta delta')
  })

  test('a first load that fails is tried again', async () => {
    const world = createListWorld()
    world.put('1', {})
    world.cut(true)
    const list = world.open()
    list.subscribe(() => {})
    await world.forward(0)
    expect(list.get()).toMatchObject({ status: 'failed', trouble: 'unreachable' })
    world.cut(false)
    await list.reload()
    expect([list.get().status, idsOf(list)]).toEqual(['ready', '1'])
  })
})

test('another order begins with the rows that are here, and a list that nobody shows is let go', async () => {
  const { world, list, stop } = await openList(3, { sort: 'id' })
  const reversed = world.open({ sort: '-id' })
  expect(idsOf(reversed)).toBe('3 2 1')
  const stopReversed = reversed.subscribe(() => {})
  await world.forward(0)
  expect(kinds(world)).toBe('delta')
  expect(world.open({ sort: 'id' })).toBe(list)
  stop()
  stopReversed()
  await world.forward(5000)
  expect(world.open({ sort: 'id' })).not.toBe(list)
  world.asked.length = 0
  world.put('1', { title: 'x' })
  await world.forward(60_000)
  expect(kinds(world)).toBe('')
})

test('a list longer than what is wanted is cut, says so, and is fetched whole, less often', async () => {
  const { world, list } = await openList(7000, { most: 6000 })
  expect([list.get().rows.length, list.get().isWhole]).toEqual([6000, false])
  world.put('1', { title: 'x' })
  await world.forward(14_000)
  expect(kinds(world)).toBe('')
  await world.forward(2000)
  expect([kinds(world).startsWith('whole page'), list.get().rows[0]?.fields.title]).toEqual([true, 'x'])
})
