// The one invariant of the editor, over generated interleavings: typed text is never lost, and the shown version never
// goes back. The same test must fail for each of a few editors that are broken on purpose.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nextRecordState } from '../../../../web/client/record/reducer.ts'
import { adoptSaved } from '../../../../web/client/record/server-transitions.ts'
import { type StepTable, statusOf, type Transition } from '../../../../web/client/record/state.ts'
import { createWorld, STEPS, type Step } from './record-world.ts'

const RUNS = Number(process.env.NOCLOBBER_INTERLEAVINGS ?? 2500)

/** Printed by a long run, so that whatever it finds can be played again: `NOCLOBBER_SEED`. */
const SEED = Number(process.env.NOCLOBBER_SEED ?? Date.now() % 2 ** 31)

const anyStep = fc.record<Step>({
  who: fc.nat(3),
  what: fc.oneof(
    { weight: 5, arbitrary: fc.constant('deliver' as const) },
    { weight: 3, arbitrary: fc.constantFrom('type' as const, 'save' as const) },
    { weight: 3, arbitrary: fc.constantFrom(...STEPS) },
  ),
  pick: fc.nat(7),
})
/** Two people of one field: the second saves, the first looks at both values and then takes these steps. */
const conflictThen = (...then: Step['what'][]) =>
  fc.tuple(fc.nat(7), fc.nat(7), fc.nat(7)).map(([pick, field, decision]): Step[] => {
    const many = (who: number, what: Step['what'], count: number) =>
      Array.from({ length: count }, () => ({ who, what, pick }))
    return [
      ...many(0, 'deliver', 3),
      ...many(1, 'deliver', 3),
      { who: 0, what: 'type', pick: field },
      { who: 1, what: 'type', pick: field },
      { who: 1, what: 'save', pick },
      ...many(1, 'deliver', 2),
      ...many(0, 'deliver', 2),
      { who: 0, what: 'review', pick },
      ...many(0, 'deliver', 2),
      ...then.map((what) => ({ who: 0, what, pick: decision })),
    ]
  })

/**
 * Half of the worlds lose nothing: there, everyone has to end up current without asking.
 *
 * @param often Comes often, among all other steps: what is broken there is found sooner.
 */
function interleavings(next?: typeof nextRecordState, often?: fc.Arbitrary<Step[]>) {
  const one = anyStep.map((step) => [step])
  const act = often ? fc.oneof({ weight: 20, arbitrary: one }, { weight: 1, arbitrary: often }) : one
  const world = fc.record({ people: fc.integer({ min: 2, max: 4 }), isLossy: fc.boolean() })
  return fc.property(world, fc.array(act, { minLength: 15, maxLength: 90 }), ({ people, isLossy }, acts) => {
    const { act: play, settle } = createWorld(people, next)
    for (const one of acts.flat()) if (isLossy || one.what !== 'lose') play(one)
    settle()
  })
}

describe('an editor among others', () => {
  test(
    `loses nothing typed and never goes back, over ${RUNS} interleavings`,
    () => {
      fc.assert(interleavings(), { numRuns: RUNS, seed: SEED })
    },
    60_000 + 20 * RUNS,
  )
})

const untouched = (state: Transition['state']): Transition => ({ state, effects: [] })

/** The cells of the table that are broken. */
type BrokenSteps = { [Kind in keyof StepTable]?: Partial<StepTable[Kind]> }

/** The real editor but for these steps. */
const withBroken =
  (broken: BrokenSteps): typeof nextRecordState =>
  (state, stateEvent) => {
    const steps = broken[stateEvent.kind] as Partial<Record<string, typeof nextRecordState>> | undefined
    const step = steps?.[state.status]
    if (!step) return nextRecordState(state, stateEvent)
    const { state: next, effects } = step(state, stateEvent)
    return { state: { ...next, status: statusOf(next) }, effects }
  }

/** One line each, as somebody in a hurry would write it. */
const brokenEditors: Record<string, BrokenSteps> = {
  'shows whatever was loaded last': {
    loaded: {
      clean: (state, { record }) => untouched({ ...state, record }),
      behind: (state, { record }) => untouched({ ...state, record, newer: null }),
    },
  },
  'overwrites the draft on load': {
    loaded: {
      dirty: (state, { record }) => untouched({ ...state, record, draft: {} }),
      behind: (state, { record }) => untouched({ ...state, record, draft: {}, newer: null }),
    },
  },
  'ignores the version of an event': {
    version_received: {
      clean: (state, { remote }) => untouched({ ...state, newer: { ...remote, fieldsByVersion: {} } }),
      dirty: (state, { remote }) => untouched({ ...state, newer: { ...remote, fieldsByVersion: {} } }),
      behind: (state, { remote }) => untouched({ ...state, newer: { ...remote, fieldsByVersion: {} } }),
    },
  },
  'forgets what was typed during a save': {
    saved: {
      saving: (state, answer) => adoptSaved({ ...state, draft: state.writing?.changes ?? {} }, answer),
    },
  },
  'forgets the draft when a save is refused': {
    write_refused: {
      saving: (state, answer) => {
        const { state: next, effects } = nextRecordState(state, answer)
        return { state: { ...next, draft: {} }, effects }
      },
    },
  },
  'retries under a new id': {
    save_asked: {
      offline: (state, asked) => nextRecordState({ ...state, status: 'dirty', unanswered: null }, asked),
    },
  },
  'reloads without keeping the edits': {
    reload_asked: {
      behind: (state, asked) => nextRecordState({ ...state, draft: {} }, asked),
      conflicted: (state, asked) => nextRecordState({ ...state, draft: {} }, asked),
    },
  },
  'merges over what overlaps': {
    merge_asked: {
      behind: (state) =>
        state.latest
          ? untouched({ ...state, record: state.latest, draft: {}, newer: null })
          : untouched(state),
    },
  },
  'drops what was decided against': {
    resolved: {
      conflicted: (state, resolution) => {
        const { state: next, effects } = nextRecordState(state, resolution)
        return { state: { ...next, kept: null }, effects }
      },
    },
  },
  'forgets after a crash that a save was on its way': {
    recalled: {
      loading: (state, { kind, edits }) =>
        nextRecordState(state, { kind, edits: { ...edits, unanswered: null } }),
    },
  },
  'resolves against a version that was not looked at': {
    resolved: {
      conflicted: (state, resolution) => {
        const record = state.latest ?? state.record
        return untouched({ ...state, record, draft: resolution.edited, conflict: null, reviewing: false })
      },
    },
  },
  'takes typing the old value back for no edit while it is being overwritten': {
    typed: {
      saving: (state, typed) =>
        nextRecordState({ ...state, status: 'dirty', writing: null, unanswered: null }, typed),
    },
  },
}

/** Where the broken step is a rare one. */
const OFTEN: Record<string, fc.Arbitrary<Step[]>> = {
  'merges over what overlaps': conflictThen('dismiss', 'merge'),
  'drops what was decided against': conflictThen('resolve'),
  'resolves against a version that was not looked at': conflictThen('resolve'),
}

describe('the same test catches an editor that', () => {
  for (const [name, broken] of Object.entries(brokenEditors)) {
    test(name, () => {
      const result = fc.check(interleavings(withBroken(broken), OFTEN[name]), {
        numRuns: 20_000,
        endOnFailure: true,
      })
      expect(result.failed).toBe(true)
    }, 60_000)
  }
})
