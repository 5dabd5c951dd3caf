// A tab that follows: it learns from the leader's messages how the stream is and what came, and asks the leader to watch. A
// leader that says nothing for long is frozen: its lead may be taken.

import type { WatchMessage } from '../../../server/protocol/index.ts'
import type { Clock, Stop } from '../base/clock.ts'
import type { TabAnswer, TabChannel, TabMessage } from './tab-channel.ts'
import type { TransportListener, TransportStatus } from './transport.ts'

const ANSWER_TIMEOUT_MS = 10_000
const HELLO_TIMEOUT_MS = 2000
/** Timers of hidden tabs run once a minute: a leader that is silent for so long is frozen. */
const SILENCE_MS = 150_000

export interface TabFollowerOptions {
  clock: Clock
  channel: TabChannel
  listener: TransportListener
  onFrozen(): void
}

export interface TabFollower {
  /** Asks the tab that leads how the stream is. */
  hello(): void
  receive(message: TabMessage, from: string): void
  /** Ends with the leader's answer, or with `null` after the timeout. */
  watch(message: WatchMessage): Promise<TabAnswer>
  unwatch(message: WatchMessage): void
  /** The tab that leads, as far as is known. */
  leader(): string | null
  /** Waits for nothing any more, until a leader speaks again. */
  stop(): void
}

export function createTabFollower({ clock, channel, listener, onFrozen }: TabFollowerOptions): TabFollower {
  let leader: string | null = null
  let status: TransportStatus = 'lost'
  let stopHello: Stop = () => {}
  let stopSilence: Stop = () => {}
  const questions = createQuestions(clock, (ask, message) => channel.post({ kind: 'watch', ask, message }))

  function setStatus(next: TransportStatus) {
    status = next
    listener.onStatus(next, next === 'connected' ? 'event_stream' : null)
  }

  function noteLeader(from: string) {
    leader = from
    stopHello()
    stopSilence()
    stopSilence = clock.after(SILENCE_MS, onFrozen)
  }

  return {
    hello() {
      stopHello()
      stopHello = clock.after(HELLO_TIMEOUT_MS, () => setStatus('lost'))
      void channel.ready.then(() => channel.post({ kind: 'hello' }))
    },
    receive(message, from) {
      if (message.kind === 'status' || message.kind === 'event' || message.kind === 'beat') noteLeader(from)
      if (message.kind === 'status') setStatus(message.status)
      if (message.kind === 'event' && status === 'connected') listener.onEvent(message.event)
      if (message.kind === 'answer') questions.settle(message.ask, message.answer)
    },
    watch: questions.ask,
    unwatch: (message) => channel.post({ kind: 'unwatch', message }),
    leader: () => leader,
    stop() {
      status = 'lost'
      stopHello()
      stopSilence()
    },
  }
}

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
