// Code that is loaded on use: what waits for it runs once and in order, and a load that fails is tried again.
import { expect, test } from 'vitest'
import { createLazyPart, lateFunctions, lazyModule } from '../../../../web/client/base/lazy-module.ts'
import { createListOpener } from '../../../../web/client/list/lazy-lists.ts'
import type { LiveLists } from '../../../../web/client/list/live-lists.ts'
import { createLazyTransport } from '../../../../web/client/transport/lazy-transport.ts'
import { createManualClock } from '../../../support/clocks.ts'

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Code that comes when the test says so. */
function createCode<M>(code: M) {
  const asked: { give: () => void; fail: () => void }[] = []
  const module = lazyModule(
    () =>
      new Promise<M>((resolve, reject) =>
        asked.push({ give: () => resolve(code), fail: () => reject(new Error('no network')) }),
      ),
  )
  return { module, asked }
}

test('what is asked for before the code is here runs once, in order; what was called off does not', async () => {
  const clock = createManualClock()
  const { module, asked } = createCode('code')
  const part = createLazyPart(module, (code) => `part of ${code}`, clock)
  const ran: string[] = []
  part.use((made) => void ran.push(`1 ${made}`))
  const stop = part.use((made) => void ran.push(`2 ${made}`))
  part.use((made) => void ran.push(`3 ${made}`))
  stop()
  expect(asked).toHaveLength(1)
  expect(part.now()).toBe(null)
  asked[0]?.give()
  await turn()
  expect(ran).toEqual(['1 part of code', '3 part of code'])
  part.use((made) => void ran.push(`4 ${made}`))
  expect(ran).toHaveLength(3)
})

test('a load that fails is said, and tried again for those who still wait', async () => {
  const clock = createManualClock()
  const { module, asked } = createCode('code')
  const part = createLazyPart(module, (code) => code, clock)
  const ran: string[] = []
  let failures = 0
  part.onFailing(() => {
    failures += 1
  })
  part.use((made) => void ran.push(made))
  asked[0]?.fail()
  await turn()
  expect([failures, part.isFailing(), ran]).toEqual([1, true, []])
  clock.forward(5000)
  asked[1]?.give()
  await turn()
  expect([part.isFailing(), ran]).toEqual([false, ['code']])
})

test('closed, nothing that waited runs, and nothing is tried again', async () => {
  const clock = createManualClock()
  const { module, asked } = createCode('code')
  const part = createLazyPart(module, (code) => code, clock)
  const ran: string[] = []
  part.use((made) => void ran.push(made))
  part.close()
  asked[0]?.give()
  await turn()
  expect(ran).toEqual([])
})

test('a list whose code cannot be loaded says so, and comes when it can', async () => {
  const clock = createManualClock()
  const rows = { status: 'ready' }
  const made = { open: () => ({ get: () => rows, subscribe: () => () => {}, hold: () => () => {} }) }
  const { module, asked } = createCode(made as unknown as LiveLists)
  const open = createListOpener(createLazyPart(module, (lists) => lists, clock))
  const list = open('task')
  expect(open('task')).toBe(list)
  const seen: string[] = []
  list.subscribe(() => seen.push(list.get().status))
  list.hold()()
  expect(list.get().status).toBe('loading')
  asked[0]?.fail()
  await turn()
  expect(list.get()).toMatchObject({ status: 'failed', trouble: 'unreachable' })
  clock.forward(5000)
  asked[1]?.give()
  await turn()
  expect(seen).toEqual(['failed', 'ready'])
})

test('a transport whose code cannot be loaded is lost, and connects at the next try', async () => {
  const statuses: string[] = []
  let loads = 0
  const transport = createLazyTransport(async () => {
    loads += 1
    if (loads === 1) throw new Error('no network')
    return (listener) => ({
      connect: () => listener.onStatus('connected', 'websocket'),
      reconnect: () => {},
      id: () => 'one',
      watch: async () => null,
      unwatch: async () => {},
      close: () => listener.onStatus('closed', null),
    })
  })({ onStatus: (status) => statuses.push(status), onEvent: () => {} })
  transport.connect()
  await turn()
  transport.connect()
  transport.connect()
  await turn()
  expect([statuses, transport.id(), loads]).toEqual([['lost', 'connected'], 'one', 2])
  transport.close()
  expect(statuses.at(-1)).toBe('closed')
})

test('a transport that is closed while its code comes never connects', async () => {
  const statuses: string[] = []
  const transport = createLazyTransport(async () => {
    throw new Error('never used')
  })({ onStatus: (status) => statuses.push(status), onEvent: () => {} })
  transport.connect()
  transport.close()
  await turn()
  expect(statuses).toEqual(['closed'])
})

test('functions whose code can’t be had answer so; the next call asks for it again', async () => {
  const { module, asked } = createCode({ greet: async (name: string) => `hello ${name}` })
  const late = lateFunctions(['greet'], module.load, (error, name) => `${name}: ${error}`)
  const first = late.greet('Bob')
  asked[0]?.fail()
  expect(await first).toBe('greet: Error: no network')
  const second = late.greet('Bob')
  asked[1]?.give()
  expect(await second).toBe('hello Bob')
})

test('what a late function throws is its own, and no failed load', async () => {
  const late = lateFunctions(
    ['refuse'],
    async () => ({ refuse: () => Promise.reject(new TypeError('no form for this')) }),
    () => 'not loaded',
  )
  await expect(late.refuse()).rejects.toThrow('no form for this')
})

test('with a clock a transport whose code can’t be had is tried again by itself, until it is closed', async () => {
  const clock = createManualClock()
  const statuses: string[] = []
  let loads = 0
  const transport = createLazyTransport(
    async () => {
      loads += 1
      throw new Error('no network')
    },
    { clock },
  )({ onStatus: (status) => statuses.push(status), onEvent: () => {} })
  transport.connect()
  await turn()
  clock.forward(5000)
  await turn()
  expect([statuses, loads]).toEqual([['lost', 'lost'], 2])
  transport.close()
  clock.forward(60_000)
  await turn()
  expect(loads).toBe(2)
})
