// What becomes of typed text at each step of an editor, one step at a time: where it is, and what is sent. The order of steps
// is the matter of reducer.test.ts and races.test.ts.
import { describe, expect, test } from 'vitest'
import type { Problem, StaleProblem, WireRecord, Writer } from '../../../../server/protocol/index.ts'
import { nextRecordState } from '../../../../web/client/record/reducer.ts'
import {
  initialRecordState,
  type RecordEffect,
  type RecordState,
  type RecordStateEvent,
  type StateEventOf,
} from '../../../../web/client/record/state.ts'

const bob: Writer = { id: 'u2', name: 'Bob', kind: 'user' }

const version = (number: number, fields: Record<string, unknown> = {}): WireRecord => ({
  ...{
    type: 'project',
    id: '1',
    version: number,
    updated_at: '2026-11-21T09:30:00.000000Z',
    updated_by: bob,
  },
  fields: { name: 'Bridge', status: 'planned', notes: 'one two', ...fields },
})

const opened: RecordStateEvent = { kind: 'opened' }
const loaded = (record: WireRecord, more: Partial<StateEventOf<'loaded'>> = {}): RecordStateEvent => ({
  ...{ kind: 'loaded', record, at: 5, isOwn: false },
  ...more,
})
const typed = (field: string, value: unknown): RecordStateEvent => ({ kind: 'typed', field, value })
const saveAsked = (mutationId: string): RecordStateEvent => ({ kind: 'save_asked', mutationId })
const removeAsked = (mutationId: string): RecordStateEvent => ({ kind: 'remove_asked', mutationId })
const saved = (mutationId: string, record: WireRecord, mergedFields: string[] = []): RecordStateEvent => ({
  ...{ kind: 'saved', mutationId, record, mergedFields, mergedBy: bob, at: 9 },
})
const received = (number: number, changedFields: string[] | null, more = {}): RecordStateEvent => ({
  kind: 'version_received',
  remote: { version: number, changedFields, by: bob, at: 3, isOwn: false, deleted: false, ...more },
})
type Refusal = StateEventOf<'write_refused'>['refusal']
const refused = (mutationId: string, refusal: object, more = {}): RecordStateEvent => ({
  ...{ kind: 'write_refused', mutationId, refusal: refusal as Refusal, at: 4 },
  ...more,
})
const loadFailed = (refusal: object): RecordStateEvent => ({
  ...{ kind: 'load_failed', refusal: refusal as StateEventOf<'load_failed'>['refusal'], at: 4 },
})
const resolved = (more: Partial<StateEventOf<'resolved'>>): RecordStateEvent => ({
  ...{ kind: 'resolved', version: 8, theirs: [], edited: {}, mutationId: null },
  ...more,
})
const problem = (more: Partial<Problem> = {}) =>
  ({ detail: 'It broke.', code: 'internal', ...more }) as Problem
const UNREACHABLE = { outcome: 'unreachable', retryAfterMs: null, detail: '' }
const GONE = { outcome: 'gone', problem: { version: 9, updated_by: bob } }
const conflict = (current: WireRecord, client_version = 7) => ({
  outcome: 'conflict',
  problem: {
    ...{ client_version, current_version: current.version, changed_fields: ['status'] },
    ...{ updated_by: bob, current },
  } as StaleProblem,
})

const after = (...events: RecordStateEvent[]): { state: RecordState; effects: RecordEffect[] } => {
  let [state, effects]: [RecordState, RecordEffect[]] = [initialRecordState, []]
  for (const event of events) ({ state, effects } = nextRecordState(state, event))
  return { state, effects }
}

/** All of these parts of the state, and the effects of the last step, where they are named. */
const expectAfter = (
  events: RecordStateEvent[],
  expected: Partial<RecordState> & { effects?: RecordEffect[] },
) => {
  const { state, effects } = after(...events)
  const all: Record<string, unknown> = { ...state, effects }
  expect(Object.fromEntries(Object.keys(expected).map((key) => [key, all[key]]))).toEqual(expected)
}

