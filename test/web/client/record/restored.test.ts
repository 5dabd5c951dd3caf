// What an open record does when the server's database goes back, step by step. Each check fails where the function that it is
// about is broken.
import { describe, expect, test, vi } from 'vitest'
import type { WireRecord } from '../../../../server/protocol/index.ts'
import { historyUpTo, lostAmong } from '../../../../web/client/lost/lost-in-history.ts'
import type * as Edits from '../../../../web/client/record/edit-transitions.ts'
import { nextRecordState } from '../../../../web/client/record/reducer.ts'
import type * as Restored from '../../../../web/client/record/restored.ts'
import {
  initialRecordState,
  type RecordEffect,
  type RecordState,
  type RecordStateEvent,
  valuesOf,
} from '../../../../web/client/record/state.ts'

const record = (version: number, fields: Record<string, unknown> = {}): WireRecord => ({
  ...{ type: 'project', id: '1', version, updated_at: '2026-11-21T09:30:00.000000Z', updated_by: null },
  fields: { name: 'Bridge', notes: '', ...fields },
})

type Reducer = typeof nextRecordState

const play = (next: Reducer, events: RecordStateEvent[]) => {
  let state: RecordState = initialRecordState
  let effects: RecordEffect[] = []
  for (const event of events) ({ state, effects } = next(state, event))
  return { state, effects }
}

const loaded = (version: number, fields = {}, since = 0): RecordStateEvent => ({
  ...{ kind: 'loaded', record: record(version, fields), at: 0, isOwn: false, since },
})
const typed = (field: string, value: unknown): RecordStateEvent => ({ kind: 'typed', field, value })
const received = (version: number, deleted = false): RecordStateEvent => ({
  kind: 'version_received',
  remote: { version, changedFields: null, by: null, at: 0, isOwn: false, deleted },
})
const save = (mutationId: string): RecordStateEvent => ({ kind: 'save_asked', mutationId })
const saved = (mutationId: string, version: number, fields = {}, at = version): RecordStateEvent => ({
  ...{ kind: 'saved', mutationId, record: record(version, fields), mergedFields: [], at },
})
const ownSave = (version: number, changes: Record<string, unknown>): RecordStateEvent[] => [
  ...Object.entries(changes).map(([field, value]) => typed(field, value)),
  ...[save(`m${version}`), saved(`m${version}`, version, changes)],
]
const CHANGED: RecordStateEvent = { kind: 'history_changed' }

type Steps = typeof Restored & Pick<typeof Edits, 'withOwnSave'>

interface Check {
  /** The function that it is about, and one that is broken. */
  of: keyof Steps
  broken: (real: never) => unknown
  name: string
  check(next: Reducer): void
}

type Of<K extends keyof Steps> = Steps[K]

