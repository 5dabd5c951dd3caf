// One stream of events for all tabs of one person: browsers open six connections to a host over HTTP/1.1, and each
// stream holds one for good. The tab that holds the Web Lock reads the stream and hands everything on by a
// BroadcastChannel; when it goes, the next one in line opens a stream of its own and all join again. To the client above,
// a follower is a transport like any other, and its changes carry its own tab's id.

import type { RefusedMessage, WatchAnswer, WatchMessage } from '../../../server/protocol/index.ts'
import type { Clock, Stop } from '../base/clock.ts'
import { listKey, recordKey } from './subscriptions.ts'
import type { CreateTransport, Transport, TransportEvent, TransportStatus } from './transport.ts'

const ANSWER_TIMEOUT_MS = 10_000
const HELLO_TIMEOUT_MS = 2000
const BEAT_MS = 20_000
/** A leader that said nothing for so long is frozen; hidden tabs are let speak once a minute. */
const SILENCE_MS = 150_000

export interface SharedStreamOptions {
  /** Opens a stream of one's own. */
  create: CreateTransport
  /** What tabs must have in common to share: the server and the person. `null`: nothing is shared. */
  identity: () => string | null
  tabId: string
  clock: Clock
  locks?: LockManager | undefined
}

type Answer = WatchAnswer | RefusedMessage | null

/** What tabs say to each other; `to` is missing where it is for all. */
type Said = { from: string; to?: string } & (
  | { kind: 'hello' }
  | { kind: 'status'; status: TransportStatus }
  | { kind: 'event'; event: TransportEvent }
  | { kind: 'beat' }
  | { kind: 'watch'; ask: number; message: WatchMessage }
  | { kind: 'answer'; ask: number; answer: Answer }
  | { kind: 'unwatch'; message: WatchMessage }
)

const keysOf = ({ records = [], lists = [] }: WatchMessage): string[] => [
  ...records.map(recordKey),
  ...lists.map(({ type, scope }) => listKey(type, scope)),
]