const open = [opened, loaded(version(7))]
const dirty = [...open, typed('name', 'Mine')]
const saving = [...dirty, saveAsked('m1')]
const lostAnswer = [...saving, refused('m1', UNREACHABLE)]
const behind = [...dirty, received(8, ['status'])]
const overlapping = [...dirty, received(8, ['name']), loaded(version(8, { name: 'Theirs' }))]
const write = (mutationId: string, changes: object, kind: 'save' | 'remove' = 'save', clientVersion = 7) => ({
  ...{ kind, mutationId, clientVersion, changes: changes as Record<string, unknown> },
})
const sent = (...asked: Parameters<typeof write>): RecordEffect[] => [
  { kind: 'write', mutation: write(...asked) },
]
const FADES: RecordEffect[] = [
  { kind: 'fade', what: 'highlight' },
  { kind: 'fade', what: 'notice' },
]
const kept = (fields: object, why: string, isHidden = false) =>
  ({ fields, why, isHidden }) as RecordState['kept']

describe('typing', () => {
  test('what equals the shown value is no edit, before the first load nothing is typed', () => {
    expectAfter(dirty, { draft: { name: 'Mine' }, status: 'dirty' })
    expectAfter([...dirty, typed('name', 'Bridge')], { draft: {}, status: 'clean' })
    expectAfter([opened, typed('name', 'Mine')], { draft: {}, status: 'loading' })
  })

  test('the shown value outlives the answer to another one that is on its way, and one that got none', () => {
    expectAfter([...saving, typed('name', 'Bridge')], { draft: { name: 'Bridge' } })
    expectAfter([...lostAnswer, typed('name', 'Bridge')], { draft: { name: 'Bridge' } })
    expectAfter([...saving, typed('status', 'planned')], { draft: { name: 'Mine' } })
  })

  test('takes away the error of its own field alone', () => {
    const errors = [
      { field: 'name', message: 'Too long.' },
      { field: 'name', message: 'Not this.' },
      { field: 'status', message: 'Unknown.' },
    ]
    const invalid = [...saving, refused('m1', { outcome: 'invalid', errors })]
    expectAfter(invalid, {
      errors: { name: 'Too long.', status: 'Unknown.' },
      ...{ draft: { name: 'Mine' }, writing: null, unanswered: null, status: 'dirty' },
    })
    expectAfter([...invalid, typed('name', 'Mine 2')], { errors: { status: 'Unknown.' } })
  })
})

describe('a load that fails', () => {
  test.each([
    ['not_found', { outcome: 'not_found' }],
    ['forbidden', { outcome: 'forbidden', problem: problem() }],
  ])('by %s takes the content away, and leaves what is typed', (_, refusal) => {
    const nothing = { record: null, latest: null, newer: null, conflict: null, notice: null, trouble: null }
    const over = { held: [], highlighted: [], reloading: false, merging: false, reviewing: false }
    expectAfter([...overlapping, { kind: 'review_asked' }, loadFailed(refusal)], {
      ...{ ...nothing, ...over, isRefused: true, status: 'forbidden', draft: { name: 'Mine' } },
      effects: [{ kind: 'forget_loads' }],
    })
  })

  test('leaves record and draft, and says what it is', () => {
    const still = { record: version(7), draft: { name: 'Mine' }, reloading: false }
    const reloading = [...dirty, received(8, null), { kind: 'reload_asked' } as const]
    expectAfter(reloading, { reloading: true, effects: [{ kind: 'load', when: 'now' }] })
    expectAfter([...reloading, loadFailed(GONE)], {
      ...{ ...still, status: 'gone', deletion: { version: 9, by: bob, at: 4, isOwn: false } },
    })
    expectAfter([...reloading, loadFailed({ outcome: 'unauthenticated' })], {
      ...{ ...still, trouble: { kind: 'signed_out' }, status: 'signed_out' },
    })
    expectAfter([...reloading, loadFailed(UNREACHABLE)], {
      ...{ ...still, trouble: { kind: 'unreachable', during: 'load' }, status: 'offline' },
    })
    expectAfter([...reloading, loadFailed({ outcome: 'failed', problem: problem() })], {
      ...{ ...still, trouble: { kind: 'failed', detail: 'It broke.', code: 'internal' }, status: 'behind' },
    })
  })

  test('is over with the next that succeeds; another trouble is not', () => {
    for (const refusal of [UNREACHABLE, { outcome: 'unauthenticated' }])
      expectAfter([...dirty, loadFailed(refusal), loaded(version(7))], { trouble: null, status: 'dirty' })
    const notAllowed = [...saving, refused('m1', { outcome: 'forbidden', problem: problem() })]
    expectAfter([...notAllowed, loaded(version(7))], { trouble: { kind: 'not_allowed' } })
    const broken = { outcome: 'failed', problem: problem() }
    for (const event of [loaded(version(7)), loadFailed(UNREACHABLE), loadFailed(broken)])
      expectAfter([...lostAnswer, event], {
        trouble: { kind: 'unreachable', during: 'save', isKept: false },
      })
  })
})

