// The record type of the benchmarks, and who acts: one person, always signed in, so that no sign-in is measured.
import { defineRecordType } from 'noclobber/server'
import { z } from 'zod'
import { TABLES, TENANT } from '../tables.js'

const declared = {
  table: TABLES.ours,
  fields: {
    name: z.string().min(1).max(200),
    number: z.string().max(20),
    client: z.string().nullable(),
    status: z.enum(['planned', 'active', 'on_hold', 'done']),
    starts_on: z.iso.date().nullable(),
    ends_on: z.iso.date().nullable(),
    budget: z.number().nullable(),
    description: z.string().nullable(),
    notes: z.string().nullable(),
  },
}

const mayEdit = (actor, action) => action === 'read' || actor.roles.includes('editor')

export const project = defineRecordType('project', { ...declared, can: mayEdit })

/** The same, for those who must be authorized with the record's row. */
export const authorizedProject = defineRecordType('project', {
  ...declared,
  can: (actor, action, record) => record.fields.client !== actor.name && mayEdit(actor, action),
})

export const ALICE = { id: 'alice', name: 'Alice', tenantId: TENANT, roles: ['editor'] }
