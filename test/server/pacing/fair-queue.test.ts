// Work in turns: how much somebody asks for delays nobody but them.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createFairQueue } from '../../../server/pacing/fair-queue.ts'
import { personKey } from '../../../server/pacing/person.ts'
import { createQuota } from '../../../server/pacing/quota.ts'
import { refuseSlowly } from '../../../server/pacing/refuse-slowly.ts'
import { createWorkAllowance } from '../../../server/pacing/work-allowance.ts'
import { waitFor } from '../../support/wait-for.ts'

const alice = { tenantId: 'acme', id: 'alice' }
const bob = { tenantId: 'acme', id: 'bob' }
const gina = { tenantId: 'globex', id: 'gina' }

/** Lets everything that is ready to run do so. */
const settle = () => new Promise((resolve) => setImmediate(resolve))

/** Work that ends when the test says so. */
const createWork = (queue: ReturnType<typeof createFairQueue>) => {
  const begun: string[] = []
  const ends = new Map<string, () => void>()
  const ask = (person: typeof alice, name: string) =>
    queue
      .run(person, () => {
        begun.push(name)
        return new Promise<void>((resolve) => ends.set(name, resolve))
      })
      .catch(() => {})
  const end = async (name: string) => {
    ends.get(name)?.()
    await settle()
  }
  return { begun, ask, end }
}

test('each tenant has its turn, and each of its people', async () => {
  const { begun, ask, end } = createWork(createFairQueue({ atOnce: 1, perPerson: 1 }))
  for (const n of [1, 2, 3]) ask(alice, `alice ${n}`)
  for (const n of [1, 2]) ask(bob, `bob ${n}`)
  ask(gina, 'gina 1')
  await settle()
  for (let n = 0; n < 6; n += 1) await end(begun.at(-1) ?? '')
  expect(begun).toEqual(['alice 1', 'gina 1', 'bob 1', 'alice 2', 'bob 2', 'alice 3'])
})

test('one person has no more places than their share, though others be free', async () => {
  const { begun, ask } = createWork(createFairQueue({ atOnce: 3, perPerson: 2 }))
  for (const n of [1, 2, 3]) ask(alice, `alice ${n}`)
  await settle()
  expect(begun).toEqual(['alice 1', 'alice 2'])
  ask(bob, 'bob 1')
  await settle()
  expect(begun).toEqual(['alice 1', 'alice 2', 'bob 1'])
})

test('somebody alone for a second uses all places but a fifth, and their share once another asks', async () => {
  let time = 0
  const { begun, ask, end } = createWork(createFairQueue({ atOnce: 10, perPerson: 3, now: () => time }))
  for (let n = 1; n <= 12; n += 1) ask(alice, `alice ${n}`)
  await settle()
  expect(begun).toHaveLength(3)
  time = 1_500
  await end('alice 1')
  expect(begun).toHaveLength(9)
  ask(bob, 'bob 1')
  await settle()
  expect(begun.at(-1)).toBe('bob 1')
  await end('alice 2')
  expect(begun).toHaveLength(10)
})

test('somebody alone in a queue keeps to their share while others are at work in another one', async () => {
  let time = 0
  const activity = { note: () => {}, hasOthers: () => true }
  const queue = createFairQueue({ atOnce: 10, perPerson: 3, activity, now: () => time })
  const { begun, ask, end } = createWork(queue)
  for (let n = 1; n <= 12; n += 1) ask(alice, `alice ${n}`)
  await settle()
  time = 1_500
  await end('alice 1')
  expect(begun).toHaveLength(4)
})

test('who has many waiting rests after each piece, and others don’t', async () => {
  let time = 0
  const queue = createFairQueue({ atOnce: 1, perPerson: 1, restShare: 1, now: () => time })
  const { begun, ask, end } = createWork(queue)
  for (const n of [1, 2, 3, 4, 5, 6]) ask(alice, `alice ${n}`)
  await settle()
  time = 10
  await end('alice 1')
  expect(begun).toEqual(['alice 1'])
  ask(bob, 'bob 1')
  await settle()
  expect(begun).toEqual(['alice 1', 'bob 1'])
  time = 20
  await end('bob 1')
  expect(begun).toEqual(['alice 1', 'bob 1', 'alice 2'])
  await end('alice 2')
  expect(begun.at(-1)).toBe('alice 3')
})

test('beside other people, who has had a heavy piece does one after another', async () => {
  let hasOthers = true
  const activity = { note: () => {}, hasOthers: () => hasOthers }
  const costOf = (_tookMs: number, size: number) => size
  const queue = createFairQueue({ atOnce: 10, perPerson: 2, heavyMs: 5, activity, costOf, now: () => 0 })
  const begun: string[] = []
  const ask = async (name: string) => {
    const end = await queue.enter(alice)
    begun.push(name)
    return end
  }
  const [first, second] = [await ask('1'), await ask('2')]
  const [third, fourth] = [ask('3'), ask('4')]
  first(4)
  await settle()
  expect(begun).toEqual(['1', '2', '3'])
  second(5)
  await settle()
  expect(begun).toEqual(['1', '2', '3'])
  const end = await third
  end(5)
  await fourth
  hasOthers = false
  await ask('5')
  expect(begun).toEqual(['1', '2', '3', '4', '5'])
})