describe('a write that is refused', () => {
  const rest = { record: version(7), draft: { name: 'Mine' }, writing: null, next: null }

  test('without an answer is still the write, with what was asked for after it', () => {
    const next = [...saving, typed('status', 'done'), saveAsked('m2')]
    expectAfter([...next, refused('m1', UNREACHABLE, { isKept: true })], {
      ...{ draft: { name: 'Mine', status: 'done' }, writing: null, status: 'offline' },
      ...{ unanswered: write('m1', { name: 'Mine' }), next: { kind: 'save', mutationId: 'm2' } },
      trouble: { kind: 'unreachable', during: 'save', isKept: true },
    })
    expectAfter([...next, refused('m1', { outcome: 'unauthenticated' })], {
      ...{ draft: { name: 'Mine', status: 'done' }, writing: null, trouble: { kind: 'signed_out' } },
      ...{ unanswered: write('m1', { name: 'Mine' }), next: { kind: 'save', mutationId: 'm2' } },
    })
  })

  test.each([
    ['forbidden', { outcome: 'forbidden', problem: problem() }, { kind: 'not_allowed' }],
    [
      'failed',
      { outcome: 'failed', problem: problem() },
      { kind: 'failed', detail: 'It broke.', code: 'internal' },
    ],
  ] as const)('as %s leaves all that is typed', (_, refusal, trouble) => {
    expectAfter([...saving, refused('m1', refusal)], { ...rest, unanswered: null, trouble })
  })

  test('because nothing is there, or it was deleted, leaves what is typed', () => {
    expectAfter([...saving, refused('m1', { outcome: 'not_found' })], {
      ...{ ...rest, record: null, isRefused: true },
    })
    expectAfter([...saving, received(8, ['status']), refused('m1', GONE)], {
      ...{ ...rest, newer: null, status: 'gone', deletion: { version: 9, by: bob, at: 4, isOwn: false } },
    })
  })

  test('by a newer version brings that along, and both sides are looked at', () => {
    const refusal = conflict(version(8, { status: 'done' }))
    expectAfter([...saving, refused('m1', refusal)], {
      ...{ ...rest, latest: version(8, { status: 'done' }), conflict: refusal.problem, status: 'conflicted' },
      newer: { version: 8, by: bob, at: 4, isOwn: false, fieldsByVersion: {} },
    })
    expectAfter([...saving, received(9, null, { deleted: true }), refused('m1', refusal)], {
      ...{ ...rest, conflict: null, status: 'gone' },
    })
  })

  test('by an older version shows that the database went back: what is typed and was saved is set aside', () => {
    const twice = [
      ...saving,
      saved('m1', version(8, { name: 'Mine' })),
      typed('status', 'done'),
      saveAsked('m2'),
    ]
    expectAfter([...twice, refused('m2', conflict(version(6), 8))], {
      ...{ record: version(6), draft: {}, notice: { kind: 'restored' }, ownSaves: [] },
      kept: {
        ...{ fields: { name: 'Mine', status: 'done' }, why: 'restored', isHidden: false },
        lost: { fields: ['name'], at: 9 },
      },
    })
  })

  test('under another id is none of it; what was typed back to the shown value is no edit then', () => {
    expectAfter([...saving, refused('m0', GONE)], { writing: write('m1', { name: 'Mine' }), deletion: null })
    const back = [...saving, typed('name', 'Bridge')]
    expectAfter([...back, refused('m1', { outcome: 'invalid', errors: [] })], { draft: {}, status: 'clean' })
  })
})

