// Erasing what the log keeps about a record or a person, on request: values in the log and in stored first responses, proposals, names.
// Invariant: versions and the order of changes stay as they are, so pages and feeds go on, but those from before a deletion whose values
// are erased begin anew; what is erased is in no table of the log afterwards.
import { setTimeout as pause } from 'node:timers/promises'
import type { Knex } from 'knex'
import { ownedBy } from '../../migrations/owned-columns.ts'
import { quoteName, quoteTable } from '../../migrations/quote.ts'
import { KEEP_TRIGGER, STAMP_TRIGGER } from '../../migrations/track-table.ts'
import { TRIGGER_ARGUMENTS } from '../../migrations/trigger-arguments.ts'
import { asKnex, type Sql } from '../db/pg-as-knex.ts'

/** What {@link eraseRecord} and {@link erasePerson} changed, in rows. */
export interface Erased {
  /** Rows of the log. */
  changes: number
  /** Proposed changes. */
  proposals: number
  /** First responses of writes that carried a mutation id. */
  responses: number
  /** Of the app's own tables: rows that named the person as their last writer. */
  records: number
}

/** Puts what lies in batches into rows of the log. */
const compactAll = async (knex: Knex): Promise<void> => {
  for (let moved = 1; moved > 0; )
    moved = (await knex.raw('select noclobber.compact(5000) as moved')).rows[0]?.moved ?? 0
}

const UNDER_WAY_MS = 60_000
const LOOK_MS = 100

const one = async (knex: Knex, sql: string, values: string[] = []) => (await knex.raw(sql, values)).rows[0]

/**
 * Erases, and once more when all that was under way has ended: a write that had not committed was not seen, and holds what was to go.
 *
 * @throws Error where something is under way for a minute: it is erased so far.
 */
const untilSettled = async (knex: Knex, erase: () => Promise<Erased>): Promise<Erased> => {
  const first = await erase()
  const { own, next } = await one(
    knex,
    `select pg_current_xact_id_if_assigned() as own, pg_snapshot_xmax(pg_current_snapshot())::text as next`,
  )
  // Within a transaction of the caller's nobody else is waited for.
  if (own !== null) return first
  const begun = performance.now()
  const isSettled = async () =>
    (await one(knex, 'select pg_snapshot_xmin(pg_current_snapshot()) >= ?::xid8 as is_settled', [next]))
      .is_settled
  while (!(await isSettled())) {
    if (performance.now() - begun > UNDER_WAY_MS)
      throw new Error(
        'Erased, but a transaction that began before is still open and may have written more: run this again when it has ended.',
      )
    await pause(LOOK_MS)
  }
  const second = await erase()
  return {
    changes: first.changes + second.changes,
    proposals: first.proposals + second.proposals,
    responses: first.responses + second.responses,
    records: first.records + second.records,
  }
}

const SOURCE = `select n.nspname || '.' || c.relname as source from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.oid = to_regclass(?)`

const rowsOf = async (knex: Knex, sql: string, values: Record<string, string | null>): Promise<number> =>
  (await knex.raw(sql, values)).rowCount ?? 0

/** Answers of proposals, which go with them: their own ids are uuids. */
const PROPOSALS = `
with gone as (delete from noclobber.proposals p where p.table_name = :source and p.record_id = :id returning p.id::text as id),
answers as (delete from noclobber.mutations m using gone g where m.answer->>'id' = g.id)
select from gone`

/** A replay of a write takes what was left out from the record as it is. */
const RESPONSES = `
update noclobber.mutations m set answer = case
  when jsonb_typeof(m.answer) = 'array' then (select pg_catalog.jsonb_agg(case when e.value->>'id' = :id and e.value ? 'current'
    then jsonb_set(e.value, '{current}', 'null') else e.value end order by e.at) from jsonb_array_elements(m.answer) with ordinality e(value, at))
  else (select pg_catalog.jsonb_object_agg(e.key, e.value) from jsonb_each(m.answer) e where starts_with(e.key, 'noclobber_'))
    || pg_catalog.jsonb_build_object('noclobber_left_out', coalesce(m.answer->'noclobber_left_out', '[]') || (select coalesce(pg_catalog.jsonb_agg(e.key), '[]')
      from jsonb_object_keys(m.answer) e(key) where not starts_with(e.key, 'noclobber_'))) end
where m.answer->>'noclobber_id' = :id and case when jsonb_typeof(m.answer) = 'object'
    then exists (select from jsonb_object_keys(m.answer) e(key) where not starts_with(e.key, 'noclobber_')) end
  or jsonb_typeof(m.answer) = 'array' and exists (select from jsonb_array_elements(m.answer) e(value)
    where e.value->>'id' = :id and e.value->'current' <> 'null')`

