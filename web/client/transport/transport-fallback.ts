// The way between transports: the best that works, tried in order. After five failures in a row one step down; while a
// lower one works, the better ones are tried beside it, and taken when they work. It keeps a transport's interface
// itself, so nobody above knows on which rung events come. All waiting is here: jittered, and not while nobody looks.

import type { Clock, Page, Stop } from '../base/clock.ts'
import type {
  CreateTransport,
  Transport,
  TransportEvent,
  TransportKind,
  TransportStatus,
} from './transport.ts'

const FAILURES_BEFORE_STEP = 5
const FIRST_DELAY_MS = 1000
const LONGEST_DELAY_MS = 5000
/** A connection that lasted this long was no failure. */
const STABLE_MS = 10_000
const FIRST_LOOK_UP_MS = 30_000
const LONGEST_LOOK_UP_MS = 300_000
const LOOK_UP_PATIENCE_MS = 10_000
const OFF_MS = 300_000

/** One way to carry events. */
export interface TransportCandidate {
  create: CreateTransport
  /** Without a connection after this long the client goes on without one meanwhile. */
  stallMs: number
}

export interface TransportFallbackOptions {
  /** The best first. */
  candidates: TransportCandidate[]
  clock: Clock
  page: Page
  random?: () => number
}

interface Attempt {
  candidate: number
  transport: Transport
}

