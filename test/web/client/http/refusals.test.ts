// A 403 is about a permission only where the server says so, and who is asked to come back knows when.
import { expect, test } from 'vitest'
import { refusalOf } from '../../../../web/client/http/refusals.ts'

const answer = (body: unknown) => ({ isAnswered: true, status: 403, headers: new Headers(), body }) as const

test('a 403 that is no permission’s says what it is about', () => {
  const detail = 'The page is of http://a.test, its request came to http://b.test.'
  expect(refusalOf(answer({ code: 'forbidden', detail: 'No.' }))).toMatchObject({ outcome: 'forbidden' })
  expect(refusalOf(answer({ code: 'cross_origin', detail }))).toMatchObject({
    outcome: 'failed',
    problem: { status: 403, code: 'cross_origin', detail },
  })
  expect(refusalOf(answer(null))).toMatchObject({
    outcome: 'failed',
    problem: { status: 403, detail: 'The server answered 403.' },
  })
})

test('who is asked to come back knows when, in milliseconds', () => {
  const later = (status: number, headers?: HeadersInit) =>
    refusalOf({ isAnswered: true, status, headers: new Headers(headers), body: null })
  expect(later(503, { 'Retry-After': '2' })).toMatchObject({ outcome: 'unreachable', retryAfterMs: 2_000 })
  expect(later(429, { 'Retry-After': '1' })).toMatchObject({ outcome: 'unreachable', retryAfterMs: 1_000 })
  expect(later(500)).toMatchObject({ outcome: 'unreachable', retryAfterMs: null })
})
