// One event stream for all tabs of one person: browsers open six connections to a host over HTTP/1.1, and each stream
// holds one. The tab that holds the Web Lock leads: it reads the stream and passes everything on by a BroadcastChannel.
// When it is gone, the next in the queue opens a stream of its own and all tabs join again. To the client a follower is
// a transport like any other, and its writes carry its own tab's id.

import type { WatchMessage } from '../../../server/protocol/index.ts'
import type { Clock, Stop } from '../base/clock.ts'
import { openTabChannel, type TabAnswer, type TabMessage } from './tab-channel.ts'
import { createTabSubscriptions } from './tab-subscriptions.ts'
import type { CreateTransport, Transport, TransportListener, TransportStatus } from './transport.ts'

const ANSWER_TIMEOUT_MS = 10_000
const HELLO_TIMEOUT_MS = 2000
/** A tab's own lock is nobody else's: it is given at once, or by a browser that gives none. */
const LOCK_TIMEOUT_MS = 500
const BEAT_MS = 20_000
/** A leader that is silent for so long is frozen; timers of hidden tabs run once a minute. */
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

/** This tab as one of those that share a stream. */
interface Member extends Transport {
  /** Closes the channel and leaves the queue. */
  leave(): void
}

/** A stream that is shared where the browser can and the person is known, otherwise one of its own. */
export function createSharedStream(options: SharedStreamOptions): CreateTransport {
  const { create, identity } = options
  const locks = options.locks ?? locksOfPage()
  if (!locks || typeof BroadcastChannel === 'undefined') return create
  return (listener) => {
    let member: Transport | Member | null = null
    /** The browser answers nothing, or refuses: from then on the stream is this tab's own. */
    let isAlone = false
    const join = (name: string) => {
      try {
        return joinTabs(`noclobber ${name}`, options, locks, listener, goAlone)
      } catch {
        return create(listener)
      }
    }
    function goAlone() {
      isAlone = true
      leave()
      member = create(listener)
      member.connect()
    }
    const leave = () => {
      if (member && 'leave' in member) member.leave()
    }
    return {
      connect() {
        const name = identity()
        member ??= name === null || isAlone ? create(listener) : join(name)
        member.connect()
      },
      reconnect() {
        member?.close()
        leave()
        member = null
        this.connect()
      },
      id: () => member?.id() ?? null,
      watch: async (message) => member?.watch(message) ?? null,
      unwatch: async (message) => member?.unwatch(message),
      close() {
        member?.close()
        leave()
        member = null
        listener.onStatus('closed', null)
      },
    }
  }
}

/** `undefined` also where the page may not ask: an opaque origin has none. */
function locksOfPage(): LockManager | undefined {
  try {
    return globalThis.navigator?.locks
  } catch {
    return undefined
  }
}

