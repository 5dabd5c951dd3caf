// Deleted records as they last were, for those who could read them then: out of the rows that the log keeps of deletions.
// Invariant: shown is what the caller could read, and may see of its fields now; a record that is there again, under any tenant, is
// not among them. Where a page ends says nothing of what was left out: it is sealed.
import { setGoneAudience } from '../audience/gone-audience.ts'
import type { Missing } from '../base/outcomes.ts'
import { MISSING } from '../base/outcomes.ts'
import { refuse } from '../base/problems.ts'
import type { Actor } from '../base/record-type.ts'
import { isoUtc, utcText } from '../db/iso-time.ts'
import { type Row, statement } from '../db/statement.ts'
import { storedBytes } from '../log/log-sql.ts'
import { normalizedWriter } from '../log/stored-writer.ts'
import type { WireDeleted, WireRecord } from '../protocol/index.ts'
import { readLogged, textOf, withTexts } from '../records/history-values.ts'
import { asksParents } from '../records/parents.ts'
import type { Target } from '../records/read.ts'
import type { Database, KnownType } from '../tables/database.ts'
import { idSql } from '../tables/head-sql.ts'
import { canonicalId } from '../tables/record-id.ts'
import { fieldsOf } from './past-version.ts'

/** A deletion as the log has it, and the record as it last was. */
export interface Deletion {
  /** The transaction that deleted it. */
  xid: string
  row: Row
  /** With the version of the deletion. */
  record: WireRecord
}

/** Deletions that are read at a time, and for one answer; bytes of them at a time. */
const AT_ONCE = 100
const MOST_READ = 1_000
const MOST_BYTES = 4_000_000

/** What no transaction and no change has as its number. */
const BEYOND = ['18446744073709551615', '9223372036854775807']

/**
 * source, tenant, id or null, both numbers of the last one before, rows, bytes: the deletions of a table, or of one record, newest first.
 * Each is a bound of an index, also in a plan for any values: such a plan goes through everything where a value may be null. Of a record
 * they are in the order of its versions, which is that of the index by record.
 */
const deletions = (which: 'of a table' | 'of a record') => (known: KnownType, isRebuilding: boolean) => {
  const old = `(select pg_catalog.jsonb_object_agg(e.key, e.value) from jsonb_each_text(d.old_row) e)`
  const oldText = (name: string) => textOf(known, name, `d.old_row->'${name.replaceAll("'", "''")}'`)
  return statement(`
select d.*, ${isRebuilding ? withTexts(known, old, 'd.old_row', oldText) : old} as old_texts from (
  select c.*, sum(${storedBytes('c.old_row')}) over (order by c.xid desc, c.seq desc) as bytes, row_number() over (order by c.xid desc, c.seq desc) as number
  from (
    select c.xid, c.seq, c.record_id, c.version, c.old_row, c.updated_by, ${utcText('c.updated_at')} as updated_at
    from noclobber.record_changes c
    where c.table_name = $1 and c.event = 'deleted' and c.old_row is not null and coalesce(c.tenant_id, '') = coalesce($2, '')
      and ${which === 'of a record' ? 'c.record_id = $3' : '$3::text is null'}
      and (c.xid, c.seq) < ($4::xid8, $5::bigint)
      and not exists (select from noclobber.changes n where n.table_name = $1 and n.record_id = c.record_id and n.version > c.version
        and ($2::text is null or n.tenant_id = $2))
    order by ${which === 'of a record' ? 'c.version desc' : 'c.xid desc, c.seq desc'} limit $6) c) d
where d.number = 1 or d.bytes <= $7::bigint order by d.number`)
}

/** ids: those that are there, of whatever tenant. */
const thereStatement = (known: KnownType) => {
  const id = idSql(known)
  return statement(`select ${id.text} as id from ${known.table} t where ${id.isAnyText('$1')}`)
}

const recordOf = (known: KnownType, row: Row): WireRecord => ({
  type: known.type.name,
  id: row.record_id,
  version: Number(row.version),
  updated_at: isoUtc(row.updated_at),
  updated_by: normalizedWriter(row.updated_by),
  fields: fieldsOf(known, row.old_row, row.old_texts),
})

