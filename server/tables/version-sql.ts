// The SQL of versions: what is asked by those who only want to know whether they are current.
// Invariant: no field of a record is read; where permission depends on one, its row is read as a whole.
import { isoUtc, utcText } from '../db/iso-time.ts'
import { type Row, type Statement, statement } from '../db/statement.ts'
import { storedBytes } from '../log/log-sql.ts'
import { normalizedWriter } from '../log/stored-writer.ts'
import type { WireRecord } from '../protocol/index.ts'
import type { TrackedType } from './catalogue.ts'
import { columnSql } from './field-sql.ts'
import { headSql, idSql } from './head-sql.ts'

/** How a record stands. */
export type Current = Pick<WireRecord, 'version' | 'updated_at' | 'updated_by'>

/** A row of `readVersions`. */
export const currentOf = (row: Row): Current => ({
  version: Number(row.noclobber_version),
  updated_at: isoUtc(row.noclobber_updated_at),
  updated_by: normalizedWriter(row.noclobber_updated_by),
})

/** The statements of one tracked type. Parameters in the order in which each one's comment names them. */
export interface VersionSql {
  /** ids, [tenant]: version, updated_at and updated_by */
  readVersions: Statement
  /** ids, versions, [tenant]: the same of those that are at another version; nulls where there is no record */
  readDifferent: Statement
  /** ids, [tenant]: the latest tombstone of each record that is gone, with its size; a query for `sendSized` */
  readTombstones: string
}

export const versionSql = (tracked: TrackedType): VersionSql => {
  const { table, source, tenantColumn } = tracked
  const head = headSql(tracked)
  const id = idSql(tracked)
  const ofTenant = (next: number) =>
    tenantColumn ? ` and t.${columnSql(tracked, tenantColumn)} = $${next}` : ''
  const [, ...version] = head.selected
  const many = (next: number) => `from ${table} t where ${id.isAny('$1')}${ofTenant(next)}`
  return {
    readVersions: statement(`select ${head.selected.join(', ')} ${many(2)}`),
    readDifferent: statement(
      `select held.id::text as "noclobber_id", ${version.join(', ')} from (
         select * from unnest(${id.asValues('$1')}, $2::bigint[]) as h(id, version)
         except select ${id.value}, ${head.version} ${many(3)}
       ) held left join ${table} t on ${id.is('held.id')}${ofTenant(3)}`,
    ),
    readTombstones: `select distinct on (c.record_id) c.record_id as "noclobber_id", c.version, ${utcText('c.updated_at')} as updated_at, c.updated_by,
       c.old_row, ${storedBytes('c.old_row')} + 200 as "noclobber_bytes" from noclobber.record_changes c where c.table_name = '${source.replaceAll("'", "''")}'
       and c.record_id = any($1) and c.event = 'deleted' ${tenantColumn ? 'and c.tenant_id = $2' : ''}
       order by c.record_id, c.version desc`,
  }
}
