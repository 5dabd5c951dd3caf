// How the tabs of one person talk to each other: a BroadcastChannel for messages, and Web Locks for who is alive and who
// leads. A tab holds its own lock before its first message, so that its end can be detected.

import type { RefusedMessage, WatchAnswer, WatchMessage } from '../../../server/protocol/index.ts'
import type { TransportEvent, TransportStatus } from './transport.ts'

export type TabAnswer = WatchAnswer | RefusedMessage | null

/** The content of a message between tabs. */
export type TabMessage =
  | { kind: 'hello' }
  | { kind: 'status'; status: TransportStatus }
  | { kind: 'event'; event: TransportEvent }
  | { kind: 'beat' }
  | { kind: 'watch'; ask: number; message: WatchMessage }
  | { kind: 'answer'; ask: number; answer: TabAnswer }
  | { kind: 'unwatch'; message: WatchMessage }

export interface TabChannel {
  /** Resolves once this tab holds its own lock. */
  ready: Promise<void>
  isClosed(): boolean
  /** Sends to one tab, or without `to` to all. */
  post(message: TabMessage, to?: string): void
  /** Queues for the lead, or takes it (`steal`); resolves with `false` when the lead or the place in the queue is lost. */
  lead(steal: boolean, onLead: () => void): Promise<boolean>
  /** Calls `onGone` when that tab is gone. */
  whenGone(tab: string, onGone: () => void): void
  close(): void
}

/** A browser that throws, at once or later, has given nothing: the limits of its caller hold. */
const request = async (ask: () => Promise<unknown>) => ask().catch(() => {})

/** `onMessage` is called with messages of other tabs to this one or to all. */
export function openTabChannel(
  name: string,
  tabId: string,
  locks: LockManager,
  onMessage: (message: TabMessage, from: string) => void,
): TabChannel {
  const channel = new BroadcastChannel(name)
  const gone = new AbortController()
  const { signal } = gone
  const closed = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
  const ready = new Promise<void>((resolve) => {
    const hold = () => {
      resolve()
      return closed
    }
    void request(() => locks.request(`${name} ${tabId}`, { signal }, hold))
  })
  void ready.then(() => {
    channel.onmessage = ({ data }: MessageEvent<TabMessage & { from: string; to?: string }>) => {
      const { from, to } = data
      if (!signal.aborted && from !== tabId && (!to || to === tabId)) onMessage(data, from)
    }
  })
  return {
    ready,
    isClosed: () => signal.aborted,
    post(message, to) {
      if (signal.aborted) return
      void request(async () => channel.postMessage({ from: tabId, ...(to ? { to } : {}), ...message }))
    },
    async lead(steal, onLead) {
      let release = () => {}
      const released = new Promise<void>((resolve) => {
        release = resolve
      })
      signal.addEventListener('abort', release)
      const hold = async () => {
        if (signal.aborted) return
        onLead()
        await released
      }
      try {
        await locks.request(name, steal ? { steal } : { signal }, hold)
        return true
      } catch {
        return false
      } finally {
        signal.removeEventListener('abort', release)
        release()
      }
    },
    whenGone(tab, onGone) {
      void request(() => locks.request(`${name} ${tab}`, { signal }, onGone))
    },
    close() {
      gone.abort()
      channel.close()
    },
  }
}
