// The races that an editor meets, one by one, in the order in which they were first seen to go wrong.

import { expect, test } from 'vitest'
import type { StaleProblem, WireRecord, Writer } from '../../../../server/protocol/index.ts'
import { nextRecordState } from '../../../../web/client/record/reducer.ts'
import { newerFields } from '../../../../web/client/record/remote-versions.ts'
import {
  canSave,
  initialRecordState,
  type RecordEffect,
  type RecordState,
  type RecordStateEvent,
  valuesOf,
} from '../../../../web/client/record/state.ts'
import type { RemoteVersion } from '../../../../web/client/transport/transport.ts'

const bob: Writer = { id: 'u2', name: 'Bob', kind: 'user' }

const version = (number: number, fields: Record<string, unknown> = {}): WireRecord => ({
  type: 'project',
  id: '1',
  version: number,
  updated_at: '2026-11-21T09:30:00.000000Z',
  updated_by: bob,
  fields: { name: 'Bridge', status: 'planned', ...fields },
})

const loaded = (record: WireRecord): RecordStateEvent => ({ kind: 'loaded', record, at: 0, isOwn: false })
const typed = (field: string, value: unknown): RecordStateEvent => ({ kind: 'typed', field, value })
const received = (
  number: number,
  changedFields: string[] | null,
  more: Partial<RemoteVersion> = {},
): RecordStateEvent => ({
  kind: 'version_received',
  remote: { version: number, changedFields, by: bob, at: 0, isOwn: false, deleted: false, ...more },
})
const saved = (mutationId: string, record: WireRecord): RecordStateEvent => ({
  kind: 'saved',
  mutationId,
  record,
  mergedFields: [],
})
const unreachable = { outcome: 'unreachable', retryAfterMs: null, detail: '' } as const

function refusedByBob(mutationId: string, current: WireRecord): RecordStateEvent {
  const problem: StaleProblem = {
    type: 'urn:noclobber:stale-record',
    title: '',
    status: 409,
    code: 'stale_record',
    detail: '',
    client_version: current.version - 1,
    current_version: current.version,
    changed_fields: ['status'],
    updated_at: current.updated_at,
    updated_by: bob,
    current,
  }
  return { kind: 'write_refused', mutationId, refusal: { outcome: 'conflict', problem }, at: 0 }
}

function after(...stateEvents: RecordStateEvent[]): RecordState & { effects: RecordEffect[] } {
  let state = initialRecordState
  let effects: RecordEffect[] = []
  for (const stateEvent of stateEvents) ({ state, effects } = nextRecordState(state, stateEvent))
  return { ...state, effects }
}

const opened: RecordStateEvent[] = [{ kind: 'opened' }, loaded(version(7))]
const dirty = [...opened, typed('name', 'Mine')]
const saving: RecordStateEvent[] = [...dirty, { kind: 'save_asked', mutationId: 'm1' }]

test('a clean record loads what is newer quietly, and its changed fields are highlighted', () => {
  expect(after(...opened, received(8, ['status'])).effects).toEqual([{ kind: 'load', when: 'soon' }])
  const state = after(...opened, received(8, ['status']), loaded(version(8, { status: 'done' })))
  expect(state).toMatchObject({
    status: 'clean',
    highlighted: ['status'],
    notice: { kind: 'updated', by: bob },
  })
})

test('a load that resolves after a newer event is shown, and the newer version is still known', () => {
  const state = after(...opened, received(9, ['name']), loaded(version(8, { status: 'done' })))
  expect(state).toMatchObject({ status: 'behind', record: { version: 8 }, newer: { version: 9 } })
  expect(state.effects).toContainEqual({ kind: 'load', when: 'soon' })
})

test('a loaded version older than the shown one is dropped', () => {
  expect(after(...opened, loaded(version(6))).record?.version).toBe(7)
})

test('an event before the first load is not forgotten', () => {
  const state = after({ kind: 'opened' }, received(8, ['name']), loaded(version(7)))
  expect(state).toMatchObject({ status: 'behind', newer: { version: 8 } })
})

test('a newer version touches nothing that is typed', () => {
  const state = after(...dirty, received(8, ['status']))
  expect(state).toMatchObject({ status: 'behind', draft: { name: 'Mine' }, record: { version: 7 } })
  expect(newerFields(state)).toEqual(['status'])
})

test('a version without its event makes the changed fields unknown until the record is looked at', () => {
  const state = after(...dirty, received(9, ['status']))
  expect(newerFields(state)).toBeNull()
  expect(state.effects).toEqual([{ kind: 'load', when: 'soon' }])
  expect(newerFields(after(...dirty, received(9, ['status']), received(8, ['name'])))).toEqual([
    'name',
    'status',
  ])
  expect(
    newerFields(after(...dirty, received(9, ['status']), loaded(version(9, { name: 'Theirs' })))),
  ).toEqual(['name'])
})

test('an own save in flight while its event arrives first is not a newer version', () => {
  const state = after(...saving, received(8, ['name']), saved('m1', version(8, { name: 'Mine' })))
  expect(state).toMatchObject({ status: 'clean', newer: null, record: { version: 8 } })
})

test('a foreign event between my commit and its answer is a newer version after it', () => {
  const state = after(...saving, received(9, ['status']), saved('m1', version(8, { name: 'Mine' })))
  expect(state).toMatchObject({ status: 'behind', record: { version: 8 }, newer: { version: 9 } })
})

test('what is typed while a save is in flight stays dirty', () => {
  const state = after(...saving, typed('name', 'Mine, longer'), saved('m1', version(8, { name: 'Mine' })))
  expect(state).toMatchObject({ status: 'dirty', draft: { name: 'Mine, longer' } })
})

