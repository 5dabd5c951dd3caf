// The way between transports, with a manual clock and candidates under the test's control.
import { beforeEach, describe, expect, test } from 'vitest'
import type { WatchAnswer } from '../../../../server/protocol/index.ts'
import type {
  CreateTransport,
  Transport,
  TransportKind,
  TransportListener,
  TransportStatus,
} from '../../../../web/client/transport/transport.ts'
import { createTransportFallback } from '../../../../web/client/transport/transport-fallback.ts'
import { createManualClock } from '../../../support/clocks.ts'

/** A candidate whose transports the test controls. */
function createCandidate(kind: TransportKind) {
  const made: { listener: TransportListener; tries: number; isClosed: boolean }[] = []
  const candidate = { answer: null as WatchAnswer | null }
  const create: CreateTransport = (listener) => {
    const one = { listener, tries: 0, isClosed: false }
    made.push(one)
    const transport: Transport = {
      connect() {
        one.tries += 1
      },
      reconnect() {
        one.tries += 1
      },
      id: () => kind,
      watch: async () => candidate.answer,
      unwatch: async () => {},
      close() {
        one.isClosed = true
        listener.onStatus('closed', null)
      },
    }
    return transport
  }
  return Object.assign(candidate, {
    create,
    made,
    say: (status: TransportStatus) =>
      made.at(-1)?.listener.onStatus(status, status === 'connected' ? kind : null),
    tries: () => made.reduce((sum, { tries }) => sum + tries, 0),
  })
}

function setUp(kinds: TransportKind[] = ['websocket', 'event_stream'], stallMs = 30_000) {
  const clock = createManualClock()
  const candidates = kinds.map(createCandidate)
  const received: string[] = []
  let isVisible = true
  let change = () => {}
  const page = {
    isVisible: () => isVisible,
    isOnline: () => true,
    onChange: (listener: () => void) => {
      change = listener
      return () => {}
    },
  }
  const fallback = createTransportFallback({
    candidates: candidates.map(({ create }) => ({ create, stallMs })),
    clock,
    page,
    random: () => 0.5,
  })({
    onStatus: (status, kind) => void received.push(kind ? `${status} ${kind}` : status),
    onEvent: ({ name }) => void received.push(name),
  })
  const show = (visible: boolean) => {
    isVisible = visible
    change()
  }
  const [top, below] = candidates as [ReturnType<typeof createCandidate>, ReturnType<typeof createCandidate>]
  return { clock, top, below, received, fallback, show, last: () => received.at(-1) }
}

let at: ReturnType<typeof setUp>
beforeEach(() => {
  at = setUp()
  at.fallback.connect()
})

/** Each try fails at once, until there is one on the next candidate. */
const failDown = () => {
  for (let count = 0; count < 5; count += 1) {
    at.top.say('lost')
    at.clock.forward(5000)
  }
}