test('beside other people, who has many waiting does one after another', async () => {
  const time = 0
  let hasOthers = true
  const activity = { note: () => {}, hasOthers: () => hasOthers }
  const options = { atOnce: 4, perPerson: 2, restShare: 1, activity, now: () => time }
  const { begun, ask, end } = createWork(createFairQueue(options))
  for (let n = 1; n <= 8; n += 1) ask(alice, `alice ${n}`)
  await settle()
  await end('alice 1')
  await end('alice 2')
  // Six wait after two: of more than four no second one begins.
  expect(begun).toEqual(['alice 1', 'alice 2', 'alice 3'])
  await end('alice 3')
  expect(begun).toEqual(['alice 1', 'alice 2', 'alice 3', 'alice 4', 'alice 5'])
  hasOthers = false
  const alone = createWork(createFairQueue(options))
  for (let n = 1; n <= 8; n += 1) alone.ask(bob, `bob ${n}`)
  await settle()
  await alone.end('bob 1')
  await alone.end('bob 2')
  expect(alone.begun).toEqual(['bob 1', 'bob 2', 'bob 3', 'bob 4'])
})

test('anyone who gives up has no turn', async () => {
  const queue = createFairQueue({ atOnce: 1, perPerson: 1 })
  const end = await queue.enter(alice)
  const gone = new AbortController()
  const waiting = queue.enter(bob, gone.signal)
  gone.abort(new Error('gone'))
  await expect(waiting).rejects.toThrow('gone')
  expect(queue.waiting()).toBe(0)
  end()
  await expect(queue.enter(gina, AbortSignal.abort(new Error('gone')))).resolves.toBeTypeOf('function')
})

test('whatever is asked in whatever order: all of it is done, in nobody’s excess', async () => {
  const people = [alice, bob, gina]
  const asked = fc.array(fc.record({ who: fc.nat(2), ticks: fc.nat(3) }), { maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(
      asked,
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 2 }),
      async (all, atOnce, perPerson) => {
        const queue = createFairQueue({ atOnce, perPerson })
        const running = [0, 0, 0]
        let done = 0
        await Promise.all(
          all.map(({ who, ticks }) =>
            queue.run(people[who] ?? alice, async () => {
              running[who] = (running[who] ?? 0) + 1
              expect(running[who]).toBeLessThanOrEqual(perPerson)
              expect(running.reduce((sum, count) => sum + count)).toBeLessThanOrEqual(atOnce)
              for (let tick = 0; tick < ticks; tick += 1) await settle()
              running[who] = (running[who] ?? 0) - 1
              done += 1
            }),
          ),
        )
        expect([done, queue.waiting()]).toEqual([all.length, 0])
      },
    ),
    { numRuns: 60 },
  )
})

test('a quota counts what is held, and what is given back once', () => {
  const quota = createQuota(2, 3)
  const [one, two] = [quota.take(alice), quota.take(alice)]
  expect(quota.take(alice)).toBeNull()
  const other = quota.take(bob)
  expect(quota.take(gina)).toBeNull()
  one?.()
  one?.()
  expect(quota.size()).toBe(2)
  expect(quota.take(alice)).not.toBeNull()
  expect(quota.take(alice)).toBeNull()
  two?.()
  other?.()
  expect(quota.size()).toBe(1)
})

test('no two people are counted as one', () => {
  const pairs = [
    ['a', 'bc'],
    ['ab', 'c'],
    ['', 'abc'],
    ['1:a', 'b'],
    ['1', ':ab'],
  ]
  expect(new Set(pairs.map(([tenantId = '', id = '']) => personKey({ tenantId, id }))).size).toBe(
    pairs.length,
  )
})

test('work that follows after a turn delays its own person’s next turns, and nobody else’s', async () => {
  let time = 0
  const now = () => time
  const allowance = createWorkAllowance({ share: 0.5, burstMs: 100, now })
  const queue = createFairQueue({ atOnce: 4, perPerson: 2, allowance, now })
  const end = await queue.enter(alice)
  queue.spend(alice, 200)
  end()
  const begun: string[] = []
  queue.enter(alice).then(() => begun.push('alice'))
  queue.enter(bob).then(() => begun.push('bob'))
  await settle()
  expect(begun).toEqual(['bob'])
  time = 200
  await waitFor(() => begun.length === 2, { what: 'her turn' })
})

test('a refusal takes a second, and more of one person’s are answered at 20 a second', async () => {
  const begunAt = performance.now()
  const person = { tenantId: 'acme', id: 'refused' }
  const took = await Promise.all(
    Array.from({ length: 60 }, async () => {
      await expect(refuseSlowly(person, 'Too much.')).rejects.toMatchObject({
        problem: { code: 'rate_limited' },
      })
      return performance.now() - begunAt
    }),
  )
  // A timer may be early by a millisecond or two, and on a busy machine late by any time.
  expect(Math.min(...took)).toBeGreaterThan(990)
  expect(Math.max(...took)).toBeGreaterThan(1_950)
})