/**
 * A deletion without its values can't be authorized for everybody who knew the record: cursors from before it are refused from then on, so
 * that no page that was away goes on showing the record.
 */
const CHANGES = `
with erased as (
  update noclobber.record_changes c set changed_values = null, old_row = null
  where c.table_name = :source and c.record_id = :id and (c.changed_values is not null or c.old_row is not null)
  returning c.xid, c.seq, c.event
), moved as (
  update noclobber.log_horizon h set xid = greatest(h.xid, d.xid), seq = greatest(h.seq, d.seq) from (select e.xid, e.seq from erased e
    where e.event = 'deleted' and e.xid < pg_snapshot_xmin(pg_current_snapshot()) order by e.xid desc, e.seq desc limit 1) d)
select from erased`

/**
 * Erases what the log keeps of a record's values: before and after each change, the row as it was deleted, what is proposed for it, and
 * first responses that hold them. Who changed which fields when stays. The record itself is the app's to change or delete, first.
 *
 * @param sql As the role of the migrations: a pool or connected client of `pg`, or Knex.
 * @param id As the wire has it; a record of any tenant.
 * @throws Error with a sentence where there is no such table, or where a transaction is open for a minute that may write more.
 */
export const eraseRecord = async (sql: Sql, table: string, id: string): Promise<Erased> => {
  const knex = asKnex(sql)
  const [found] = (await knex.raw(SOURCE, [quoteTable(table)])).rows
  if (!found) throw new Error(`There is no table ${table}.`)
  const asked = { source: found.source as string, id }
  return untilSettled(knex, async () => {
    await compactAll(knex)
    return knex.transaction(async (transaction) => ({
      changes: await rowsOf(transaction, CHANGES, asked),
      proposals: await rowsOf(transaction, PROPOSALS, asked),
      responses: await rowsOf(transaction, RESPONSES.replaceAll(' ? ', ' \\? '), asked),
      records: 0,
    }))
  })
}

/** The tracked tables that note the writer as JSON. */
const TRACKED = `
select n.nspname as schema, c.relname as name, (t.args)[2] as tenant, (t.args)[6] as owned
from pg_trigger g join pg_class c on c.oid = g.tgrelid join pg_namespace n on n.oid = c.relnamespace,
  lateral (select ${TRIGGER_ARGUMENTS} as args) t
where g.tgname = '${STAMP_TRIGGER}' and not c.relispartition order by 1, 2`

interface TrackedRow {
  schema: string
  name: string
  tenant: string
  owned: string
}

/** Whose rows: ids of people are unique within a tenant; rows of tables without tenants count for every one. */
const OF_TENANT = (column: string) =>
  `(:tenant::text is null or ${column} is null or ${column}::text = :tenant)`

/** Without the person, as a jsonb of a writer in this column. */
const without = (column: string) =>
  `case when ${column}->>'id' = :person then null else ${column} - 'on_behalf_of' end`
const names = (column: string) => `(${column}->>'id' = :person or ${column}->'on_behalf_of'->>'id' = :person)`

/** The writer in a row as it was deleted, or their id alone; tables that are not tracked any more had the usual column. */
const WRITER_COLUMN = `coalesce(:writers::jsonb->>c.table_name, 'updated_by')`
const LAST_WRITER = `(c.old_row->${WRITER_COLUMN})`
const namesLast = `(${names(LAST_WRITER)} or c.old_row->>${WRITER_COLUMN} = :person)`

