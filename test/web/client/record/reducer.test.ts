// The one invariant of the editor, over generated interleavings: typed text is never lost, and the shown version never
// goes back. The same test must fail for each of a few editors that are broken on purpose.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { recordSteps } from '../../../../web/client/record/reducer.ts'
import { adoptSaved } from '../../../../web/client/record/server-transitions.ts'
import type { StepTable, Transition } from '../../../../web/client/record/state.ts'
import { ACTS, type Act, createWorld } from './record-world.ts'

const RUNS = Number(process.env.NOCLOBBER_INTERLEAVINGS ?? 2500)

/** Printed by a long run, so that whatever it finds can be played again: `NOCLOBBER_SEED`. */
const SEED = Number(process.env.NOCLOBBER_SEED ?? Date.now() % 2 ** 31)

const act = fc.record<Act>({
  who: fc.nat(3),
  what: fc.oneof(
    { weight: 5, arbitrary: fc.constant('deliver' as const) },
    { weight: 3, arbitrary: fc.constantFrom('type' as const, 'save' as const) },
    { weight: 3, arbitrary: fc.constantFrom(...ACTS) },
  ),
  pick: fc.nat(7),
})

/** Half of the worlds lose nothing: there, everyone has to end up current without asking. */
function interleavings(steps?: StepTable) {
  const world = fc.record({ people: fc.integer({ min: 2, max: 4 }), isLossy: fc.boolean() })
  return fc.property(world, fc.array(act, { minLength: 15, maxLength: 90 }), ({ people, isLossy }, acts) => {
    const { act: play, settle } = createWorld(people, steps)
    for (const one of acts) if (isLossy || one.what !== 'lose') play(one)
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

/** One line each, as somebody in a hurry would write it. */
const brokenEditors: Record<string, Partial<StepTable>> = {
  'shows whatever was loaded last': {
    loaded: {
      ...recordSteps.loaded,
      clean: (state, { record }) => untouched({ ...state, record }),
      behind: (state, { record }) => untouched({ ...state, record, news: null }),
    },
  },
  'overwrites the draft on load': {
    loaded: {
      ...recordSteps.loaded,
      dirty: (state, { record }) => untouched({ ...state, record, draft: {} }),
      behind: (state, { record }) => untouched({ ...state, record, draft: {}, news: null }),
    },
  },
  'ignores the version of an event': {
    heard: {
      ...recordSteps.heard,
      clean: (state, { hint }) => untouched({ ...state, news: { ...hint, fieldsByVersion: {} } }),
      dirty: (state, { hint }) => untouched({ ...state, news: { ...hint, fieldsByVersion: {} } }),
      behind: (state, { hint }) => untouched({ ...state, news: { ...hint, fieldsByVersion: {} } }),
    },
  },
  'forgets what was typed during a save': {
    saved: {
      ...recordSteps.saved,
      saving: (state, answer) => adoptSaved({ ...state, draft: state.writing?.changes ?? {} }, answer),
    },
  },
  'forgets the draft when a save is refused': {
    write_refused: {
      ...recordSteps.write_refused,
      saving: (state, answer) => {
        const { state: next, effects } = recordSteps.write_refused.saving(state, answer)
        return { state: { ...next, draft: {} }, effects }
      },
    },
  },
  'retries under a new id': {
    save_asked: {
      ...recordSteps.save_asked,
      offline: (state, asked) => recordSteps.save_asked.dirty({ ...state, unanswered: null }, asked),
    },
  },
  'reloads without keeping the edits': {
    reload_asked: {
      ...recordSteps.reload_asked,
      behind: (state) => recordSteps.reload_asked.behind({ ...state, draft: {} }),
      conflicted: (state) => recordSteps.reload_asked.conflicted({ ...state, draft: {} }),
    },
  },
  'merges over what overlaps': {
    merge_asked: {
      ...recordSteps.merge_asked,
      behind: (state) =>
        state.latest
          ? untouched({ ...state, record: state.latest, draft: {}, news: null })
          : untouched(state),
    },
  },
  'drops what was decided against': {
    resolved: {
      ...recordSteps.resolved,
      conflicted: (state, resolution) => {
        const { state: next, effects } = recordSteps.resolved.conflicted(state, resolution)
        return { state: { ...next, kept: null }, effects }
      },
    },
  },
  'forgets after a crash that a save was on its way': {
    recalled: {
      ...recordSteps.recalled,
      loading: (state, { kind, edits }) =>
        recordSteps.recalled.loading(state, { kind, edits: { ...edits, unanswered: null } }),
    },
  },
  'resolves against a version that was not looked at': {
    resolved: {
      ...recordSteps.resolved,
      conflicted: (state, resolution) => {
        const record = state.latest ?? state.record
        return untouched({ ...state, record, draft: resolution.edited, conflict: null, reviewing: false })
      },
    },
  },
  'takes typing the old value back for no edit while it is being overwritten': {
    typed: {
      ...recordSteps.typed,
      saving: (state, typed) => recordSteps.typed.dirty({ ...state, writing: null, unanswered: null }, typed),
    },
  },
}

describe('the same test catches an editor that', () => {
  for (const [name, broken] of Object.entries(brokenEditors)) {
    test(name, () => {
      const result = fc.check(interleavings({ ...recordSteps, ...broken }), {
        numRuns: 20_000,
        endOnFailure: true,
      })
      expect(result.failed).toBe(true)
    }, 60_000)
  }
})