/** `onStuck`: this tab was not even given the lock that is its own. */
function joinTabs(
  name: string,
  { create, tabId, clock }: SharedStreamOptions,
  locks: LockManager,
  listener: TransportListener,
  onStuck: () => void,
): Member {
  /** The stream, while this tab leads. */
  let own: Transport | null = null
  let leader: string | null = null
  let status: TransportStatus = 'lost'
  let connections = 0
  let stopHello: Stop = () => {}
  let stopBeat: Stop = () => {}
  const subscriptions = createTabSubscriptions((message) => void own?.unwatch(message))
  const channel = openTabChannel(name, tabId, locks, (message, from) =>
    own ? receiveAsLeader(message, from) : receiveAsFollower(message, from),
  )
  const questions = createQuestions(clock, (ask, message) => channel.post({ kind: 'watch', ask, message }))

  function setStatus(next: TransportStatus) {
    if (channel.isClosed()) return
    status = next
    if (next === 'connected') connections += 1
    listener.onStatus(next, next === 'connected' ? 'event_stream' : null)
  }

  function lead() {
    leader = tabId
    stopHello()
    own = create({
      onStatus(next) {
        if (next === 'closed' || own === null) return
        setStatus(next)
        channel.post({ kind: 'status', status: next })
      },
      onEvent(event) {
        listener.onEvent(event)
        channel.post({ kind: 'event', event })
      },
    })
    own.connect()
    beat()
  }

  function beat() {
    stopBeat = clock.after(BEAT_MS, () => {
      channel.post({ kind: 'beat' })
      beat()
    })
  }

  /** Waits for the lead, or takes it from a frozen leader; loses it to another tab that does. */
  function queue(steal: boolean) {
    void channel.lead(steal, lead).then((isHeld) => {
      if (isHeld || channel.isClosed() || !own) return
      follow()
      setStatus('lost')
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

  function noteLeader(leaderId: string) {
    leader = leaderId
    stopHello()
    stopBeat()
    stopBeat = clock.after(SILENCE_MS, () => queue(true))
  }

  function remember(tab: string) {
    if (subscriptions.has(tab)) return
    subscriptions.add(tab, {})
    channel.whenGone(tab, () => subscriptions.remove(tab))
  }

  async function watchFor(tab: string, message: WatchMessage): Promise<TabAnswer> {
    if (tab !== tabId) remember(tab)
    subscriptions.add(tab, message)
    return own?.watch(message) ?? null
  }

  function receiveAsLeader(message: TabMessage, from: string) {
    if (message.kind === 'hello') {
      remember(from)
      channel.post({ kind: 'status', status }, from)
    }
    if (message.kind === 'unwatch') subscriptions.remove(from, message.message)
    if (message.kind !== 'watch') return
    const { ask } = message
    void watchFor(from, message.message).then((answer) => channel.post({ kind: 'answer', ask, answer }, from))
  }

  function receiveAsFollower(message: TabMessage, from: string) {
    if (message.kind === 'status' || message.kind === 'event' || message.kind === 'beat') noteLeader(from)
    if (message.kind === 'status') setStatus(message.status)
    if (message.kind === 'event' && status === 'connected') listener.onEvent(message.event)
    if (message.kind === 'answer') questions.settle(message.ask, message.answer)
  }

  const stopReady = clock.after(LOCK_TIMEOUT_MS, onStuck)
  void channel.ready.then(stopReady)
  queue(false)
  return {
    connect() {
      if (own) return own.connect()
      if (status === 'connected') return
      stopHello()
      stopHello = clock.after(HELLO_TIMEOUT_MS, () => own || setStatus('lost'))
      void channel.ready.then(() => channel.post({ kind: 'hello' }))
    },
    reconnect: () => own?.reconnect(),
    id: () => (status === 'connected' ? (own?.id() ?? (own ? null : `${leader}-${connections}`)) : null),
    watch(message) {
      if (status !== 'connected') return Promise.resolve(null)
      return own ? watchFor(tabId, message) : questions.ask(message)
    },
    async unwatch(message) {
      if (own) subscriptions.remove(tabId, message)
      else channel.post({ kind: 'unwatch', message })
    },
    close() {
      const last = own
      own = null
      last?.close()
    },
    leave() {
      channel.close()
      stopReady()
      stopHello()
      stopBeat()
    },
  }
}

/** A follower's questions to the leader; each ends with its answer, or with `null` after the timeout. */
function createQuestions(clock: Clock, send: (ask: number, message: WatchMessage) => void) {
  const open = new Map<number, (answer: TabAnswer) => void>()
  let asks = 0
  return {
    ask: (message: WatchMessage) =>
      new Promise<TabAnswer>((resolve) => {
        const ask = ++asks
        const settle = (answer: TabAnswer) => {
          open.delete(ask)
          stop()
          resolve(answer)
        }
        const stop = clock.after(ANSWER_TIMEOUT_MS, () => settle(null))
        open.set(ask, settle)
        send(ask, message)
      }),
    settle: (ask: number, answer: TabAnswer) => open.get(ask)?.(answer),
  }
}
