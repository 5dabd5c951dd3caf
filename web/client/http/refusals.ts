// Maps the status and the problem document of a refusal to its outcome.

import type { DeletedProblem, Problem } from '../../../server/protocol/index.ts'
import type { HttpAnswer } from './fetch-json.ts'
import type { Refusal } from './outcomes.ts'

/** The answer's JSON object; an empty one where it has none. */
export function bodyOf(answer: HttpAnswer): Record<string, unknown> {
  const isObject = answer.isAnswered && typeof answer.body === 'object' && answer.body !== null
  return isObject ? (answer.body as Record<string, unknown>) : {}
}

/** Other 403 are of another origin's page, of the app's own middlewares or of a proxy: they say what they are about. */
const isPermission = (answer: HttpAnswer): boolean => bodyOf(answer).code === 'forbidden'

export function refusalOf(answer: HttpAnswer): Refusal {
  if (!answer.isAnswered) return { outcome: 'unreachable', retryAfterMs: null, detail: answer.detail }
  const { status, headers } = answer
  const problem = {
    status,
    title: '',
    type: 'about:blank',
    detail: `The server answered ${status}.`,
    ...bodyOf(answer),
  }
  if (status === 401) return { outcome: 'unauthenticated' }
  if (status === 403 && isPermission(answer)) return { outcome: 'forbidden', problem: problem as Problem }
  if (status === 404) return { outcome: 'not_found' }
  if (status === 410 && bodyOf(answer).code !== 'no_longer_known')
    return { outcome: 'gone', problem: problem as DeletedProblem }
  if (status === 429 || status >= 500) {
    const seconds = Number(headers.get('retry-after') ?? Number.NaN)
    const retryAfterMs = Number.isFinite(seconds) ? seconds * 1000 : null
    return { outcome: 'unreachable', retryAfterMs, detail: problem.detail }
  }
  return { outcome: 'failed', problem: problem as Problem }
}
