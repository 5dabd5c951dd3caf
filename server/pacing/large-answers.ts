// Limits how many answers of more than half a megabyte a node builds at a time, by memory.
// Invariant: small answers never wait. One user has at most half of the places. A place is released when its answer was sent
// or its client has disconnected; a client that doesn't read is disconnected.
import type { ServerResponse } from 'node:http'
import type { Limits } from '../base/options.ts'
import { problem, Refusal } from '../base/problems.ts'
import type { Actor } from '../base/record-type.ts'

/** What one answer may cost. */
export interface AnswerBudget {
  /** Bytes of values that it may hold. */
  bytes: number
  /** Aborted when the asker has gone: nothing more is read for it. */
  gone: AbortSignal
  /** Resolves when the answer may grow beyond half a megabyte; at once from the second time on. */
  admit(): Promise<void>
}

export interface LargeAnswers {
  budgetOf(response: ServerResponse, actor: Actor): AnswerBudget
}

export interface LargeAnswersOptions {
  limits: Pick<Limits, 'pageBytes' | 'largeAnswersBytes'>
  /** The longest wait for a place, in milliseconds. Default 10,000. */
  waitMs?: number
  /** How long an answer may take to be made and read, in milliseconds. Default 60,000. */
  keepMs?: number
}

interface Waiting {
  person: string
  begin(): void
}

export const createLargeAnswers = ({
  limits: { pageBytes, largeAnswersBytes },
  waitMs = 10_000,
  keepMs = 60_000,
}: LargeAnswersOptions): LargeAnswers => {
  const places = Math.max(1, Math.floor(largeAnswersBytes / pageBytes))
  const ofOnePerson = Math.max(1, Math.floor(places / 2))
  const held = new Map<string, number>()
  const queue = new Set<Waiting>()
  let taken = 0

  const mayBegin = ({ person }: Waiting) => taken < places && (held.get(person) ?? 0) < ofOnePerson

  const next = () => {
    for (const waiting of queue) {
      if (taken >= places) return
      if (mayBegin(waiting)) waiting.begin()
    }
  }

  const leave = (person: string) => {
    taken -= 1
    const left = (held.get(person) ?? 1) - 1
    if (left > 0) held.set(person, left)
    else held.delete(person)
    next()
  }

  const enter = (person: string, gone: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      const end = () => {
        queue.delete(waiting)
        clearTimeout(timer)
        gone.removeEventListener('abort', giveUp)
      }
      const giveUp = () => {
        end()
        reject(gone.reason)
      }
      const timer = setTimeout(() => {
        end()
        reject(
          new Refusal(
            problem('rate_limited', 'Too many large answers are being made. Try again in a moment.'),
          ),
        )
      }, waitMs)
      const waiting: Waiting = {
        person,
        begin: () => {
          end()
          taken += 1
          held.set(person, (held.get(person) ?? 0) + 1)
          resolve()
        },
      }
      gone.addEventListener('abort', giveUp)
      queue.add(waiting)
      next()
    })

  return {
    budgetOf: (response, { tenantId, id }) => {
      const controller = new AbortController()
      const gone = controller.signal
      let entered: Promise<void> | null = null
      const isOver = () => response.destroyed || response.writableFinished
      const close = () => controller.abort()
      if (isOver()) close()
      else response.once('close', close)
      const admit = async () => {
        gone.throwIfAborted()
        const person = JSON.stringify([tenantId, id])
        await enter(person, gone)
        const cut = setTimeout(() => response.destroy(), keepMs)
        const end = () => {
          clearTimeout(cut)
          leave(person)
        }
        if (isOver()) end()
        else response.once('close', end)
      }
      return {
        bytes: pageBytes,
        gone,
        admit: () => {
          entered ??= admit()
          return entered
        },
      }
    },
  }
}
