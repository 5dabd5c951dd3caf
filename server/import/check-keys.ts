// The keys of staged rows against each other, and against records that were created after the rows were validated.
import type { Knex } from 'knex'
import { MAX_IMPORT_ROW_ERRORS } from '../protocol/bulk-and-import.ts'
import type { Database } from '../tables/database.ts'
import { tenantParameter } from '../tables/tenant.ts'
import type { WriteJob } from './write-chunk.ts'

/** Adds an error for each row whose key stands in an earlier line, or belongs to a new record that the user may read. */
export const checkKeys = async (
  database: Database,
  { known, actor, key, sql, rowErrors }: WriteJob,
  transaction: Knex.Transaction,
): Promise<void> => {
  const field = key ?? ''
  const repeated = await database.send(sql.repeatedKeys, [MAX_IMPORT_ROW_ERRORS], transaction)
  for (const { line, first } of repeated)
    rowErrors.add(line, [{ field, message: `stands in line ${first} already` }])
  rowErrors.addUnlisted(Number(repeated[0]?.total ?? 0) - repeated.length)
  if (key === 'id') return
  const values = [MAX_IMPORT_ROW_ERRORS, ...tenantParameter(known, actor)]
  for (const row of await database.send(sql.foundMeanwhile, values, transaction)) {
    if (known.mayRead(actor, known.sql.toRecord(row)))
      rowErrors.add(row.noclobber_line, [{ field, message: 'was created by somebody else meanwhile' }])
  }
}