describe('down', () => {
  test('it takes five failures in a row', () => {
    for (let count = 0; count < 4; count += 1) {
      at.top.say('lost')
      at.clock.forward(5000)
    }
    expect([at.top.tries(), at.below.tries()]).toEqual([5, 0])
    at.top.say('lost')
    expect([at.top.made[0]?.isClosed, at.below.tries()]).toEqual([true, 1])
    at.below.say('connected')
    expect(at.last()).toBe('connected event_stream')
  })

  test('where many are connected, tries wait as long as the server asks', async () => {
    const { fallback, top, clock } = at
    top.answer = { records: [], lists: [], spread_ms: 8000 }
    top.say('connected')
    await fallback.watch({ records: [], lists: [] })
    top.say('lost')
    clock.forward(4999)
    expect(top.tries()).toBe(1)
    clock.forward(1)
    expect(top.tries()).toBe(2)
    top.answer = { records: [], lists: [] }
    top.say('connected')
    await fallback.watch({ records: [], lists: [] })
    top.say('lost')
    clock.forward(4000)
    expect(top.tries()).toBe(3)
  })

  test('where many more have come since, tries wait as long as the server says then', () => {
    const { top, clock, received } = at
    top.say('connected')
    const before = [...received]
    top.made[0]?.listener.onEvent({ name: 'SpreadChanged', event: { spread_ms: 8000 } })
    expect(received).toEqual(before)
    top.say('lost')
    clock.forward(4999)
    expect(top.tries()).toBe(1)
    clock.forward(1)
    expect(top.tries()).toBe(2)
  })

  test('tries wait between one and five seconds', () => {
    at.top.say('lost')
    at.clock.forward(999)
    expect(at.top.tries()).toBe(1)
    at.clock.forward(4001)
    expect(at.top.tries()).toBe(2)
  })

  test('a connection that dies young is a failure, one that lasted is not', () => {
    for (let count = 0; count < 4; count += 1) {
      at.top.say('connected')
      at.clock.forward(2000)
      at.top.say('lost')
      at.clock.forward(5000)
    }
    at.top.say('connected')
    at.clock.forward(20_000)
    at.top.say('lost')
    expect(at.below.tries()).toBe(0)
    at.clock.forward(5000)
    for (let count = 0; count < 4; count += 1) {
      at.top.say('connected')
      at.clock.forward(2000)
      at.top.say('lost')
      at.clock.forward(5000)
    }
    expect(at.below.tries()).toBe(1)
  })

  test('a try that stalls is said, counts, and may still succeed', () => {
    const { fallback, clock, top, received } = setUp(undefined, 1000)
    fallback.connect()
    clock.forward(1000)
    expect(received).toEqual(['stalled'])
    top.say('connected')
    clock.forward(60_000)
    expect(received).toEqual(['stalled', 'connected websocket'])
  })

  test('after the last candidate it begins again at the top, where one failure is enough now', () => {
    failDown()
    for (let count = 0; count < 5; count += 1) {
      at.below.say('lost')
      at.clock.forward(5000)
    }
    expect(at.top.made).toHaveLength(2)
    at.top.say('lost')
    expect(at.below.made).toHaveLength(2)
  })
})

describe('up', () => {
  beforeEach(() => {
    failDown()
    at.below.say('connected')
  })

  test('the better one is taken when it works, and the other is closed', () => {
    at.clock.forward(31_000)
    expect(at.top.made).toHaveLength(2)
    expect(at.last()).toBe('connected event_stream')
    at.top.say('connected')
    expect(at.last()).toBe('connected websocket')
    expect(at.below.made[0]?.isClosed).toBe(true)
    expect(at.fallback.id()).toBe('websocket')
    at.below.made[0]?.listener.onEvent({ name: 'Resync' })
    expect(at.last()).toBe('connected websocket')
  })

  test('while the better one fails, the one that works goes on, and tries grow rare', () => {
    for (let minute = 0; minute < 30; minute += 1) {
      at.clock.forward(60_000)
      at.top.say('lost')
    }
    expect(at.last()).toBe('connected event_stream')
    expect(at.top.made.length).toBeGreaterThan(5)
    expect(at.top.made.length).toBeLessThan(12)
    expect(at.top.made.slice(1).every(({ isClosed }) => isClosed)).toBe(true)
  })

  test('a better one that says nothing is let go', () => {
    at.clock.forward(40_000)
    at.clock.forward(10_000)
    expect(at.top.made.at(-1)?.isClosed).toBe(true)
  })
})

describe('rest', () => {
  test('a refusal is no outage: nothing more is tried until the sign-in is new', () => {
    at.top.say('refused')
    at.clock.forward(3_600_000)
    expect([at.top.tries(), at.below.tries(), at.last()]).toEqual([1, 0, 'refused'])
    at.fallback.reconnect()
    expect(at.top.tries()).toBe(2)
  })

  test('where live events are off it looks again after minutes', () => {
    at.top.say('off')
    at.clock.forward(240_000)
    expect(at.top.tries()).toBe(1)
    at.clock.forward(120_000)
    expect(at.top.tries()).toBe(2)
  })

  test('a hidden page tries nothing, and at once when it is seen again', () => {
    at.show(false)
    at.top.say('lost')
    at.clock.forward(600_000)
    expect(at.top.tries()).toBe(1)
    at.show(true)
    expect(at.top.tries()).toBe(2)
  })

  test('closed is closed', () => {
    at.fallback.close()
    at.top.made[0]?.listener.onEvent({ name: 'Resync' })
    at.clock.forward(600_000)
    expect(at.received).toEqual(['closed'])
    expect([at.top.tries(), at.top.made[0]?.isClosed]).toEqual([1, true])
  })

  test('without a candidate it reports at once that events are off', () => {
    const none = setUp([])
    none.fallback.connect()
    expect(none.received).toEqual(['off'])
  })
})
