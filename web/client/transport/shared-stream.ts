// One event stream for all tabs of one person: browsers open six connections to a host over HTTP/1.1, and each stream
// holds one. The tab that holds the Web Lock leads: it reads the stream and passes everything on by a BroadcastChannel.
// When it is gone, the next in the queue opens a stream of its own and all tabs join again. To the client a follower is
// a transport like any other, and its writes carry its own tab's id.

import type { Clock } from '../base/clock.ts'
import { openTabChannel } from './tab-channel.ts'
import { createTabFollower } from './tab-follower.ts'
import { createTabLeader, type TabLeader } from './tab-leader.ts'
import type { CreateTransport, Transport, TransportListener, TransportStatus } from './transport.ts'

/** A tab's own lock is nobody else's: it is given at once, or by a browser that gives none. */
const LOCK_TIMEOUT_MS = 500

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
  /** While this tab leads. */
  let leader: TabLeader | null = null
  let status: TransportStatus = 'lost'
  let connections = 0
  const own: TransportListener = {
    onStatus(next, kind) {
      if (channel.isClosed()) return
      status = next
      if (next === 'connected') connections += 1
      listener.onStatus(next, kind)
    },
    onEvent: listener.onEvent,
  }
  const channel = openTabChannel(name, tabId, locks, (message, from) =>
    (leader ?? follower).receive(message, from),
  )
  const follower = createTabFollower({ clock, channel, listener: own, onFrozen: () => queue(true) })

  /** Waits for the lead, or takes it from a frozen leader; loses it to another tab that does. */
  function queue(steal: boolean) {
    void channel.lead(steal, lead).then((isHeld) => {
      if (isHeld || channel.isClosed() || !leader) return
      endLead()
      queue(false)
      own.onStatus('lost', null)
    })
  }

  function lead() {
    follower.stop()
    leader = createTabLeader({ create, clock, channel, tabId, listener: own })
  }

  function endLead() {
    leader?.close()
    leader = null
  }

  const stopReady = clock.after(LOCK_TIMEOUT_MS, onStuck)
  void channel.ready.then(stopReady)
  queue(false)
  return {
    connect() {
      if (leader) leader.stream.connect()
      else if (status !== 'connected') follower.hello()
    },
    reconnect: () => leader?.stream.reconnect(),
    id() {
      if (status !== 'connected') return null
      return leader ? leader.stream.id() : `${follower.leader()}-${connections}`
    },
    watch(message) {
      if (status !== 'connected') return Promise.resolve(null)
      return (leader ?? follower).watch(message)
    },
    async unwatch(message) {
      ;(leader ?? follower).unwatch(message)
    },
    close: endLead,
    leave() {
      channel.close()
      stopReady()
      endLead()
      follower.stop()
    },
  }
}
