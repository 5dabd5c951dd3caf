// The tab that leads: it reads the stream, passes on what comes, and watches for every tab what that tab asks for.
// What it knows of the others ends with its lead: under another leader they join anew.

import type { WatchMessage } from '../../../server/protocol/index.ts'
import type { Clock, Stop } from '../base/clock.ts'
import type { TabAnswer, TabChannel, TabMessage } from './tab-channel.ts'
import type { CreateTransport, Transport, TransportListener, TransportStatus } from './transport.ts'
import { keysOf } from './watched-query.ts'

const BEAT_MS = 20_000

export interface TabLeaderOptions {
  create: CreateTransport
  clock: Clock
  channel: TabChannel
  tabId: string
  /** This tab's own. */
  listener: TransportListener
}

export interface TabLeader {
  stream: Transport
  /** A message of a follower. */
  receive(message: TabMessage, from: string): void
  /** What this tab itself watches. */
  watch(message: WatchMessage): Promise<TabAnswer>
  unwatch(message: WatchMessage): void
  close(): void
}

/** Connects at once. */
export function createTabLeader({ create, clock, channel, tabId, listener }: TabLeaderOptions): TabLeader {
  let status: TransportStatus = 'lost'
  let isOver = false
  let stopBeat: Stop = () => {}
  const subscriptions = createTabSubscriptions((message) => {
    if (!isOver) void stream.unwatch(message)
  })
  const stream = create({
    onStatus(next) {
      if (next === 'closed' || isOver) return
      status = next
      listener.onStatus(next, next === 'connected' ? 'event_stream' : null)
      channel.post({ kind: 'status', status })
    },
    onEvent(event) {
      listener.onEvent(event)
      channel.post({ kind: 'event', event })
    },
  })

  function beat() {
    stopBeat = clock.after(BEAT_MS, () => {
      channel.post({ kind: 'beat' })
      beat()
    })
  }

  /** Until that tab is gone. */
  function remember(tab: string) {
    if (subscriptions.has(tab)) return
    subscriptions.add(tab, {})
    channel.whenGone(tab, () => subscriptions.remove(tab))
  }

  function watchFor(tab: string, message: WatchMessage): Promise<TabAnswer> {
    subscriptions.add(tab, message)
    return stream.watch(message)
  }

  stream.connect()
  beat()
  return {
    stream,
    receive(message, from) {
      if (message.kind === 'hello') {
        remember(from)
        channel.post({ kind: 'status', status }, from)
      }
      if (message.kind === 'unwatch') subscriptions.remove(from, message.message)
      if (message.kind !== 'watch') return
      remember(from)
      const { ask } = message
      void watchFor(from, message.message).then((answer) =>
        channel.post({ kind: 'answer', ask, answer }, from),
      )
    },
    watch: (message) => watchFor(tabId, message),
    unwatch: (message) => subscriptions.remove(tabId, message),
    close() {
      isOver = true
      stopBeat()
      stream.close()
    },
  }
}

interface TabSubscriptions {
  has(tab: string): boolean
  add(tab: string, message: WatchMessage): void
  /** Removes what this message names, or without one all of the tab. */
  remove(tab: string, message?: WatchMessage): void
}

/** What each tab watches; `unwatch` is called with what no tab watches any more. */
function createTabSubscriptions(unwatch: (message: WatchMessage) => void): TabSubscriptions {
  const byTab = new Map<string, Set<string>>()

  function release(keys: string[]) {
    const still = new Set([...byTab.values()].flatMap((each) => [...each]))
    const left = keys.filter((key) => !still.has(key)).map((key) => JSON.parse(key))
    const records = left.filter(([, id]) => typeof id === 'string').map(([type, id]) => ({ type, id }))
    const lists = left
      .filter(([, scope]) => Array.isArray(scope))
      .map(([type, scope]) => ({ type, scope: Object.fromEntries(scope) }))
    if (left.length > 0) unwatch({ records, lists })
  }

  return {
    has: (tab) => byTab.has(tab),
    add(tab, message) {
      const keys = byTab.get(tab) ?? new Set()
      byTab.set(tab, keys)
      for (const key of keysOf(message)) keys.add(key)
    },
    remove(tab, message) {
      const keys = byTab.get(tab) ?? new Set<string>()
      const removed = message ? keysOf(message) : [...keys]
      if (message) for (const key of removed) keys.delete(key)
      else byTab.delete(tab)
      release(removed)
    },
  }
}