/** The log's rows that name the person: as who wrote, or as the last writer of what somebody deleted. */
const WRITERS = `
update noclobber.record_changes c set
  updated_by = case when ${names('c.updated_by')} then ${without('c.updated_by')} else c.updated_by end,
  tab_id = case when ${names('c.updated_by')} then null else c.tab_id end,
  socket_id = case when ${names('c.updated_by')} then null else c.socket_id end,
  old_row = case when ${namesLast} then jsonb_set(c.old_row, array[${WRITER_COLUMN}],
    coalesce(case when jsonb_typeof(${LAST_WRITER}) = 'object' then ${without(LAST_WRITER)} end, 'null')) else c.old_row end
where (${names('c.updated_by')} or ${namesLast}) and ${OF_TENANT('c.tenant_id')}`

/** Triggers that would put the writer back, or make a version, are off for this one statement; other writers wait. */
const eraseWriter = async (
  knex: Knex,
  { schema, name, tenant, owned }: TrackedRow,
  asked: Record<string, string | null>,
): Promise<number> => {
  const { updatedBy } = ownedBy(owned)
  if (updatedBy?.type !== 'jsonb') return 0
  const table = quoteTable(`${quoteName(schema)}.${quoteName(name)}`)
  const column = `t.${quoteName(updatedBy.name)}`
  const where = `${names(column)} and ${tenant ? OF_TENANT(`t.${quoteName(tenant)}`) : 'true'}`
  const off = [KEEP_TRIGGER, STAMP_TRIGGER, 'zz_noclobber_update', 'zz_noclobber_values_update']
  const { rows } = await knex.raw(
    `select g.tgname as trigger from pg_trigger g where g.tgrelid = to_regclass(?) and g.tgname = any(?) and g.tgenabled = 'O'`,
    [table, off],
  )
  const each = async (verb: string) => {
    for (const { trigger } of rows) await knex.raw(`alter table ${table} ${verb} trigger ${trigger}`)
  }
  await each('disable')
  const count = await rowsOf(
    knex,
    `update ${table} t set ${quoteName(updatedBy.name)} = ${without(column)} where ${where}`,
    asked,
  )
  await each('enable')
  return count
}

/**
 * Erases a person's name and id as a writer: in the log, in proposals (with the reasons that they wrote), in stored responses, and in the
 * column for the writer of the app's tracked tables. Whatever they wrote in records stays; that is the records'.
 *
 * @param sql As the role of the migrations, which owns the tracked tables.
 * @param person `id` as `authenticate` gives it; `tenantId` where ids are unique within a tenant only.
 * @throws Error where a transaction is open for a minute that may write more: it is erased so far.
 */
export const erasePerson = async (
  sql: Sql,
  { id, tenantId = null }: { id: string; tenantId?: string | null },
): Promise<Erased> => {
  const knex = asKnex(sql)
  const asked = { person: id, tenant: tenantId }
  const erase = () =>
    knex.transaction(async (transaction) => {
      const { rows: tracked } = await transaction.raw(TRACKED)
      const writers = Object.fromEntries(
        tracked.map(({ schema, name, owned }: TrackedRow) => [
          `${schema}.${name}`,
          ownedBy(owned).updatedBy?.name ?? '',
        ]),
      )
      const changes = await rowsOf(transaction, WRITERS, { ...asked, writers: JSON.stringify(writers) })
      const proposals = await rowsOf(
        transaction,
        `update noclobber.proposals p set note = case when ${names('p.proposed_by')} then null else p.note end,
         proposed_by = coalesce(case when ${names('p.proposed_by')} then ${without('p.proposed_by')} else p.proposed_by end, '{}'),
         decided_by = case when ${names('p.decided_by')} then ${without('p.decided_by')} else p.decided_by end
       where (${names('p.proposed_by')} or ${names('p.decided_by')}) and ${OF_TENANT('p.tenant_id')}`,
        asked,
      )
      const responses = await rowsOf(
        transaction,
        `delete from noclobber.mutations m where (m.actor_id = :person
         or jsonb_path_exists(m.answer, '$.**.id \\? (@ == $person)', pg_catalog.jsonb_build_object('person', :person::text)))
         and ${OF_TENANT(`nullif(m.tenant_id, '')`)}`,
        asked,
      )
      let records = 0
      for (const table of tracked) records += await eraseWriter(transaction, table, asked)
      return { changes, proposals, responses, records }
    })
  return untilSettled(knex, async () => {
    await compactAll(knex)
    return erase()
  })
}
