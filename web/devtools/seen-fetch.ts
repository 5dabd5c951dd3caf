// `fetch` that notes each request: how it was answered, how long it took, its mutation id, and the code of a refusal.
import type { SeenRequest } from './journal.ts'

const mutationIdIn = (init?: RequestInit): string | null => {
  const header = new Headers(init?.headers).get('idempotency-key')
  if (header !== null || typeof init?.body !== 'string') return header
  return /"mutation_id":"([^"]{1,200})"/.exec(init.body)?.[1] ?? null
}

const codeIn = async (answer: Response): Promise<string | null> => {
  if (!/problem\+json/.test(answer.headers.get('content-type') ?? '')) return null
  const problem: unknown = await answer
    .clone()
    .json()
    .catch(() => null)
  return problem && typeof problem === 'object' && 'code' in problem ? String(problem.code) : null
}

export function noteRequests(given: typeof fetch, note: (request: SeenRequest) => void): typeof fetch {
  return async (input, init) => {
    const begun = performance.now()
    const noted = (status: number, code: string | null) =>
      note({
        method: init?.method ?? 'GET',
        path: String(input instanceof Request ? input.url : input).replace(/^https?:\/\/[^/]+/, ''),
        status,
        code,
        ms: Math.round(performance.now() - begun),
        mutationId: mutationIdIn(init),
      })
    try {
      const answer = await given(input, init)
      noted(answer.status, await codeIn(answer))
      return answer
    } catch (error) {
      noted(0, null)
      throw error
    }
  }
}