describe('a save that is answered', () => {
  test('leaves what was typed meanwhile', () => {
    const more = [...saving, typed('status', 'done'), typed('name', 'Mine 2')]
    expectAfter([...more, saved('m1', version(8, { name: 'Mine' }))], {
      ...{ record: version(8, { name: 'Mine' }), draft: { status: 'done', name: 'Mine 2' } },
      ...{ writing: null, next: null, highlighted: [], status: 'dirty' },
      notice: { kind: 'saved', version: 8, merged: null },
      ownSaves: [{ version: 8, at: 9, changes: { name: 'Mine' } }],
      effects: [{ kind: 'fade', what: 'notice' }],
    })
  })

  test('is followed by the save, or the removal, that was asked for meanwhile', () => {
    const answer = saved('m1', version(8, { name: 'Mine' }))
    const notice: RecordEffect = { kind: 'fade', what: 'notice' }
    const more = [...saving, typed('status', 'done'), saveAsked('m2')]
    expectAfter([...more, answer], {
      ...{ writing: write('m2', { status: 'done' }, 'save', 8), next: null },
      effects: [...sent('m2', { status: 'done' }, 'save', 8), notice],
    })
    const removal = [...lostAnswer, removeAsked('m3')]
    expectAfter(removal, {
      effects: sent('m1', { name: 'Mine' }),
      next: { kind: 'remove', mutationId: 'm3' },
    })
    expectAfter([...removal, answer], { effects: [...sent('m3', {}, 'remove', 8), notice] })
    expectAfter([...more, received(9, null, { deleted: true }), answer], { writing: null, status: 'gone' })
  })

  test('says which fields of others came with it, and by whom', () => {
    const merged = saved('m1', version(9, { name: 'Mine', status: 'done' }), ['status'])
    expectAfter([...saving, merged], {
      ...{ highlighted: ['status'], effects: FADES },
      notice: { kind: 'saved', version: 9, merged: { fields: ['status'], by: bob, isOne: true } },
    })
    expectAfter([...saving, saved('m1', version(10, { name: 'Mine', status: 'done' }), ['status'])], {
      notice: { kind: 'saved', version: 10, merged: { fields: ['status'], by: bob, isOne: false } },
    })
  })

  test('with an older version than is shown changes what is typed alone', () => {
    expectAfter(
      [...saving, typed('status', 'done'), loaded(version(9)), saved('m1', version(8, { name: 'Mine' }))],
      {
        ...{ record: version(8, { name: 'Mine' }), draft: { status: 'done' }, status: 'behind' },
        newer: { version: 9, by: bob, at: 5, isOwn: false, fieldsByVersion: {} },
      },
    )
  })

  test('under another id is none of it', () => {
    expectAfter([...saving, saved('m0', version(8))], {
      writing: write('m1', { name: 'Mine' }),
      record: version(7),
    })
  })

  test('after access has gone keeps what was typed since, out of the sight of the record', () => {
    const gone = [...saving, typed('status', 'done'), { kind: 'revoked' } as const]
    expectAfter([...gone, saved('m1', version(8, { name: 'Mine' }))], {
      ...{ record: null, draft: { status: 'done' }, writing: null, next: null, status: 'forbidden' },
      held: [{ version: 8, changedFields: null, by: bob, at: 0, isOwn: true, deleted: false }],
    })
    expectAfter([...gone, saved('m1', version(8, { name: 'Mine' })), loaded(version(8, { name: 'Mine' }))], {
      ...{ record: version(8, { name: 'Mine' }), draft: {}, isRefused: false },
      kept: kept({ status: 'done' }, 'access'),
    })
  })
})

