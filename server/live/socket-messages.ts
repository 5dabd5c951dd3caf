// Messages from sockets: each is answered where an answer was asked for, and nothing that goes wrong with one
// ends the process. Invariant: a socket that was not admitted learns why, unless the app has a message of that name itself.
import type { Limits, Logger } from '../base/options.ts'
import { problem, Refusal } from '../base/problems.ts'
import { byTablesNow } from '../base/table-changes.ts'
import { isUnavailable, unexpectedProblem } from '../db/errors.ts'
import { createMessageAllowance } from '../pacing/rate-limiters.ts'
import type { ProblemCode, RefusedMessage } from '../protocol/index.ts'
import { slowDown } from './flooding-sockets.ts'
import { refusalOf, type SocketWatcher, untyped, watcherOf } from './socket-watchers.ts'
import type { WatcherServer, WatcherSocket } from './watchers.ts'

/** A refusal as an acknowledgement has it. */
export const refused = (code: ProblemCode, detail?: string): RefusedMessage => ({
  ok: false,
  code,
  detail: problem(code, detail).detail,
})

export interface MessageOptions<Answer> {
  name: string
  /** Messages a second of one socket, and of one person's sockets together; the rest is answered `rate_limited`. */
  limits: Pick<Limits, 'messagesPerSecond' | 'messagesPerPerson'>
  log: Logger
  /** Does what the message asks for, and answers. */
  work(watcher: SocketWatcher, message: unknown, answer: (given: Answer) => void): unknown
}

/** Receives messages of one name from the sockets of servers. */
export const createReceiver = <Answer>({ name, limits, log, work }: MessageOptions<Answer>) => {
  const allowed = createMessageAllowance(limits)
  /** One function for all sockets: a closure for each would be held as long as it is there. */
  async function receive(this: WatcherSocket, message: unknown, ...rest: unknown[]): Promise<unknown> {
    const last = rest.at(-1) ?? message
    const answer = (given: Answer | RefusedMessage): void => {
      if (typeof last === 'function') last(given)
    }
    try {
      const watcher = watcherOf(this)
      if (watcher) {
        if (allowed(watcher)) return await byTablesNow(async () => work(watcher, message, answer))
        await slowDown(this)
        answer(refused('rate_limited'))
      } else if (untyped(this).listenerCount(name) === 1) answer(refused(refusalOf(this)))
    } catch (error) {
      if (error instanceof Refusal) return answer(refused(error.problem.code))
      if (!isUnavailable(error)) log.error({ err: error, name }, 'A socket message could not be answered.')
      answer(refused(unexpectedProblem(error).code))
    }
  }

  /** Listens to the sockets of a server. Returns its dispose function. */
  return (io: WatcherServer): (() => void) => {
    const listen = (socket: WatcherSocket) => {
      untyped(socket).on(name, receive)
    }
    io.on('connection', listen)
    return () => {
      io.off('connection', listen)
      for (const socket of io.sockets.sockets.values()) untyped(socket).off(name, receive)
    }
  }
}
