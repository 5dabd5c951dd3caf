// Checks tracked tables: their triggers, and whether their rows and the log agree.
import type { Knex } from 'knex'
import { isFormerName } from '../../migrations/owned-columns.ts'
import { PARTITIONS_APART } from '../../migrations/partitions.ts'
import { PART_TRIGGERS } from '../../migrations/parts.ts'
import { asIs, quoteName, quoteTable, quoteText } from '../../migrations/quote.ts'
import { idText, keyArgument, keyColumns, keyOf } from '../../migrations/record-key.ts'
import { meantBy } from '../../migrations/sql.ts'
import { LATE_TRIGGERS, RENAME_THEM, UNTRACKABLE } from '../../migrations/supported.ts'
import { STAMP_TRIGGER, TRIGGER_NAMES } from '../../migrations/track-table.ts'
import { TRIGGER_ARGUMENTS, typeName, uncompared } from '../../migrations/trigger-arguments.ts'
import { type Finding, problem } from './finding.ts'
import { asSavepoint, byOwnPath } from './own-path.ts'
import {
  type FoundTrigger,
  lostOwned,
  ownedOf,
  type TriggeredTable,
  trackAgain,
  triggerFindings,
} from './triggers.ts'

/** A table that has noclobber's triggers, or should have them. */
export interface ExaminedTable extends TriggeredTable {
  schema: string
  name: string
  /** How many transactions ago trackTable last ran for it. */
  age: number
  /** A sentence that says why trackTable would refuse it as it is now; `null`: it wouldn't. */
  whyNot: string | null
  /** The app's triggers that fire after noclobber's. */
  lateTriggers: string | null
  /** Its partitions that lack noclobber's statement triggers. */
  partitionsApart: string | null
  isPartition: boolean
  /** Row level security decides which of its rows this role sees. */
  hidesRows: boolean
}

const TABLES = `
select n.nspname || '.' || c.relname as source, n.nspname as schema, c.relname as name,
  pg_catalog.to_jsonb(${keyOf('c.oid')}) as key,
  coalesce(c.oid = any(select to_regclass(t.name) from pg_catalog.unnest(?::text[]) t(name)), false) as "keepsValues",
  (select pg_catalog.jsonb_agg(a.attname) from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
  ${uncompared('c.oid', `'{}'::text[]`)} as generated,
  ${UNTRACKABLE} as "whyNot", ${LATE_TRIGGERS} as "lateTriggers",
  (select pg_catalog.jsonb_object_agg(a.attname, ${typeName('a.atttypid')}) from pg_attribute a
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as types,
  ${PARTITIONS_APART} as "partitionsApart", row_security_active(c.oid) as "hidesRows", c.relispartition as "isPartition",
  coalesce((select age(a.xmin) from pg_attribute a where a.attrelid = c.oid
    and a.attname = coalesce((select (${TRIGGER_ARGUMENTS}[6]::text[])[1] from pg_trigger g
      where g.tgrelid = c.oid and g.tgname = '${STAMP_TRIGGER}'), 'version')), 0) as age,
  coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('name', g.tgname, 'enabled', g.tgenabled, 'shape', g.tgtype, 'age', age(g.xmin),
    'calls', (select s.nspname from pg_namespace s where s.oid = p.pronamespace) || '.' || p.proname, 'args', trim_array(coalesce(${TRIGGER_ARGUMENTS}, '{""}'), 1),
    'rows', pg_catalog.concat_ws(',', coalesce(g.tgoldtable, ''), coalesce(g.tgnewtable, '')),
    'narrowed', g.tgqual is not null or g.tgattr <> '') order by g.tgname)
    filter (where g.tgname is not null), '[]') as triggers
from pg_class c join pg_namespace n on n.oid = c.relnamespace
left join pg_trigger g on g.tgrelid = c.oid and starts_with(g.tgname, 'zz_noclobber_') and g.tgparentid = 0
left join pg_proc p on p.oid = g.tgfoid
where g.tgname is not null and not c.relispartition or c.oid = any(select to_regclass(t.name) from pg_catalog.unnest(?::text[]) t(name))
group by c.oid, n.nspname, c.relname order by 1`

const THERE = `select coalesce(pg_catalog.jsonb_agg(to_regclass(t.name) is not null order by t.at), '[]') as there
from pg_catalog.unnest(?::text[]) with ordinality t(name, at)`