describe('what is sent', () => {
  test('is all that is typed, on the shown version; without edits nothing is', () => {
    expectAfter(saving, {
      ...{ effects: sent('m1', { name: 'Mine' }), status: 'saving', notice: null, trouble: null, errors: {} },
    })
    expectAfter([...open, saveAsked('m1')], { effects: [], writing: null })
    expectAfter([...saving, saveAsked('m2')], { effects: [], next: null })
    expectAfter([...saving, typed('status', 'done'), saveAsked('m2')], {
      ...{ effects: [], next: { kind: 'save', mutationId: 'm2' } },
    })
  })

  test('after an answer was lost is that save again under its own id, and the rest after it', () => {
    expectAfter([...lostAnswer, saveAsked('m2')], {
      ...{ effects: sent('m1', { name: 'Mine' }), next: null, unanswered: null, trouble: null },
    })
    expectAfter([...lostAnswer, typed('status', 'done'), saveAsked('m2')], {
      ...{ effects: sent('m1', { name: 'Mine' }), next: { kind: 'save', mutationId: 'm2' } },
    })
    expectAfter([...lostAnswer, { kind: 'resume_asked' }], {
      effects: sent('m1', { name: 'Mine' }),
      next: null,
    })
    expectAfter([...dirty, { kind: 'resume_asked' }], { effects: [], writing: null })
  })

  test('for a removal is the lost save first, or the lost removal again', () => {
    expectAfter([...open, removeAsked('m1')], { effects: sent('m1', {}, 'remove'), next: null })
    expectAfter([...open, removeAsked('m1'), refused('m1', UNREACHABLE), removeAsked('m2')], {
      ...{ effects: sent('m1', {}, 'remove'), next: null },
    })
    expectAfter([opened, removeAsked('m1')], { effects: [], writing: null })
    expectAfter([...open, removeAsked('m1'), { kind: 'removed', mutationId: 'm1', at: 6 }], {
      ...{ deletion: { version: 8, by: null, at: 6, isOwn: true }, writing: null, status: 'gone' },
      ...{ newer: null, latest: null, held: [] },
    })
    expectAfter([...open, removeAsked('m1'), { kind: 'removed', mutationId: 'm0', at: 6 }], {
      deletion: null,
    })
  })
})

