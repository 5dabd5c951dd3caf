// What the server's answers mean, in one place; and how writes are sent: one whose answer was lost is sent again a few times
// under the same mutation id, so that it takes effect once.

import type { StaleProblem, WireRecord } from '../../../server/protocol/index.ts'
import type { Clock } from '../base/clock.ts'
import { isRecord } from '../base/received.ts'
import type { Http, HttpAnswer, HttpRequest } from './fetch-json.ts'
import type { Refusal } from './outcomes.ts'
import { bodyOf, refusalOf } from './refusals.ts'

/** Delays between the tries of one write; after them it counts as unanswered. */
const RETRY_AFTER_MS = [400, 1500]

/** Browsers take `.` and `..` out of a path, so these ids are written with a `~`. */
export const segmentOf = (part: string) => encodeURIComponent(/^~*\.{1,2}$/.test(part) ? `~${part}` : part)

export const pathOf = (...parts: string[]) => `/records/${parts.map(segmentOf).join('/')}`

export function retriedWrite(http: Http, clock: Clock) {
  return async (unsent: HttpRequest): Promise<HttpAnswer> => {
    const { person } = http.parts
    person.check()
    const request = { ...unsent, epoch: person.epoch() }
    let answer = await http(request)
    for (const delayMs of RETRY_AFTER_MS) {
      if (answer.isAnswered && answer.status < 500) return answer
      await new Promise<void>((resolve) => void clock.after(delayMs, resolve))
      answer = await http(request)
    }
    return answer
  }
}

const NOT_OURS: HttpAnswer = { isAnswered: false, detail: 'The answer was not one of this server.' }
export const isGood = (status: number) => status >= 200 && status < 300

export function dataOf<T, O>(answer: HttpAnswer, found: (data: T) => O): O | Refusal {
  if (answer.isAnswered && isGood(answer.status)) {
    const { data } = bodyOf(answer)
    if (data !== undefined) return found(data as T)
    return refusalOf(NOT_OURS)
  }
  return refusalOf(answer)
}

/** A success without a record is not an answer of this server. */
export const recordOf = <F extends object, O>(answer: HttpAnswer, found: (record: WireRecord<F>) => O) =>
  dataOf(
    answer.isAnswered && isGood(answer.status) && !isRecord(bodyOf(answer).data) ? NOT_OURS : answer,
    found,
  )

export function staleOf<F extends object>(answer: HttpAnswer) {
  const problem = bodyOf(answer) as Record<string, unknown> & StaleProblem & { current: WireRecord<F> }
  const isStale = answer.isAnswered && (answer.status === 409 || answer.status === 412)
  return isStale && problem.code === 'stale_record' ? ({ outcome: 'conflict', problem } as const) : null
}

export function invalidOf(answer: HttpAnswer) {
  if (!answer.isAnswered || answer.status !== 422) return null
  const { errors } = bodyOf(answer)
  return Array.isArray(errors) && errors.length > 0 ? ({ outcome: 'invalid', errors } as const) : null
}