const checks: Check[] = [
  {
    name: 'the shown version goes back to what a load says that was sent after it was known',
    of: 'goBack',
    broken: () => ((state) => ({ state, effects: [] })) as Of<'goBack'>,
    check(next) {
      const { state, effects } = play(next, [loaded(7, { name: 'Lost' }), CHANGED, loaded(5, {}, 7)])
      expect(state).toMatchObject({
        status: 'clean',
        record: { version: 5 },
        notice: { kind: 'restored' },
        isUnsure: false,
      })
      expect(state.highlighted).toEqual(['name'])
      expect(effects).toContainEqual({ kind: 'fade', what: 'notice' })
    },
  },
  {
    name: 'what was saved and lost is offered, with what was typed; what is there already isn’t',
    of: 'goBack',
    broken: (real: Of<'goBack'>) => (state: RecordState, to: WireRecord) =>
      real({ ...state, ownSaves: [] }, to),
    check(next) {
      const { state } = play(next, [
        loaded(5),
        ...ownSave(6, { name: 'Kept' }),
        ...ownSave(7, { name: 'Lost', notes: 'n' }),
        typed('notes', 'typed'),
        CHANGED,
        loaded(6, { name: 'Kept' }, 7),
      ])
      expect(state.draft).toEqual({})
      expect(state.kept).toMatchObject({
        why: 'restored',
        fields: { name: 'Lost', notes: 'typed' },
        lost: { fields: ['name', 'notes'], at: 7 },
      })
      expect(state.ownSaves.map(({ version }) => version)).toEqual([6])
      const same = play(next, [
        loaded(5),
        ...ownSave(6, { name: 'Same' }),
        CHANGED,
        loaded(5, { name: 'Same' }, 6),
      ])
      expect(same.state.kept).toBeNull()
      expect(same.state.ownSaves).toEqual([])
    },
  },
  {
    name: 'what was typed on a lost version is set aside',
    of: 'goBack',
    broken: (real: Of<'goBack'>) => (state: RecordState, to: WireRecord) => real({ ...state, draft: {} }, to),
    check(next) {
      const events = [loaded(7, { name: 'Lost' }), typed('notes', 'typed'), CHANGED, loaded(5, {}, 7)]
      const { state } = play(next, events)
      expect(state).toMatchObject({ draft: {}, kept: { why: 'restored', fields: { notes: 'typed' } } })
      expect(state.kept?.lost).toBeUndefined()
      expect(valuesOf(play(next, [...events, { kind: 'restore_asked' }]).state).notes).toBe('typed')
    },
  },
  {
    name: 'a lost deletion goes by itself',
    of: 'goBack',
    broken: (real: Of<'goBack'>) => (state: RecordState, to: WireRecord) => {
      const { state: back, effects } = real(state, to)
      return { state: { ...back, deletion: state.deletion }, effects }
    },
    check(next) {
      const { state } = play(next, [loaded(7), received(8, true), CHANGED, loaded(7, {}, 8)])
      expect(state).toMatchObject({ status: 'clean', deletion: null, record: { version: 7 } })
    },
  },
  {
    name: 'a newer version that was lost is none, and the shown one is still the record',
    of: 'withoutNewer',
    broken: () => ((state) => state) as Of<'withoutNewer'>,
    check(next) {
      const { state } = play(next, [
        loaded(7),
        typed('notes', 'typed'),
        received(9),
        CHANGED,
        loaded(7, {}, 9),
      ])
      expect(state).toMatchObject({ status: 'dirty', newer: null, latest: null, draft: { notes: 'typed' } })
    },
  },
  {
    name: 'another history is a reason to load at once',
    of: 'doubt',
    broken: () => ((state) => ({ state, effects: [] })) as Of<'doubt'>,
    check(next) {
      const { state, effects } = play(next, [loaded(7), CHANGED])
      expect(state.isUnsure).toBe(true)
      expect(effects).toEqual([{ kind: 'forget_loads' }, { kind: 'load', when: 'now' }])
    },
  },
  {
    name: 'but a write in flight is answered first',
    of: 'doubt',
    broken: (real: Of<'doubt'>) => (state: RecordState) => ({
      ...real({ ...state, writing: null }),
      state: real(state).state,
    }),
    check(next) {
      const events = [loaded(7), typed('name', 'Mine'), save('m'), CHANGED]
      expect(play(next, events).effects).toEqual([])
      const { state, effects } = play(next, [...events, saved('m', 8, { name: 'Mine' })])
      expect(state.isUnsure).toBe(true)
      expect(effects).toContainEqual({ kind: 'load', when: 'now' })
    },
  },
  {
    name: 'saves that the history doesn’t have are offered over what is shown',
    of: 'offerLost',
    broken: () => ((state) => ({ state, effects: [] })) as Of<'offerLost'>,
    check(next) {
      const events = [loaded(5), ...ownSave(6, { name: 'Lost' }), loaded(90)]
      const { state: before } = play(next, events)
      const { state } = next(before, { kind: 'saves_lost', saves: before.ownSaves })
      expect(state).toMatchObject({
        record: { version: 90 },
        kept: { fields: { name: 'Lost' }, lost: { at: 6 } },
        ownSaves: [],
      })
      expect(play(next, [...events, { kind: 'saves_lost', saves: [] }]).state).toEqual(before)
    },
  },
  {
    name: 'where the record is gone, what was saved can be copied with what is typed',
    of: 'withLostTyped',
    broken: () => ((state) => state) as Of<'withLostTyped'>,
    check(next) {
      const gone: RecordStateEvent = { kind: 'load_failed', refusal: { outcome: 'not_found' }, at: 0 }
      const events = [loaded(5), ...ownSave(6, { name: 'Lost' }), typed('notes', 'typed')]
      expect(play(next, [...events, CHANGED, gone]).state).toMatchObject({
        ...{ status: 'forbidden', draft: { name: 'Lost', notes: 'typed' }, isUnsure: false },
      })
      expect(play(next, [...events, gone]).state.draft).toEqual({ notes: 'typed' })
    },
  },
  {
    name: 'where the record was created here, all that was entered can be copied, and it is said once it is there again',
    of: 'changesOf',
    broken: () => (() => ({})) as Of<'changesOf'>,
    check(next) {
      const lost: RecordStateEvent = {
        kind: 'creation_lost',
        save: { at: 3, changes: { name: 'Made', notes: 'first' } },
      }
      const events = [loaded(1), ...ownSave(2, { notes: 'second' }), typed('name', 'typed'), lost]
      const { state } = play(next, events)
      expect(state).toMatchObject({
        ...{ status: 'forbidden', record: null, draft: { name: 'typed', notes: 'second' } },
        lostCreation: { at: 3, fields: { name: 'Made', notes: 'second' } },
      })
      expect(play(next, [...events, loaded(9, {}, 0)]).state).toMatchObject({
        lostCreation: null,
        record: { version: 9 },
      })
    },
  },
  {
    name: 'the last twenty saves are remembered',
    of: 'withOwnSave',
    broken: () => ((saves, one) => [...saves, one]) as Of<'withOwnSave'>,
    check(next) {
      const many = Array.from({ length: 25 }, (_, at) => ownSave(at + 2, { name: `${at}` })).flat()
      const { ownSaves } = play(next, [loaded(1), ...many]).state
      expect(ownSaves.map(({ version }) => version)).toEqual(Array.from({ length: 20 }, (_, at) => at + 7))
    },
  },
]

