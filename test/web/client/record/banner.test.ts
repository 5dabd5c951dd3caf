// What the banner says and offers, for each thing that can be so.

import { expect, test } from 'vitest'
import type { Writer } from '../../../../server/protocol/index.ts'
import { bannerFor } from '../../../../web/client/record/banner.ts'
import { nextRecordState } from '../../../../web/client/record/reducer.ts'
import { newerFields } from '../../../../web/client/record/remote-versions.ts'
import {
  initialRecordState,
  type NewerVersion,
  type RecordState,
} from '../../../../web/client/record/state.ts'
import { createWords, type MessagesPatch } from '../../../../web/client/words/messages.ts'

const NOW = Date.UTC(2026, 10, 21, 9, 30)
const bob: Writer = { id: 'u2', name: 'Bob', kind: 'user' }

const clean: RecordState = {
  ...initialRecordState,
  status: 'clean',
  record: {
    type: 'project',
    id: '1',
    version: 7,
    updated_at: '2026-11-21T09:00:00.000000Z',
    updated_by: bob,
    fields: { name: 'Bridge', due_on: null },
  },
}

const newer = (by: Writer | null, fields: string[], more: Partial<NewerVersion> = {}): NewerVersion => ({
  version: 8,
  by,
  at: NOW - 5000,
  isOwn: false,
  fieldsByVersion: { 8: fields },
  ...more,
})

const dirty = (more: Partial<RecordState>): RecordState => ({
  ...clean,
  status: 'behind',
  draft: { name: 'Mine' },
  ...more,
})

function said(state: RecordState, messages?: MessagesPatch, locale?: string) {
  const banner = bannerFor(state, NOW, createWords(messages, locale))
  return (
    banner && {
      text: banner.parts.map(({ text }) => text).join(''),
      buttons: banner.buttons.map(({ action }) => action),
    }
  )
}

test('nothing is said where nothing is to be said', () => {
  expect(said(clean)).toBeNull()
  expect(
    said(
      dirty({ status: 'saving', writing: { kind: 'save', mutationId: 'm', clientVersion: 7, changes: {} } }),
    ),
  ).toBeNull()
})

test('fields that do not overlap', () => {
  expect(said(dirty({ newer: newer(bob, ['due_on']) }))).toEqual({
    text: 'Updated by Bob 5 s ago: Due on. Your edits don’t overlap.',
    buttons: ['merge', 'reload', 'dismiss'],
  })
})

test('fields that both changed are named alone', () => {
  expect(said(dirty({ newer: newer(bob, ['name', 'due_on']) }))?.text).toBe(
    'Updated by Bob 5 s ago. You both changed: Name.',
  )
})

test('fields that are unknown', () => {
  expect(said(dirty({ newer: newer(bob, [], { version: 9 }) }))?.text).toBe('Updated by Bob 5 s ago.')
})

test('programs and hands are named for what they are', () => {
  const text = (by: Writer | null) => said(dirty({ newer: newer(by, ['due_on']) }))?.text
  expect(text({ id: 'i', name: 'clients.csv', kind: 'import' })).toContain(
    'Updated by import ‘clients.csv’ 5 s ago',
  )
  expect(text({ id: 'postgres', name: 'postgres', kind: 'database' })).toContain(
    'Updated outside the app (postgres) 5 s ago',
  )
  expect(text({ id: 's', name: 'billing', kind: 'service' })).toContain('Updated by billing')
  expect(text(null)).toContain('Updated by someone')
})

test('a dismissed version is not shown again', () => {
  expect(said(dirty({ newer: newer(bob, ['due_on']), dismissed: 8 }))).toBeNull()
})

test('a name is text, whatever it looks like', () => {
  const trickster = { ...bob, name: '{fields} <b>{time}</b>' }
  expect(said(dirty({ newer: newer(trickster, ['due_on']) }))?.text).toContain(
    'Updated by {fields} <b>{time}</b> 5 s ago',
  )
})

test('a deletion offers the edits for copying, and says nothing of saving where nothing is typed', () => {
  const deletion = { version: 8, by: bob, at: NOW, isOwn: false }
  expect(said(dirty({ status: 'gone', deletion }))?.buttons).toEqual(['copy'])
  expect(said({ ...clean, status: 'gone', deletion })).toEqual({ text: 'Deleted by Bob.', buttons: [] })
})

test('no more than three buttons, and never the destructive one first', () => {
  const states: Partial<RecordState>[] = [
    { newer: newer(bob, ['name']) },
    { kept: { fields: { name: 'x' }, why: 'reloaded', isHidden: false } },
    { trouble: { kind: 'unreachable', during: 'save' } },
    { trouble: { kind: 'unreachable', during: 'load' } },
    { trouble: { kind: 'not_allowed' } },
    { trouble: { kind: 'failed', detail: 'No.' } },
    { trouble: { kind: 'signed_out' } },
    { isRefused: true },
  ]
  for (const state of states) {
    const banner = said(dirty(state))
    expect(banner?.text).toMatch(/\.$/)
    expect(banner?.buttons.length).toBeLessThanOrEqual(3)
    expect(banner?.buttons[0]).not.toBe('dismiss')
  }
})

test('another language brings its own plurals', () => {
  const many = newer(bob, ['a', 'b', 'c', 'd', 'e'])
  expect(said(dirty({ newer: many }))?.text).toContain(': A, B, C and 2 more fields.')
  const polish = { moreFields: { one: 'i {count} pole', few: 'i {count} pola', other: 'i {count} pól' } }
  expect(said(dirty({ newer: many }), polish, 'pl')?.text).toContain('A, B, C i 2 pola')
})

test('an event that stands for several versions names what all of them changed', () => {
  const changedFields = ['status', 'notes']
  const remote = { version: 12, changedFields, by: bob, at: NOW, isOwn: false, deleted: false }
  const after = (more: object) =>
    nextRecordState(dirty({ status: 'dirty' }), { kind: 'version_received', remote: { ...remote, ...more } })
  expect(newerFields(after({ previousVersion: 7 }).state)).toEqual(['status', 'notes'])
  expect(after({ previousVersion: 7 }).effects).toEqual([])
  expect(newerFields(after({}).state)).toBe(null)
  expect(newerFields(after({ previousVersion: 9 }).state)).toBe(null)
})