/** A transport that is the best of several. Without any rung it is never connected. */
export function createTransportFallback({
  candidates,
  clock,
  page,
  random = Math.random,
}: TransportFallbackOptions): CreateTransport {
  return (listener) => {
    /** Rungs that were given up without having worked since: there one failure is enough. */
    const given = new Set<number>()
    let current: Attempt | null = null
    let probe: Attempt | null = null
    let isConnected = false
    let connectedAt = 0
    let failures = 0
    /** What the server asks of all who are connected, should they be lost at once. */
    let spreadMs = 0
    let lookUpMs = FIRST_LOOK_UP_MS
    let stopWait: Stop = () => {}
    let stopStall: Stop = () => {}
    let stopLookUp: Stop = () => {}
    let stopPage: Stop | null = null
    /** What waits for its time, or for the page to be looked at. */
    let waiting: (() => void) | null = null

    const jittered = (longestMs: number) => FIRST_DELAY_MS + random() * (longestMs - FIRST_DELAY_MS)

    function later(delayMs: number, run: () => void) {
      stopWait()
      waiting = run
      stopWait = clock.after(delayMs, () => page.isVisible() && hurry())
    }

    function hurry() {
      const run = waiting
      stopWait()
      waiting = null
      run?.()
    }

    function hear(event: TransportEvent) {
      if (event.name === 'SpreadChanged') spreadMs = event.event.spread_ms
      else listener.onEvent(event)
    }

    function begin(candidate: number) {
      const { create } = candidates[candidate] ?? {}
      if (!create) return
      current?.transport.close()
      failures = 0
      const attempt: Attempt = { candidate, transport: null as unknown as Transport }
      current = attempt
      attempt.transport = create({
        onStatus: (status, kind) => attempt === current && heard(status, kind),
        onEvent: (event) => attempt === current && hear(event),
      })
      tryNow()
    }

    function tryNow(how: 'connect' | 'reconnect' = 'connect') {
      const attempt = current
      if (!attempt) return
      stopStall()
      stopStall = clock.after(candidates[attempt.candidate]?.stallMs ?? 0, () => {
        if (attempt === current && !isConnected) heard('stalled', null)
      })
      attempt.transport[how]()
    }

    function heard(status: TransportStatus, kind: TransportKind | null) {
      if (status === 'stalled') failures += 1
      else stopStall()
      if (status === 'connected') return connected(kind)
      const wasConnected = isConnected
      if (status !== 'stalled') isConnected = false
      listener.onStatus(status, kind)
      if (status === 'lost') lost(wasConnected)
      if (status === 'off') later(OFF_MS, () => begin(0))
      if (status === 'off' || status === 'refused') stopLookingUp()
    }

    function connected(kind: TransportKind | null) {
      isConnected = true
      connectedAt = clock.now()
      stopWait()
      waiting = null
      if (current) given.delete(current.candidate)
      listener.onStatus('connected', kind)
      lookUpLater()
    }

    function lost(wasConnected: boolean) {
      if (!current) return
      const wasStable = wasConnected && clock.now() - connectedAt >= STABLE_MS
      failures = wasStable ? 1 : failures + 1
      stopLookingUp()
      const { candidate } = current
      const patience = given.has(candidate) ? 1 : FAILURES_BEFORE_STEP
      const longestMs = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(failures, 3))
      const delayMs = jittered(Math.max(longestMs, FIRST_DELAY_MS + spreadMs))
      if (failures < patience) return later(delayMs, () => tryNow())
      given.add(candidate)
      if (candidate + 1 < candidates.length) begin(candidate + 1)
      else later(delayMs, candidates.length > 1 ? () => begin(0) : () => tryNow())
    }

    function lookUpLater() {
      stopLookUp()
      if (!current || current.candidate === 0) {
        lookUpMs = FIRST_LOOK_UP_MS
        return
      }
      stopLookUp = clock.after(lookUpMs * (0.75 + random() / 2), () => {
        if (page.isVisible()) lookUp(0)
        else lookUpLater()
      })
      lookUpMs = Math.min(LONGEST_LOOK_UP_MS, lookUpMs * 2)
    }

    function stopLookingUp() {
      stopLookUp()
      probe?.transport.close()
      probe = null
    }

    /** Tries a better rung beside the one that works. */
    function lookUp(candidate: number) {
      stopLookingUp()
      const { create } = candidates[candidate] ?? {}
      if (!create || !current || candidate >= current.candidate) return lookUpLater()
      const attempt: Attempt = { candidate, transport: null as unknown as Transport }
      probe = attempt
      attempt.transport = create({
        onStatus(status, kind) {
          if (attempt === current) heard(status, kind)
          else if (attempt === probe && status === 'connected') climb(attempt, kind)
          else if (attempt === probe && status !== 'closed') lookUp(candidate + 1)
        },
        onEvent: (event) => attempt === current && hear(event),
      })
      stopLookUp = clock.after(LOOK_UP_PATIENCE_MS, () => attempt === probe && lookUp(candidate + 1))
      attempt.transport.connect()
    }

    function climb(attempt: Attempt, kind: TransportKind | null) {
      const below = current
      probe = null
      current = attempt
      failures = 0
      below?.transport.close()
      connected(kind)
    }

    return {
      connect() {
        stopPage ??= page.onChange(() => {
          if (page.isVisible() && page.isOnline()) hurry()
        })
        if (candidates.length === 0) listener.onStatus('off', null)
        else if (!current) begin(0)
        else if (!isConnected) tryNow()
      },
      reconnect() {
        given.clear()
        stopWait()
        waiting = null
        failures = 0
        if (!current) return begin(0)
        isConnected = false
        listener.onStatus('lost', null)
        tryNow('reconnect')
      },
      id: () => current?.transport.id() ?? null,
      async watch(message) {
        const answer = (await current?.transport.watch(message)) ?? null
        if (answer && 'records' in answer) spreadMs = answer.spread_ms ?? 0
        return answer
      },
      unwatch: async (message) => current?.transport.unwatch(message),
      presence: async (message) => current?.transport.presence?.(message) ?? null,
      takeOver: async (message) => current?.transport.takeOver?.(message) ?? null,
      close() {
        stopPage?.()
        stopPage = null
        stopWait()
        stopStall()
        stopLookingUp()
        waiting = null
        const last = current
        current = null
        last?.transport.close()
        listener.onStatus('closed', null)
      },
    }
  }
}
