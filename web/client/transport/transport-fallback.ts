// Chooses among transports: the best one that works, tried in order. After five failures in a row it falls back to the
// next; while a fallback works, better ones are probed beside it, and used when they connect. It is itself a transport, so
// the client doesn't know which one is in use. All waiting is here: with jitter, and not while the page is hidden.

import { type Clock, elapsedOf, type Page, type Stop } from '../base/clock.ts'
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
/** A connection that lasted this long does not count as a failure. */
const STABLE_MS = 10_000
const FIRST_PROBE_MS = 30_000
const LONGEST_PROBE_MS = 300_000
const PROBE_TIMEOUT_MS = 10_000
const OFF_MS = 300_000

/** One way to carry events. */
export interface TransportCandidate {
  create: CreateTransport
  /** Without a connection after this long the client polls meanwhile. */
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
  id: number
  candidate: number
  transport: Transport
}

/** A transport that is the best of several. Without candidates it is never connected. */
export function createTransportFallback({
  candidates,
  clock,
  page,
  random = Math.random,
}: TransportFallbackOptions): CreateTransport {
  return (listener) => {
    /** Candidates that failed and have not worked since: for them one failure is enough. */
    const abandoned = new Set<number>()
    let current: Attempt | null = null
    let probe: Attempt | null = null
    /** A transport may report while it is made, so its id counts before it is in `current` or `probe`. */
    let attempts = 0
    let currentId = 0
    let probeId = 0
    let isConnected = false
    let connectedAt = 0
    let failures = 0
    /** The reconnect jitter window that the server asks for. */
    let spreadMs = 0
    let probeDelayMs = FIRST_PROBE_MS
    let stopWait: Stop = () => {}
    let stopStall: Stop = () => {}
    let stopProbeTimer: Stop = () => {}
    let stopPage: Stop | null = null
    /** What waits for its time, or for the page to become visible. */
    let waiting: (() => void) | null = null

    const jittered = (longestMs: number) => FIRST_DELAY_MS + random() * (longestMs - FIRST_DELAY_MS)

    function later(delayMs: number, run: () => void) {
      stopWait()
      waiting = run
      stopWait = clock.after(delayMs, () => page.isVisible() && runWaiting())
    }

    function runWaiting() {
      const run = waiting
      stopWait()
      waiting = null
      run?.()
    }

    function receive(event: TransportEvent) {
      if (event.name === 'SpreadChanged') spreadMs = event.event.spread_ms
      else listener.onEvent(event)
    }

    function begin(candidate: number) {
      const { create } = candidates[candidate] ?? {}
      if (!create) return
      current?.transport.close()
      failures = 0
      const id = ++attempts
      currentId = id
      const transport = create({
        onStatus: (status, kind) => id === currentId && receivedStatus(status, kind),
        onEvent: (event) => id === currentId && receive(event),
      })
      current = { id, candidate, transport }
      tryNow()
    }

    function tryNow(how: 'connect' | 'reconnect' = 'connect') {
      const attempt = current
      if (!attempt) return
      stopStall()
      stopStall = clock.after(candidates[attempt.candidate]?.stallMs ?? 0, () => {
        if (attempt === current && !isConnected) receivedStatus('stalled', null)
      })
      attempt.transport[how]()
    }

    function receivedStatus(status: TransportStatus, kind: TransportKind | null) {
      if (status === 'stalled') failures += 1
      else stopStall()
      if (status === 'connected') return connected(kind)
      const wasConnected = isConnected
      if (status !== 'stalled') isConnected = false
      listener.onStatus(status, kind)
      if (status === 'lost') lost(wasConnected)
      if (status === 'off') later(OFF_MS, () => begin(0))
      if (status === 'off' || status === 'refused') stopProbing()
    }

    function connected(kind: TransportKind | null) {
      isConnected = true
      connectedAt = elapsedOf(clock)
      stopWait()
      waiting = null
      if (current) abandoned.delete(current.candidate)
      listener.onStatus('connected', kind)
      probeLater()
    }

    function lost(wasConnected: boolean) {
      if (!current) return
      const wasStable = wasConnected && elapsedOf(clock) - connectedAt >= STABLE_MS
      failures = wasStable ? 1 : failures + 1
      stopProbing()
      const { candidate } = current
      const failuresAllowed = abandoned.has(candidate) ? 1 : FAILURES_BEFORE_STEP
      const longestMs = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(failures, 3))
      const delayMs = jittered(Math.max(longestMs, FIRST_DELAY_MS + spreadMs))
      if (failures < failuresAllowed) return later(delayMs, () => tryNow())
      abandoned.add(candidate)
      if (candidate + 1 < candidates.length) begin(candidate + 1)
      else later(delayMs, candidates.length > 1 ? () => begin(0) : () => tryNow())
    }

    function probeLater() {
      stopProbeTimer()
      if (!current || current.candidate === 0) {
        probeDelayMs = FIRST_PROBE_MS
        return
      }
      stopProbeTimer = clock.after(probeDelayMs * (0.75 + random() / 2), () => {
        if (page.isVisible()) probeFrom(0)
        else probeLater()
      })
      probeDelayMs = Math.min(LONGEST_PROBE_MS, probeDelayMs * 2)
    }

    function stopProbing() {
      stopProbeTimer()
      const last = probe
      probe = null
      probeId = 0
      last?.transport.close()
    }

    /** Probes a better transport beside the current one. */
    function probeFrom(candidate: number) {
      stopProbing()
      const { create } = candidates[candidate] ?? {}
      if (!create || !current || candidate >= current.candidate) return probeLater()
      const id = ++attempts
      probeId = id
      const transport = create({
        onStatus(status, kind) {
          if (id === currentId) receivedStatus(status, kind)
          else if (id === probeId && status === 'connected') upgrade(kind)
          else if (id === probeId && status !== 'closed') probeFrom(candidate + 1)
        },
        onEvent: (event) => id === currentId && receive(event),
      })
      probe = { id, candidate, transport }
      stopProbeTimer = clock.after(PROBE_TIMEOUT_MS, () => id === probeId && probeFrom(candidate + 1))
      transport.connect()
    }

    function upgrade(kind: TransportKind | null) {
      const below = current
      current = probe
      currentId = probeId
      probe = null
      probeId = 0
      failures = 0
      below?.transport.close()
      connected(kind)
    }

    return {
      connect() {
        stopPage ??= page.onChange(() => {
          if (page.isVisible() && page.isOnline()) runWaiting()
        })
        if (candidates.length === 0) listener.onStatus('off', null)
        else if (!current) begin(0)
        else if (!isConnected) tryNow()
      },
      reconnect() {
        abandoned.clear()
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
        stopProbing()
        waiting = null
        const last = current
        current = null
        currentId = 0
        last?.transport.close()
        listener.onStatus('closed', null)
      },
    }
  }
}