test('typing the old value back while a save is in flight is an edit of what was saved', () => {
  const state = after(...saving, typed('name', 'Bridge'), saved('m1', version(8, { name: 'Mine' })))
  expect(state).toMatchObject({ status: 'dirty', draft: { name: 'Bridge' } })
})

test('a double click saves once, and text typed between two clicks is saved next', () => {
  expect(after(...saving, { kind: 'save_asked', mutationId: 'm2' })).toMatchObject({
    next: null,
    effects: [],
  })
  const state = after(
    ...saving,
    typed('status', 'done'),
    { kind: 'save_asked', mutationId: 'm2' },
    saved('m1', version(8, { name: 'Mine' })),
  )
  expect(state.writing).toEqual({
    kind: 'save',
    mutationId: 'm2',
    clientVersion: 8,
    changes: { status: 'done' },
  })
})

test('the retry of a lost answer is the same mutation, and what was typed since follows it', () => {
  const lost: RecordStateEvent[] = [
    ...saving,
    { kind: 'write_refused', mutationId: 'm1', refusal: unreachable, at: 0 },
  ]
  expect(after(...lost)).toMatchObject({ status: 'offline', draft: { name: 'Mine' } })
  expect(after(...lost, { kind: 'save_asked', mutationId: 'm2' }).writing?.mutationId).toBe('m1')
  const changed = after(...lost, typed('name', 'Other'), { kind: 'save_asked', mutationId: 'm2' })
  expect(changed).toMatchObject({
    writing: { mutationId: 'm1', changes: { name: 'Mine' } },
    next: { mutationId: 'm2' },
  })
})

test('a removal after a save without an answer waits for the answer to that save', () => {
  const asked: RecordStateEvent[] = [
    ...saving,
    { kind: 'write_refused', mutationId: 'm1', refusal: unreachable, at: 0 },
    { kind: 'remove_asked', mutationId: 'm2' },
  ]
  expect(after(...asked).writing?.mutationId).toBe('m1')
  const answered = after(...asked, saved('m1', version(8, { name: 'Mine' })))
  expect(answered.writing).toMatchObject({ kind: 'remove', mutationId: 'm2', clientVersion: 8 })
})

test('a refused save shows its conflict alone, and reloading needs no other request', () => {
  const refused = [...saving, refusedByBob('m1', version(8, { status: 'done' }))]
  expect(after(...refused)).toMatchObject({ status: 'conflicted', draft: { name: 'Mine' } })
  const reloaded = after(...refused, { kind: 'reload_asked' })
  expect(reloaded).toMatchObject({
    status: 'clean',
    record: { version: 8 },
    kept: { fields: { name: 'Mine' } },
  })
  const restored = after(...refused, { kind: 'reload_asked' }, { kind: 'restore_asked' })
  expect(restored).toMatchObject({ status: 'dirty', kept: null })
  expect(valuesOf(restored)).toEqual({ name: 'Mine', status: 'done' })
})

test('a failing reload after a refused save changes nothing', () => {
  const state = after(
    ...saving,
    refusedByBob('m1', version(8)),
    received(9, ['name']),
    { kind: 'reload_asked' },
    { kind: 'load_failed', refusal: unreachable, at: 0 },
  )
  expect(state).toMatchObject({ status: 'conflicted', draft: { name: 'Mine' }, reloading: false })
})

test('a closed conflict is a newer version again, and the save stays guarded', () => {
  const state = after(...saving, refusedByBob('m1', version(8, { status: 'done' })), {
    kind: 'conflict_closed',
  })
  expect(state).toMatchObject({ status: 'behind', conflict: null, newer: { version: 8 } })
  expect(newerFields(state)).toEqual(['status'])
  expect(canSave(state)).toBe(true)
})

test('a session that ends in mid-edit keeps everything, and saving works after the sign-in', () => {
  const ended: RecordStateEvent[] = [
    ...saving,
    { kind: 'write_refused', mutationId: 'm1', refusal: { outcome: 'unauthenticated' }, at: 0 },
  ]
  expect(after(...ended)).toMatchObject({
    status: 'signed_out',
    draft: { name: 'Mine' },
    record: { version: 7 },
  })
  expect(after(...ended, loaded(version(7)))).toMatchObject({ status: 'dirty', draft: { name: 'Mine' } })
})

test('a deletion keeps what was typed and takes no save', () => {
  const state = after(...dirty, received(8, [], { deleted: true }))
  expect(state).toMatchObject({ status: 'gone', draft: { name: 'Mine' } })
  expect(canSave(state)).toBe(false)
  expect(after(...dirty, received(8, [], { deleted: true }), loaded(version(7))).status).toBe('gone')
})

test('when access goes the content goes, late answers bring it not back, and edits can be copied', () => {
  const state = after(...dirty, { kind: 'revoked' })
  expect(state).toMatchObject({ status: 'forbidden', record: null, draft: { name: 'Mine' } })
  expect(state.effects).toEqual([{ kind: 'forget_loads' }])
})

test('restoring over something typed since makes the two change places', () => {
  const state = after(...dirty, { kind: 'reload_asked' }, loaded(version(8)), typed('name', 'Newer'), {
    kind: 'restore_asked',
  })
  expect(state).toMatchObject({ draft: { name: 'Mine' }, kept: { fields: { name: 'Newer' } } })
})

test('a dismissed version is not spoken of again, and the next one is', () => {
  const dismissed: RecordStateEvent[] = [...dirty, received(8, ['status']), { kind: 'dismissed' }]
  expect(after(...dismissed)).toMatchObject({ dismissed: 8, status: 'behind' })
  expect(after(...dismissed, received(9, ['name']))).toMatchObject({ dismissed: 8, newer: { version: 9 } })
})