/** A name as one writes it, quoted where a dot or a quote in it would mean something. */
const asWritten = (name: string) => (/[".]/.test(name) ? quoteName(name) : name)

/** A trigger that every tracked table has: not one for parts or kept values. */
const isOwn = ({ name }: FoundTrigger) => TRIGGER_NAMES.includes(name)

/** Adds to each table its part tables, and the name of its parent table if that is no longer tracked. */
const withParts = (found: Omit<ExaminedTable, 'parts' | 'lostParent'>[]): ExaminedTable[] => {
  const parents = new Map<string, string>()
  for (const { source, triggers } of found) {
    const parent = triggers.find(({ name }) => PART_TRIGGERS.includes(name))?.args[4]
    if (parent) parents.set(source, parent)
  }
  const tracked = new Set(found.filter(({ triggers }) => triggers.some(isOwn)).map(({ source }) => source))
  return found.map((table) => {
    const parent = parents.get(table.source)
    return {
      ...table,
      parts: found.filter(({ source }) => parents.get(source) === table.source),
      lostParent: parent && !tracked.has(parent) ? parent : null,
    }
  })
}

/**
 * All tables that have one of noclobber's triggers, and the named ones; a finding for each name without a table.
 *
 * @param values Tables whose values must be kept.
 */
export const trackedTables = async (
  caller: Knex,
  named: string[],
  values: string[] = [],
): Promise<{ tables: ExaminedTable[]; missing: Finding[] }> => {
  const meant = new Map<string, string>()
  for (const name of new Set([...named, ...values])) meant.set(name, await meantBy(caller, name))
  const namesOf = (names: string[]) => names.map((name) => quoteTable(meant.get(name) ?? name))
  const { rows, there } = await byOwnPath(caller, async (knex) => ({
    rows: (await knex.raw(TABLES, [namesOf(values), namesOf(named)])).rows,
    there: (await knex.raw(THERE, [namesOf(named)])).rows[0].there as boolean[],
  }))
  const missing: Finding[] = []
  for (const [at, name] of named.entries()) {
    if (there[at]) continue
    missing.push(
      problem('table_missing', name, 'There is no such table.', 'Create it, or correct the declaration.'),
    )
  }
  const found = rows.map((row: { key: string[] | null; schema: string; name: string }) => ({
    ...row,
    written: [row.schema, row.name].map(asWritten).join('.'),
    key: row.key && keyArgument(row.key),
  }))
  return { tables: withParts(found), missing }
}

/**
 * Have triggers been off? Switching one off or on rewrites its catalogue row, which is then younger than the version column
 * that trackTable made in the same transaction. If every trigger is of another transaction, a restore made them one by one.
 */
const wereSwitched = ({ triggers: all, age }: ExaminedTable) => {
  const triggers = all.filter(isOwn)
  const ages = new Set(triggers.map((trigger) => trigger.age))
  const isOff = triggers.some(({ enabled }) => enabled === 'D' || enabled === 'R')
  if (ages.size === triggers.length) return isOff
  return isOff || (ages.size === 1 && !ages.has(age)) || triggers.some((trigger) => age - trigger.age > 50)
}

/**
 * Compares each row with its last logged change. Only a change that lies in the log as its own transaction wrote it (`is_own`)
 * shows that the row should be of that transaction too: after a restore, both were written anew. Two tenants may use one id,
 * each with versions of its own.
 */
const compare = ({ source, written, triggers, columns, age }: ExaminedTable, key: string) => {
  const [, tenantColumn = ''] = triggers.find(({ name }) => name === STAMP_TRIGGER)?.args ?? []
  const tenant = columns.includes(tenantColumn) ? `r.${quoteName(tenantColumn)}::text` : 'null::text'
  const [table, name] = [quoteTable(written), quoteText(source)]
  const version = quoteName(ownedOf(triggers).version.name)
  return asIs(`
with logged as (
  select c.record_id, c.tenant_id, c.version, c.event, c.seq, c.xid::xid as xid, coalesce(c.moved_in, c.xid)::xid = c.xmin as is_own
  from noclobber.record_changes c where c.table_name = ${name}
  union all
  select c.record_id, c.tenant_id, c.version, c.event, c.seq, c.xid::xid, c.xid::xid = c.written_in
  from noclobber.batched_changes c where c.table_name = ${name}
), last as (
  select distinct on (c.record_id) c.* from logged c
  left join (select ${idText('r', keyColumns(key))} as id, ${tenant} as tenant from ${table} r) w on w.id = c.record_id
  where w.tenant is null or c.tenant_id is null or c.tenant_id = w.tenant
  order by c.record_id, c.version desc, c.event = 'deleted', c.seq desc
), pairs as (
  select l.record_id, l.version as logged, l.event, l.xid, l.is_own, t.version, t.row_xid, t.row_age, t.id from last l
  full join (select ${idText('r', keyColumns(key))} as id, r.${version} as version, r.xmin as row_xid, age(r.xmin) as row_age from ${table} r) t
    on t.id = l.record_id
)
select pg_catalog.count(*) filter (where version < 1 or (id is not null and version is null)) as invalid,
  pg_catalog.count(*) filter (where id is not null and version <> logged) as out_of_step,
  pg_catalog.count(*) filter (where id is null and event <> 'deleted') as vanished,
  pg_catalog.count(*) filter (where id is not null and version = logged and is_own and row_xid <> xid) +
  pg_catalog.count(*) filter (where id is not null and logged is null and row_age < ${age}) as unlogged,
  pg_catalog.min(id) filter (where id is not null and version <> logged) as step_example,
  pg_catalog.min(record_id) filter (where id is null and event <> 'deleted') as vanished_example
from pairs`)
}

const count = (number: number, what: string) => `${number} ${what}${number === 1 ? '' : 's'}`

const rowFindings = async (knex: Knex, table: ExaminedTable): Promise<Finding[]> => {
  const { source, columns } = table
  const key = table.triggers.find(({ name }) => name === STAMP_TRIGGER)?.args[0] ?? table.key
  // Where a column of the key is gone, the triggers' findings say so.
  if (!key || keyColumns(key).some((name) => !columns.includes(name))) return []
  const [row] = (await asSavepoint(knex, (savepoint) => savepoint.raw(compare(table, key)))).rows
  const invalid = Number(row.invalid)
  const outOfStep = Number(row.out_of_step)
  const vanished = Number(row.vanished)
  const unlogged = Number(row.unlogged)
  const findings: Finding[] = []
  if (invalid > 0)
    findings.push(
      problem(
        'version_invalid',
        source,
        `${count(invalid, 'row')} without a positive version: such a record can't be saved.`,
        `${trackAgain(table)} It gives those rows version 1.`,
      ),
    )
  if (outOfStep > 0)
    findings.push(
      problem(
        'version_out_of_step',
        source,
        `${count(outOfStep, 'row')} at another version than the log says (${row.step_example}): written past the triggers.`,
        'Find out who wrote with triggers off. Make a real change to each of these rows, so that open editors learn of it.',
      ),
    )
  if (vanished > 0)
    findings.push(
      problem(
        'deletion_not_logged',
        source,
        `${count(vanished, 'record')} gone without a logged deletion (${row.vanished_example}): deleted past the triggers.`,
        'Readers of /changes still hold them: have each begin anew with cursor=start. The finding ends when their changes are pruned.',
      ),
    )
  if (unlogged > 0 && wereSwitched(table))
    findings.push(
      problem(
        'write_not_logged',
        source,
        `Triggers were off for a while, and up to ${count(unlogged, 'row')} written meanwhile without a version or a log entry.`,
        `Make a real change to the rows concerned and have their editors reload. Then: ${trackAgain(table)}`,
      ),
    )
  return findings
}

/** A partition that is none any more, by the argument that the triggers of no other table have. */
const detachedFinding = (table: ExaminedTable): Finding | null => {
  const { source, triggers, isPartition } = table
  const root = triggers.find(({ name, args }) => TRIGGER_NAMES.includes(name) && args[6])?.args[6]
  if (isPartition || root === undefined) return null
  return problem(
    'partition_detached',
    source,
    `It was a partition of ${root} and was detached: it has the triggers of a partition still, which refuse every write.`,
    `Call untrackTable(knex, '${source}'), or run: npx noclobber untrack ${source}. To have it tracked as a table of its own: ${trackAgain(table)}`,
  )
}

/** What has changed about the table itself since it was tracked. */
const relationFindings = (table: ExaminedTable): Finding[] => {
  const { source, triggers, whyNot, lateTriggers, partitionsApart } = table
  if (triggers.length === 0) return []
  const findings: Finding[] = []
  if (isFormerName(source, triggers.find(({ name }) => name === STAMP_TRIGGER)?.args ?? []))
    findings.push(
      problem(
        'table_renamed',
        source,
        'It was renamed, or moved to another schema, since it was tracked: its history stands under its former name, and servers refuse it.',
        `${trackAgain(table)} It takes the history along.`,
      ),
    )
  if (partitionsApart !== null)
    findings.push(
      problem(
        'trigger_missing',
        source,
        `Partitions lack triggers: ${partitionsApart}. What is written to them by their own names is not logged.`,
        trackAgain(table),
      ),
    )
  if (whyNot !== null)
    findings.push(
      problem(
        'not_trackable',
        source,
        `It can't be tracked as it is now: ${whyNot}`,
        `Undo that. Or stop tracking it: untrackTable(knex, '${source}').`,
      ),
    )
  if (lateTriggers !== null)
    findings.push(
      problem('trigger_late', source, `Triggers fire after noclobber's: ${lateTriggers}.`, RENAME_THEM),
    )
  return findings
}

/** What is wrong with one table. */
export const tableFindings = async (knex: Knex, table: ExaminedTable, rows: boolean): Promise<Finding[]> => {
  const detached = detachedFinding(table)
  if (detached) return [detached]
  const findings = [...relationFindings(table), ...triggerFindings(table)]
  if (!rows || table.triggers.length === 0 || lostOwned(table).length > 0) return findings
  if (!table.hidesRows) return [...findings, ...(await rowFindings(knex, table))]
  return [
    ...findings,
    {
      code: 'rows_hidden',
      level: 'note',
      table: table.source,
      message: 'Row level security hides rows from this role: their versions and the log were not compared.',
      advice: 'Run the doctor as a superuser or a role with BYPASSRLS.',
    },
  ]
}
