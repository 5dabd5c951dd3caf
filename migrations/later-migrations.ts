// The change log's migrations after the first, each with one file of SQL; the first one's way down drops everything.
import type { Knex } from 'knex'
import { runSql } from './sql.ts'

const migrationOf = (file: string): Knex.Migration => ({
  up: (knex) => runSql(knex, file),
  down: async () => {},
})

/** The log names the version that a save restored. */
export const restores = migrationOf('restores.sql')

/** Proposed changes. */
export const proposals = migrationOf('proposals.sql')

/** Tables keep values and changes for times of their own; imports and deletions are found. */
export const retention = migrationOf('retention.sql')

/** The log is read by tenant. */
export const tenantChanges = migrationOf('tenant-changes.sql')