describe.each(checks)('$name', ({ of, broken, check }) => {
  test('holds', () => check(nextRecordState))

  test(`and fails with another ${of}`, async () => {
    vi.resetModules()
    const path = `../../../../web/client/record/${of === 'withOwnSave' ? 'edit-transitions' : 'restored'}.ts`
    vi.doMock(path, async (importOriginal) => {
      const real = await importOriginal<Steps>()
      return { ...real, [of]: broken(real[of] as never) }
    })
    const { nextRecordState: next } = await import('../../../../web/client/record/reducer.ts')
    vi.doUnmock(path)
    expect(() => check(next)).toThrow()
  })
})

test('lost are those between the oldest entry of the history and now that it doesn’t have', () => {
  const saves = [3, 4, 5, 7].map((version) => ({ version, at: 0, changes: {} }))
  const of = (...versions: number[]) =>
    lostAmong(
      saves,
      versions.map((version) => ({ version })),
    ).map(({ version }) => version)
  expect([of(4, 5, 7), of(4, 7), of(4), of(2, 100), of(100), of()]).toEqual([
    [],
    [5],
    [5, 7],
    [3, 4, 5, 7],
    [],
    [],
  ])
})

test('a history is read until it is as old as the oldest save, and no further', async () => {
  const asked: (string | undefined)[] = []
  const entry = (version: number) => ({ version }) as never
  const history = async (_type: string, _id: string, { before }: { before?: string } = {}) => {
    asked.push(before)
    const newest = before === undefined ? 1000 : Number(before) - 1
    const entries = [entry(newest), entry(newest - 1)]
    const next = newest <= 992 ? null : String(newest - 1)
    return { outcome: 'found' as const, entries, next, writable: [] }
  }
  const upTo = (version: number) =>
    historyUpTo({ history }, { type: 'project', id: '1' }, [{ version }, { version: 999 }])
  const part = await upTo(997)
  expect([part.outcome, part.outcome === 'found' && part.entries.length, part]).toEqual([
    ...['found', 6],
    expect.objectContaining({ isWhole: false }),
  ])
  expect(asked).toEqual([undefined, '999', '997'])
  await expect(upTo(1)).resolves.toMatchObject({ outcome: 'found', isWhole: true })
  const away = { outcome: 'unreachable', retryAfterMs: null, detail: '' } as const
  await expect(historyUpTo({ history: async () => away }, { type: 'project', id: '1' }, [])).resolves.toBe(
    away,
  )
})
