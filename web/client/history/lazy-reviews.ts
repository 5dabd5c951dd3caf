// Earlier versions and proposals, as a client offers them. The code is loaded with the first call.

import type { ReviewOptions } from './review-requests.ts'
import type { Reviews } from './reviews.ts'

const NAMES = [
  'readPast',
  'restoreVersion',
  'propose',
  'proposals',
  'openProposals',
  'acceptProposal',
  'rejectProposal',
  'deleted',
  'restoreDeleted',
  'undoImport',
] as const satisfies (keyof Reviews)[]

export function createReviews(options: ReviewOptions): Reviews {
  const late =
    (name: keyof Reviews) =>
    async (...asked: Parameters<Reviews[typeof name]>): Promise<unknown> => {
      try {
        const { createReviewRequests } = await import('./review-requests.ts')
        const run = createReviewRequests(options)[name] as (...asked: unknown[]) => Promise<unknown>
        return await run(...asked)
      } catch (error) {
        return { outcome: 'unreachable', retryAfterMs: null, detail: String(error) }
      }
    }
  return Object.fromEntries(NAMES.map((name) => [name, late(name)])) as Record<keyof Reviews, never>
}
