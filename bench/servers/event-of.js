// An event of a change, where no change is read: as long as the product's own.
import { TENANT } from '../tables.js'

export const eventOf = (id) => ({
  tenant_id: TENANT,
  type: 'project',
  id: String(id),
  version: 2,
  changed_fields: ['notes'],
  updated_at: '2026-11-21T09:30:00.123456Z',
  updated_by: { id: 'postgres', name: 'postgres', kind: 'database' },
  tab_id: null,
})
