// The one invariant of the editor, over generated interleavings: typed text is never lost, and the shown version never
// goes back. broken-editors.test.ts shows that it finds what is broken.
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nextFirstState } from '../../../../web/client/record/first-steps.ts'
import { nextRecordState } from '../../../../web/client/record/reducer.ts'
import { conflictThen, interleavings } from './interleavings.ts'

const RUNS = Number(process.env.NOCLOBBER_INTERLEAVINGS ?? 2500)

/** Printed by a long run, so that whatever it finds can be played again: `NOCLOBBER_SEED`. */
const SEED = Number(process.env.NOCLOBBER_SEED ?? Date.now() % 2 ** 31)

describe('an editor among others', () => {
  test(
    `loses nothing typed and never goes back, over ${RUNS} interleavings`,
    () => {
      fc.assert(interleavings(), { numRuns: RUNS, seed: SEED })
    },
    60_000 + 20 * RUNS,
  )

  test.each([
    ['decides', conflictThen('resolve')],
    ['puts off the decision, then merges', conflictThen('dismiss', 'merge')],
  ])('nor where somebody often %s', (_, often) => {
    fc.assert(interleavings(undefined, often), { numRuns: Math.ceil(RUNS / 10), seed: SEED })
  })

  test('does at first, where it does anything, what it does with all of its code', () => {
    const decided = { first: 0, other: 0, all: 0 }
    const both: typeof nextRecordState = (state, stateEvent) => {
      const all = nextRecordState(state, stateEvent)
      const first = nextFirstState(state, stateEvent)
      decided.all += 1
      if (first) decided.first += 1
      if (first && !isDeepStrictEqual(first, all)) decided.other += 1
      return all
    }
    fc.assert(interleavings(both), { numRuns: Math.ceil(RUNS / 5), seed: SEED })
    expect(decided.other).toBe(0)
    expect(decided.first / decided.all).toBeGreaterThan(0.5)
  })
})