interface Page {
  id?: string
  /** The numbers in the log of the deletion before the first. */
  after?: readonly string[] | undefined
  limit: number
}

/** Deletions that the caller could read the records of. `last`: where the next page goes on; `null` where there is no more. */
const readDeletions = async (
  database: Database,
  { known, actor, transaction }: Omit<Target, 'id'>,
  { id, after, limit }: Page,
): Promise<{ found: Deletion[]; last: Row | null }> => {
  const values = [
    ...[known.source, known.tenantColumn ? actor.tenantId : null, id ?? null],
    ...[...(after ?? BEYOND), limit + 1, MOST_BYTES],
  ]
  const statements = deletions(id === undefined ? 'of a table' : 'of a record')
  const rows = await readLogged(database, known, statements, values, transaction)
  const page = rows.slice(0, limit)
  const isCut = rows.length > limit || (rows.length > 0 && Number(rows.at(-1)?.bytes) > MOST_BYTES)
  const ids = page.map((row) => row.record_id).filter((one) => canonicalId(known.key.kind, one) !== null)
  const there = await database.send(thereStatement(known), [ids], transaction)
  const isThere = new Set(there.map((row) => row.id))
  const found = page
    .filter(({ record_id }) => ids.includes(record_id) && !isThere.has(record_id))
    .map((row): Deletion => ({ xid: row.xid, row, record: recordOf(known, row) }))
  const send: Database['send'] = (query, sent) => database.send(query, sent, transaction)
  await setGoneAudience(
    send,
    known,
    found.map(({ record }) => ({ id: record.id, version: record.version, record })),
  )
  return {
    found: found.filter(({ record }) => known.mayReadDeleted(actor, record)),
    last: isCut || page.length === limit ? (page.at(-1) ?? null) : null,
  }
}

/** The last deletion of a record that is gone; `null` where there is none, or not for this person. */
export const deletionOf = async (database: Database, target: Target): Promise<Deletion | null> => {
  const { found } = await readDeletions(database, target, { id: target.id, limit: 1 })
  return found[0] ?? null
}

/** May they bring it back, as far as that is known without what it is part of? It takes the rights to delete and to create it. */
export const mayRestore = (known: KnownType, actor: Actor, record: WireRecord): boolean =>
  asksParents(known, actor, 'create') ||
  (known.may(actor, 'create', record) && known.may(actor, 'delete', record))

/** Which page of a type's deleted records. */
export interface DeletedQuery {
  /** 50, at most 200. */
  limit?: number | undefined
  /** The `next` of the page before. */
  after?: string | undefined
}

/** What `deleted` answers, the last deletion first. */
export type DeletedOutcome = { outcome: 'found'; records: WireDeleted[]; next: string | null } | Missing

/** The deleted records of a type that one could read; of types that keep values. */
export const readDeleted = async (
  shared: Database,
  { actor, type }: { actor: Actor; type: string },
  { limit = 50, after }: DeletedQuery = {},
): Promise<DeletedOutcome> => {
  const database = shared.forActor(actor)
  const known = await database.typeFor(type, undefined, actor)
  if (!known) return MISSING
  if (known.type.history !== 'values') return { outcome: 'found', records: [], next: null }
  let from = after === undefined ? undefined : database.cursors.openNumbers(after, 2)
  if (from === null) return refuse('malformed', 'after must be what an answer gave as next.')
  const records: WireDeleted[] = []
  for (let read = 0; read < MOST_READ && records.length < limit; read += AT_ONCE) {
    const page = { after: from, limit: Math.min(AT_ONCE, limit - records.length) }
    const { found, last } = await readDeletions(database, { known, actor, transaction: undefined }, page)
    for (const { record } of found) records.push({ ...record, may_restore: mayRestore(known, actor, record) })
    if (!last) return { outcome: 'found', records, next: null }
    from = [String(last.xid), String(last.seq)]
  }
  return { outcome: 'found', records, next: from ? database.cursors.sealNumbers(from) : null }
}