describe('what is set aside', () => {
  const reloaded = [...overlapping, { kind: 'reload_asked' } as const]

  test('by a reload can be restored: all of it, or some', () => {
    expectAfter(reloaded, {
      ...{ record: version(8, { name: 'Theirs' }), draft: {}, kept: kept({ name: 'Mine' }, 'reloaded') },
      ...{
        newer: null,
        latest: null,
        highlighted: ['name'],
        notice: { kind: 'loaded', version: 8 },
        effects: FADES,
      },
    })
    expectAfter([...reloaded, { kind: 'restore_asked' }], {
      draft: { name: 'Mine' },
      kept: null,
      notice: null,
    })
    const two = [...dirty, typed('status', 'done'), { kind: 'revert_asked' } as const]
    expectAfter(two, { draft: {}, kept: kept({ name: 'Mine', status: 'done' }, 'reverted'), status: 'clean' })
    expectAfter([...two, { kind: 'restore_asked', fields: ['status'] }], {
      ...{ draft: { status: 'done' }, kept: kept({ name: 'Mine' }, 'reverted') },
    })
  })

  test('changes places with what was typed meanwhile, and what equals the shown value is no edit', () => {
    expectAfter([...reloaded, typed('name', 'Later'), { kind: 'restore_asked' }], {
      ...{ draft: { name: 'Mine' }, kept: kept({ name: 'Later' }, 'reloaded') },
    })
    expectAfter([...reloaded, loaded(version(9, { name: 'Mine' })), { kind: 'restore_asked' }], {
      ...{ draft: {}, kept: null, status: 'clean' },
    })
    expectAfter([...open, { kind: 'restore_asked' }], { draft: {}, kept: null })
  })

  test('twice is both, the later over the earlier', () => {
    const again = [...reloaded, typed('name', 'Later'), typed('status', 'done')]
    expectAfter([...again, { kind: 'revert_asked' }], {
      kept: kept({ name: 'Later', status: 'done' }, 'reverted'),
    })
    expectAfter([...reloaded, typed('status', 'done'), { kind: 'revert_asked' }], {
      kept: kept({ name: 'Mine', status: 'done' }, 'reverted'),
    })
  })

  test('by a discard is offered when the record is opened again', () => {
    const discarded = [...lostAnswer, { kind: 'revert_asked', isDiscard: true } as const]
    expectAfter(discarded, {
      ...{ draft: {}, kept: kept({ name: 'Mine' }, 'discarded', true), unanswered: null, next: null },
    })
    expectAfter([...discarded, opened], { kept: kept({ name: 'Mine' }, 'discarded') })
  })

  test('while both sides are looked at only by a discard', () => {
    const reviewing = [...overlapping, { kind: 'review_asked' } as const]
    expectAfter([...reviewing, { kind: 'revert_asked' }], { draft: { name: 'Mine' }, reviewing: true })
    expectAfter([...reviewing, { kind: 'revert_asked', isDiscard: true }], {
      ...{ draft: {}, reviewing: false, conflict: null, kept: kept({ name: 'Mine' }, 'discarded', true) },
    })
  })

  test('is hidden by a dismissal, and stays', () => {
    expectAfter([...reloaded, { kind: 'faded', what: 'notice' }, { kind: 'dismissed' }], {
      kept: kept({ name: 'Mine' }, 'reloaded', true),
    })
    expectAfter([...behind, { kind: 'dismissed' }], { dismissed: 8, draft: { name: 'Mine' } })
    expectAfter([...behind, { kind: 'dismissed' }, { kind: 'show_asked' }], { dismissed: 0 })
    expectAfter([...lostAnswer, { kind: 'dismissed' }], {
      trouble: null,
      unanswered: write('m1', { name: 'Mine' }),
    })
  })
})