/** A stream that is shared where the browser can and the person is known, else one's own. */
export function createSharedStream(options: SharedStreamOptions): CreateTransport {
  const { create, identity, tabId, clock } = options
  const locks = options.locks ?? globalThis.navigator?.locks
  if (!locks || typeof BroadcastChannel === 'undefined') return create
  return (listener) => {
    let leave: (() => void) | null = null
    let member: Transport | null = null
    return {
      connect() {
        const name = identity()
        if (!member) {
          if (name === null) member = create(listener)
          else [member, leave] = enter(`noclobber ${name}`)
        }
        member.connect()
      },
      reconnect() {
        member?.close()
        leave?.()
        member = null
        leave = null
        this.connect()
      },
      id: () => member?.id() ?? null,
      watch: async (message) => member?.watch(message) ?? null,
      unwatch: async (message) => member?.unwatch(message),
      close() {
        member?.close()
        leave?.()
        member = null
        listener.onStatus('closed', null)
      },
    }

    /** Becomes one of the tabs of this name. */
    function enter(name: string): [Transport, () => void] {
      const channel = new BroadcastChannel(name)
      const me = tabId
      const gone = new AbortController()
      const asked = new Map<number, (answer: Answer) => void>()
      /** What each tab watches; the leader's own is among them. */
      const wanted = new Map<string, Set<string>>()
      let own: Transport | null = null
      let leader: string | null = null
      let status: TransportStatus = 'lost'
      let asks = 0
      let connections = 0
      let stopHello: Stop = () => {}
      let stopBeat: Stop = () => {}

      const isOver = () => gone.signal.aborted
      const say = (said: { to?: string } & Record<string, unknown>) => {
        if (!isOver()) channel.postMessage({ from: me, ...said })
      }

      function told(next: TransportStatus) {
        if (isOver()) return
        status = next
        if (next === 'connected') connections += 1
        listener.onStatus(next, next === 'connected' ? 'event_stream' : null)
      }

      function lead() {
        leader = me
        stopHello()
        own = create({
          onStatus(next) {
            if (next === 'closed' || own === null) return
            told(next)
            say({ kind: 'status', status: next })
          },
          onEvent(event) {
            listener.onEvent(event)
            say({ kind: 'event', event })
          },
        })
        own.connect()
        beat()
      }

      function beat() {
        stopBeat = clock.after(BEAT_MS, () => {
          say({ kind: 'beat' })
          beat()
        })
      }

      /** Waits in line for the lead; a leader that is frozen loses it. */
      function queue(steal: boolean) {
        const rule = steal ? { steal } : { signal: gone.signal }
        locks
          .request(name, rule, async () => {
            if (isOver()) return
            lead()
            await new Promise<void>((resolve) => gone.signal.addEventListener('abort', () => resolve()))
          })
          .catch(() => {
            if (isOver() || !own) return
            follow()
            told('lost')
          })
      }

      function follow() {
        const last = own
        own = null
        leader = null
        stopBeat()
        last?.close()
        queue(false)
      }

      function listenFor(leaderId: string) {
        leader = leaderId
        stopHello()
        stopBeat()
        stopBeat = clock.after(SILENCE_MS, () => queue(true))
      }

      /** A tab that is gone wants nothing any more: its own lock tells. */
      function remember(tab: string) {
        if (wanted.has(tab)) return
        wanted.set(tab, new Set())
        const forget = () => {
          const keys = wanted.get(tab) ?? new Set()
          wanted.delete(tab)
          drop([...keys])
        }
        locks.request(`${name} ${tab}`, { signal: gone.signal }, forget).catch(() => {})
      }

      function drop(keys: string[]) {
        const still = new Set([...wanted.values()].flatMap((each) => [...each]))
        const left = keys.filter((key) => !still.has(key)).map((key) => JSON.parse(key))
        const records = left.filter(([, id]) => typeof id === 'string').map(([type, id]) => ({ type, id }))
        const lists = left
          .filter(([, scope]) => Array.isArray(scope))
          .map(([type, scope]) => ({ type, scope: Object.fromEntries(scope) }))
        if (left.length > 0) void own?.unwatch({ records, lists })
      }

      async function watchFor(tab: string, message: WatchMessage): Promise<Answer> {
        if (tab !== me) remember(tab)
        const keys = wanted.get(tab) ?? new Set()
        wanted.set(tab, keys)
        for (const key of keysOf(message)) keys.add(key)
        return own?.watch(message) ?? null
      }

      function unwatchFor(tab: string, message: WatchMessage) {
        const keys = keysOf(message)
        for (const key of keys) wanted.get(tab)?.delete(key)
        drop(keys)
      }

      const hear = ({ data }: MessageEvent<Said>) => {
        if (isOver() || data.from === me || (data.to && data.to !== me)) return
        if (own) {
          if (data.kind === 'hello') {
            remember(data.from)
            say({ kind: 'status', status, to: data.from })
          }
          if (data.kind === 'unwatch') unwatchFor(data.from, data.message)
          if (data.kind === 'watch')
            void watchFor(data.from, data.message).then((answer) =>
              say({ kind: 'answer', to: data.from, ask: data.ask, answer }),
            )
          return
        }
        if (data.kind === 'status' || data.kind === 'event' || data.kind === 'beat') listenFor(data.from)
        if (data.kind === 'status') told(data.status)
        if (data.kind === 'event' && status === 'connected') listener.onEvent(data.event)
        if (data.kind === 'answer') asked.get(data.ask)?.(data.answer)
      }
      /** Before a tab is heard of, it holds the lock by which its end will be known. */
      const isKnown = new Promise<void>((known) => {
        const hold = () => {
          known()
          return new Promise<void>((resolve) => gone.signal.addEventListener('abort', () => resolve()))
        }
        locks.request(`${name} ${me}`, { signal: gone.signal }, hold).catch(() => {})
      })
      void isKnown.then(() => {
        channel.onmessage = hear
      })
      queue(false)

      const askLeader = (message: WatchMessage) =>
        new Promise<Answer>((resolve) => {
          const ask = ++asks
          const settle = (answer: Answer) => {
            asked.delete(ask)
            stop()
            resolve(answer)
          }
          const stop = clock.after(ANSWER_TIMEOUT_MS, () => settle(null))
          asked.set(ask, settle)
          say({ kind: 'watch', ask, message })
        })

      const transport: Transport = {
        connect() {
          if (own) return own.connect()
          if (status === 'connected') return
          stopHello()
          stopHello = clock.after(HELLO_TIMEOUT_MS, () => own || told('lost'))
          void isKnown.then(() => say({ kind: 'hello' }))
        },
        reconnect: () => own?.reconnect(),
        id: () => (status === 'connected' ? (own?.id() ?? (own ? null : `${leader}-${connections}`)) : null),
        watch: (message) => {
          if (status !== 'connected') return Promise.resolve(null)
          return own ? watchFor(me, message) : askLeader(message)
        },
        async unwatch(message) {
          if (own) unwatchFor(me, message)
          else say({ kind: 'unwatch', message })
        },
        close() {
          const last = own
          own = null
          last?.close()
        },
      }
      return [
        transport,
        () => {
          gone.abort()
          stopHello()
          stopBeat()
          channel.close()
        },
      ]
    }
  }
}
