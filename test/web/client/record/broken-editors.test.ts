// The editor's invariant must fail for each of a few editors that are broken on purpose.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { StepTable } from '../../../../web/client/record/first-steps.ts'
import { nextRecordState } from '../../../../web/client/record/reducer.ts'
import { adoptSaved } from '../../../../web/client/record/server-transitions.ts'
import { type RecordStatus, statusOf, type Transition } from '../../../../web/client/record/state.ts'
import { conflictThen, interleavings } from './interleavings.ts'
import type { Step } from './record-world.ts'

const untouched = (state: Transition['state']): Transition => ({ state, effects: [] })

/** The cells of the table that are broken. */
type BrokenSteps = { [Kind in keyof StepTable]?: Partial<Record<RecordStatus, StepTable[Kind][number]>> }

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
      saving: (state, answer) =>
        adoptSaved({ ...state, draft: state.writing?.changes ?? {} }, answer) ?? untouched(state),
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