describe('a newer version and what is typed', () => {
  test('go together where they do not overlap', () => {
    const asked = [...behind, { kind: 'merge_asked' } as const]
    expectAfter(asked, { merging: true, draft: { name: 'Mine' }, effects: [{ kind: 'load', when: 'now' }] })
    expectAfter([...asked, loaded(version(8, { status: 'done' }))], {
      ...{ record: version(8, { status: 'done' }), draft: { name: 'Mine' }, merging: false, status: 'dirty' },
      ...{ highlighted: ['status'], notice: { kind: 'merged', version: 8 }, newer: null, effects: FADES },
    })
    expectAfter([...dirty, { kind: 'merge_asked' }], { merging: false, draft: { name: 'Mine' } })
  })

  test('are looked at side by side where they overlap', () => {
    expectAfter([...overlapping, { kind: 'merge_asked' }], {
      ...{
        reviewing: true,
        merging: false,
        draft: { name: 'Mine' },
        record: version(7),
        status: 'conflicted',
      },
    })
    expectAfter([...behind, { kind: 'review_asked' }], {
      reviewing: true,
      effects: [{ kind: 'load', when: 'now' }],
    })
    expectAfter([...open, { kind: 'review_asked' }], { reviewing: false })
    expectAfter([...overlapping, { kind: 'review_asked' }, { kind: 'conflict_closed' }], {
      ...{
        reviewing: false,
        draft: { name: 'Mine' },
        status: 'behind',
        latest: version(8, { name: 'Theirs' }),
      },
    })
  })

  test('are decided field by field: what is given up is set aside, hidden', () => {
    const both = [
      ...dirty,
      typed('status', 'done'),
      received(8, null),
      loaded(version(8, { name: 'Theirs' })),
    ]
    const asked = [...both, { kind: 'review_asked' } as const]
    const theirs = resolved({ theirs: ['name'], mutationId: 'm1' })
    expectAfter([...asked, theirs], {
      ...{ record: version(8, { name: 'Theirs' }), draft: { status: 'done' }, reviewing: false },
      ...{ kept: kept({ name: 'Mine' }, 'resolved', true) },
      effects: [...FADES, ...sent('m1', { status: 'done' }, 'save', 8)],
    })
    expectAfter([...asked, resolved({ edited: { name: 'Ours' } })], {
      ...{
        draft: { name: 'Ours', status: 'done' },
        kept: kept({ name: 'Mine' }, 'resolved', true),
        writing: null,
      },
    })
    expectAfter([...asked, resolved({ mutationId: 'm1' })], {
      ...{ draft: { name: 'Mine', status: 'done' }, kept: null },
      effects: [...FADES, ...sent('m1', { name: 'Mine', status: 'done' }, 'save', 8)],
    })
    expectAfter([...asked, resolved({ version: 9, theirs: ['name'] })], {
      draft: { name: 'Mine', status: 'done' },
    })
    expectAfter(
      [...overlapping, { kind: 'review_asked' }, resolved({ theirs: ['name'], mutationId: 'm1' })],
      {
        draft: {},
        writing: null,
      },
    )
  })

  test('that fit together by themselves set nothing aside', () => {
    const merged = { fields: ['name'], by: bob, isOne: true }
    const own = resolved({ edited: { name: 'Both' }, mutationId: 'm1', merged })
    expectAfter([...overlapping, { kind: 'review_asked' }, own], {
      ...{ kept: null, draft: { name: 'Both' } },
      effects: [
        ...FADES,
        { kind: 'write', mutation: { ...write('m1', { name: 'Both' }, 'save', 8), merged } },
      ],
    })
  })

  test('count by their versions, in whatever order they arrive', () => {
    expectAfter([...dirty, received(9, ['status']), received(8, ['name'])], {
      newer: {
        ...{ version: 9, by: bob, at: 3, isOwn: false },
        fieldsByVersion: { 8: ['name'], 9: ['status'] },
      },
    })
    expectAfter([...dirty, received(7, ['status']), received(6, ['status'])], {
      newer: null,
      status: 'dirty',
    })
    expectAfter([...dirty, received(6, null, { deleted: true })], { deletion: null })
    expectAfter([...overlapping, received(9, null, { deleted: true })], {
      ...{ deletion: { version: 9, by: bob, at: 3, isOwn: false }, draft: { name: 'Mine' }, newer: null },
    })
    expectAfter([...open, received(8, ['status'])], { effects: [{ kind: 'load', when: 'soon' }] })
    expectAfter([...open, received(6, null, { isAnswer: true })], {
      effects: [{ kind: 'load', when: 'now' }],
    })
  })

  test('that was deleted and is there again is loaded', () => {
    const deleted = [...dirty, received(8, null, { deleted: true })]
    expectAfter([...deleted, received(8, null)], { effects: [], status: 'gone' })
    expectAfter([...deleted, received(9, null)], { effects: [{ kind: 'load', when: 'now' }] })
    expectAfter([...deleted, loaded(version(8))], { status: 'gone', draft: { name: 'Mine' } })
    expectAfter([...deleted, loaded(version(9))], {
      deletion: null,
      draft: { name: 'Mine' },
      status: 'behind',
    })
    expectAfter([...deleted, { kind: 'recreated' }], { draft: {}, kept: null, unanswered: null })
  })
})

