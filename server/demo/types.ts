// The demo's record types: which fields a person may write, what a valid value is, and who may do what.
// Defaults are for creation alone. Invariant: tenant, key, version and audit columns are no fields, so nothing that a
// client sends can set them.
import { defineRecordType } from 'noclobber/server'
import { z } from 'zod'
import { isClosed } from './access.ts'
import type { Person } from './people.ts'

/** What the record server asks before anything is read or written. Tenants are kept apart by the server itself. */
const can = (person: Person, action: string): boolean =>
  person.role === 'editor' || action === 'read' || (action === 'propose' && person.role === 'proposer')

const canProject = (person: Person, action: string, project: { id: string }): boolean =>
  can(person, action) && !isClosed(person, project)

const text = (most: number) => z.string().max(most, `At most ${most} characters`)
const someText = (most: number) =>
  z.string({ error: 'Must not be empty' }).max(most, `At most ${most} characters`).min(1, 'Must not be empty')
const day = z.iso.date('Must be a date, like 2026-11-21').nullable().default(null)
const parentId = z
  .union([z.int(), z.string().regex(/^[1-9]\d{0,9}$/)])
  .transform(Number)
  .pipe(z.int().min(1).max(2_147_483_647))

/** Cents fit exactly: a budget is numeric(12,2). */
const money = z
  .number('Must be a number')
  .min(0, 'Must be 0 or more')
  .max(9_999_999_999.99, 'Must be less than 10 billion')
  .multipleOf(0.01, 'At most two decimal places')
const hours = z
  .number('Must be a number')
  .min(0, 'Must be 0 or more')
  .max(9_999.9, 'Must be less than 10,000')
  .multipleOf(0.1, 'At most one decimal place')

export const project = defineRecordType('project', {
  table: 'projects',
  fields: {
    name: someText(200),
    number: text(20).default(''),
    client: text(200).default(''),
    status: z.enum(['planned', 'active', 'on_hold', 'done']).default('planned'),
    starts_on: day,
    ends_on: day,
    budget: money.nullable().default(null),
    description: text(10_000).default(''),
    notes: text(100_000).default(''),
  },
  can: canProject,
  merge: { text: ['description', 'notes'] },
  history: 'values',
})

export const task = defineRecordType('task', {
  table: 'tasks',
  fields: {
    project_id: parentId,
    title: someText(200),
    status: z.enum(['todo', 'in_progress', 'review', 'done']).default('todo'),
    assignee: text(100).nullable().default(null),
    priority: z.enum(['low', 'normal', 'high', 'urgent']).default('normal'),
    due_on: day,
    estimate_hours: hours.nullable().default(null),
  },
  search: ['title', 'assignee'],
  can,
  merge: true,
  history: 'values',
})

export const part = defineRecordType('part', {
  table: 'parts',
  fields: {
    code: someText(20),
    name: someText(200),
    supplier: text(100).default(''),
    stock: z.int().min(0).max(1_000_000).default(0),
    price: z.number().min(0).max(99_999_999.99).multipleOf(0.01, 'At most two decimal places').default(0),
  },
  can,
})

export const comment = defineRecordType('comment', {
  table: 'comments',
  fields: { project_id: parentId, body: someText(10_000) },
  can,
  history: 'values',
})
