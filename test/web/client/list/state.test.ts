// A live list lays what it receives over what it shows: after each refresh it is what a fresh list would be, in the same
// order, and rows that did not change are the same objects.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareRecords } from '../../../../web/client/list/order.ts'
import { createListWorld } from './list-world.ts'

const RUNS = Number(process.env.NOCLOBBER_RUNS ?? 800)

const id = fc.integer({ min: 1, max: 12 }).map(String)
const fields = fc.record(
  {
    title: fc.constantFrom('a', 'B', 'c', 'ä', '10', '9', ''),
    status: fc.constantFrom('todo', 'done'),
    due: fc.option(fc.integer({ min: 1, max: 3 })),
  },
  { requiredKeys: [] },
)
const act = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('put' as const), id, fields, silent: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), id, silent: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('own save' as const), id, fields }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('own remove' as const), id }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('hold' as const), ms: fc.integer({ max: 9000, min: 0 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('prune' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ max: 6000, min: 0 }) }),
  },
)
const sort = fc.constantFrom('id', '-id', 'title', '-title', 'due', '-due', 'updated_at')

test(`in ${RUNS} sequences the patched list and a fresh one never differ`, async () => {
  let compared = 0
  await fc.assert(
    fc.asyncProperty(sort, fc.array(act, { maxLength: 25 }), async (by, acts) => {
      const world = createListWorld({ partSize: 3 })
      for (let n = 1; n <= 6; n += 1)
        world.put(String(n), { title: 'a', status: n % 2 ? 'todo' : 'done', due: n })
      const query = { where: { status: 'todo' }, sort: by }
      const list = world.open(query)
      const stop = list.subscribe(() => {})
      await world.forward(0)
      for (const one of acts) {
        if (one.kind === 'put')
          world.put(
            one.id,
            { status: 'todo', title: 'x', due: null, ...world.record(one.id)?.fields, ...one.fields },
            one,
          )
        if (one.kind === 'delete') world.delete(one.id, one)
        if (one.kind === 'own save' && world.record(one.id))
          world.own({ kind: 'saved', record: world.put(one.id, one.fields, { silent: true }) })
        if (one.kind === 'own remove' && world.record(one.id)) {
          world.delete(one.id, { silent: true })
          world.own({ kind: 'removed', type: 'task', id: one.id })
        }
        if (one.kind === 'prune') world.prune()
        if (one.kind === 'hold') {
          const release = list.hold()
          const before = list.get().rows
          await world.forward(one.ms)
          expect(list.get().rows).toBe(before)
          release()
        }
        if (one.kind === 'wait') await world.forward(one.ms)

        const before = new Map(list.get().byId)
        await list.reload()
        const truth = world
          .ids()
          .flatMap((each) => world.record(each) ?? [])
          .filter((record) => record.fields.status === 'todo')
          .sort(compareRecords(by))
        expect(list.get().rows).toEqual(truth)
        for (const row of list.get().rows) {
          const was = before.get(row.id)
          if (was?.version === row.version) expect(row).toBe(was)
        }
        expect(list.get().staged.size).toBe(0)
        compared += 1
      }
      stop()
    }),
    { numRuns: RUNS },
  )
  expect(compared).toBeGreaterThan(RUNS)
}, 120_000)

test('an order is total, empty values last both ways, and text as people order it', () => {
  const row = (id: string, title: string | null) => ({
    ...{ type: 'task', id, version: 1, updated_at: '', updated_by: null },
    fields: { title },
  })
  const rows = [
    row('9', 'b'),
    row('10', 'b'),
    row('2', null),
    row('3', 'B'),
    row('4', 'ä'),
    row('5', 'z2'),
    row('6', 'z10'),
  ]
  const order = (by: string) =>
    rows
      .toSorted(compareRecords(by, 'en'))
      .map(({ id }) => id)
      .join(' ')
  expect(order('title')).toBe('4 9 10 3 5 6 2')
  expect(order('-title')).toBe('6 5 3 10 9 4 2')
  expect(order('id')).toBe('2 3 4 5 6 9 10')
  fc.assert(
    fc.property(fc.array(fc.tuple(id, fc.option(fc.string())), { minLength: 3, maxLength: 3 }), (three) => {
      const [a, b, c] = three.map(([one, title]) => row(one, title)) as [never, never, never]
      const compare = compareRecords('title', 'en')
      expect(Math.sign(compare(a, b)) + Math.sign(compare(b, a))).toBe(0)
      if (compare(a, b) <= 0 && compare(b, c) <= 0) expect(compare(a, c)).toBeLessThanOrEqual(0)
    }),
  )
})