describe('edits of an earlier page', () => {
  const edits = { base: version(7), draft: { name: 'Before' }, kept: null, unanswered: null, next: null }
  const recalled = (more = {}): RecordStateEvent => ({ kind: 'recalled', edits: { ...edits, ...more } })

  test('come back on their own version, with the write that got no answer', () => {
    const unanswered = write('m0', { name: 'Before' })
    const next = { kind: 'save', mutationId: 'm9' } as const
    expectAfter([recalled({ unanswered, next })], {
      ...{ record: version(7), draft: { name: 'Before' }, unanswered, next, notice: { kind: 'recalled' } },
      effects: [{ kind: 'fade', what: 'notice' }],
    })
    expectAfter([recalled(), received(8, ['name'])], { status: 'behind', draft: { name: 'Before' } })
  })

  test('are set aside where something else is typed, or another version is shown', () => {
    expectAfter([...dirty, recalled()], {
      draft: { name: 'Mine' },
      kept: kept({ name: 'Before' }, 'recalled'),
    })
    expectAfter([opened, loaded(version(8)), recalled()], {
      ...{ draft: {}, kept: kept({ name: 'Before' }, 'recalled') },
    })
    expectAfter([...dirty, recalled({ draft: { name: 'Mine' } })], { kept: null })
    const both = [...dirty, { kind: 'revert_asked' } as const, typed('status', 'done')]
    expectAfter([...both, recalled({ draft: { name: 'Before', notes: 'x' } })], {
      ...{ draft: { status: 'done' }, kept: kept({ name: 'Mine', notes: 'x' }, 'recalled') },
    })
  })

  test('without access go under what is typed', () => {
    const revoked = [...dirty, { kind: 'revoked' } as const]
    expectAfter([...revoked, recalled({ draft: { name: 'Before', status: 'done' } })], {
      draft: { name: 'Mine', status: 'done' },
    })
  })

  test('that were set aside are kept beside those of this page', () => {
    const theirs = kept({ name: 'Older', notes: 'x' }, 'reloaded')
    expectAfter([...dirty, { kind: 'revert_asked' }, recalled({ draft: {}, kept: theirs })], {
      kept: kept({ name: 'Mine', notes: 'x' }, 'reverted'),
    })
    expectAfter([...open, recalled({ kept: theirs })], { draft: { name: 'Before' }, kept: theirs })
  })
})

test('everything unsaved goes at the user’s own request, and nothing else', () => {
  expectAfter([...lostAnswer, { kind: 'discarded' }], {
    ...{
      draft: {},
      kept: null,
      unanswered: null,
      next: null,
      trouble: null,
      record: version(7),
      status: 'clean',
    },
  })
  expectAfter([...dirty, loadFailed(UNREACHABLE), { kind: 'discarded' }], {
    ...{ draft: {}, trouble: { kind: 'unreachable', during: 'load' } },
  })
  expectAfter([...saving, { kind: 'discarded' }], {
    draft: { name: 'Mine' },
    writing: write('m1', { name: 'Mine' }),
  })
})

describe('a database that went back', () => {
  const mine = [...saving, saved('m1', version(8, { name: 'Mine' })), { kind: 'history_changed' } as const]

  test('is found out by a load that was sent after the newest version was known', () => {
    expectAfter(mine, { isUnsure: true, effects: [{ kind: 'forget_loads' }, { kind: 'load', when: 'now' }] })
    expectAfter([...mine, loaded(version(7), { since: 8 })], {
      ...{ record: version(7), ownSaves: [], isUnsure: false, highlighted: ['name'] },
      kept: {
        ...{ fields: { name: 'Mine' }, why: 'restored', isHidden: false },
        lost: { fields: ['name'], at: 9 },
      },
      effects: FADES,
    })
    expectAfter([...mine, loaded(version(7), { since: 7 })], {
      record: version(8, { name: 'Mine' }),
      kept: null,
    })
  })

  test('whose newer version is not there any more shows what it showed', () => {
    expectAfter([...behind, loaded(version(7), { since: 8 })], {
      ...{ record: version(7), newer: null, latest: null, draft: { name: 'Mine' }, status: 'dirty' },
    })
  })

  test('offers own saves that its history lacks', () => {
    const { state } = after(...mine, loaded(version(12), { since: 8 }))
    const lost = nextRecordState(state, { kind: 'saves_lost', saves: state.ownSaves })
    expect(lost.state.ownSaves).toEqual([])
    expect(lost.state.kept).toEqual({
      ...{ fields: { name: 'Mine' }, why: 'restored', isHidden: false },
      lost: { fields: ['name'], at: 9 },
    })
    expectAfter([...mine, { kind: 'saves_lost', saves: [] }], { kept: null })
  })
})
