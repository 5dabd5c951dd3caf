// Declares a table's rows as parts of a parent's, or no longer.
// Invariant: a parent keeps its own trigger for as long as it is tracked; tracking it anew doesn't lose its parts.
import type { Knex } from 'knex'
import { type Owned, ownedBy, ownedList } from './owned-columns.ts'
import { arrayText, asIs, quoteName, quoteTable, quoteText } from './quote.ts'
import { keyArgument, keyOf } from './record-key.ts'
import { TRIGGER_ARGUMENTS } from './trigger-arguments.ts'

/** Which record a row is part of. */
export interface PartOf {
  /**
   * The column that holds the parent's key; of a key of several columns those that hold them, in the key's order:
   * `['tenant_id', 'order_no']`. A row in which one of them is null is part of nothing.
   */
  column: string | string[]
  /** The parent's table, tracked already; with its schema if that isn't on the search path. */
  table: string
  /** The name of the parts in the parent's `changed_fields`: `lines`. Omit it to name none. */
  field?: string
}

/** The trigger that raises a parent's version. It comes after the parent's own stamp. */
export const PARENT_TRIGGER = 'zz_noclobber_stamp_part'

const REFERENCING: Record<string, string> = {
  insert: 'referencing new table as new_rows',
  update: 'referencing old table as old_rows new table as new_rows',
  delete: 'referencing old table as old_rows',
}

/** The trigger whose arguments say which parents a table's rows are part of. */
export const PART_TRIGGER = 'zz_noclobber_part_insert'
/** What a table of parts does after each statement, in this order, by what PostgreSQL orders triggers: their names. */
const STEPS: [suffix: string, call: string][] = [
  ['', 'touch_parents'],
  ['_raise', 'raise_parents'],
  ['_raised', 'check_parents'],
]

const partTriggers = ['insert', 'update', 'delete', 'truncate'].flatMap((event) =>
  STEPS.map(([suffix, call]) => ({
    name: `zz_noclobber_part_${event}${suffix}`,
    event,
    call,
    referencing: suffix === '' ? (REFERENCING[event] ?? '') : '',
  })),
)

/** The triggers that a table of parts has. */
export const PART_TRIGGERS = partTriggers.map(({ name }) => name)

/** The columns of {@link PartOf.column}. */
export const columnsOfPart = ({ column }: PartOf): string[] => [column].flat()

const PARENT = `
select n.nspname || '.' || c.relname as source, n.nspname as schema, c.relname as name, pg_catalog.to_jsonb(k.names) as keys,
  (select pg_catalog.jsonb_agg(quote_ident(s.nspname) || '.' || quote_ident(t.typname) order by pg_catalog.array_position(k.names, a.attname::text))
    from pg_attribute a join pg_type t on t.oid = a.atttypid join pg_namespace s on s.oid = t.typnamespace
    where a.attrelid = c.oid and a.attname = any(k.names)) as key_types,
  (${TRIGGER_ARGUMENTS})[2] as tenant, (${TRIGGER_ARGUMENTS})[6] as owned, c.relowner::regrole::text as owner,
  l.nspowner::regrole::text as log_owner, c.relowner = l.nspowner or r.rolsuper as is_trusted
from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_namespace l on l.nspname = 'noclobber'
join pg_roles r on r.oid = c.relowner
join pg_trigger g on g.tgrelid = c.oid and g.tgname = 'zz_noclobber_stamp'
cross join lateral (select ${keyOf('c.oid')}) k(names)
where c.oid = to_regclass(?) and k.names is not null`

/** A row of a tracked table that is part of another record. */
export interface Part {
  table: string
  /** As the caller wrote it. */
  shown: string
  /** See {@link keyArgument}. */
  key: string
  /** Empty where the table has none. */
  tenant: string
  owned: Owned
}

/** Takes a table's part triggers away. */
export const dropPart = async (knex: Knex, table: string): Promise<void> => {
  for (const name of PART_TRIGGERS)
    await knex.raw(asIs(`drop trigger if exists ${name} on ${quoteTable(table)}`))
}

/** Takes away what raises a parent's version. */
export const dropParent = async (knex: Knex, table: string): Promise<void> => {
  await knex.raw(asIs(`drop trigger if exists ${PARENT_TRIGGER} on ${quoteTable(table)}`))
}

/** A parent's column for the version, and the one that a part sets to what it is, so that the version rises. */
const raisedBy = ({ version, updatedAt }: Owned): [string, string] => [
  version.name,
  (updatedAt ?? version).name,
]

/** @param names Key and tenant of the parent, and what its triggers own. */
const raiseParent = async (knex: Knex, table: string, names: string[]) => {
  const { rows } = await knex.raw(
    `select noclobber.trigger_function('stamp_parent', cast(? as text[])) as made`,
    [arrayText(names)],
  )
  await dropParent(knex, table)
  await knex.raw(
    asIs(`create trigger ${PARENT_TRIGGER} before update on ${quoteTable(table)} for each row
      when (current_setting('noclobber.part', true) <> '') execute function noclobber.${rows[0].made}()`),
  )
}

const PARTS = `
select exists (select from pg_trigger g where g.tgrelid = to_regclass(:table) and g.tgname = '${PARENT_TRIGGER}') as "isParent",
  (select pg_catalog.string_agg(p.relid::regclass::text, ', ') from (
    select g.tgrelid as relid, ${TRIGGER_ARGUMENTS} as args from pg_trigger g where g.tgname = '${PART_TRIGGER}' and g.tgparentid = 0) p
    where to_regclass(p.args[4]) = to_regclass(:table)
      and (p.args[11:12] <> cast(:raised as text[]) or p.args[6] <> :key or p.args[9] <> :types)) as parts`

/**
 * Keeps a table that is tracked anew a parent, if it is one.
 *
 * @param keys The columns of its key.
 * @param names Key and tenant, and what its triggers own.
 * @throws Error with a sentence where its parts know its columns by other names, or its key by another type.
 */
export const keepParent = async (
  knex: Knex,
  { table, shown }: { table: string; shown: string },
  keys: string[],
  names: string[],
  owned: Owned,
): Promise<void> => {
  const [{ key_types: types }] = (await knex.raw(PARENT, [quoteTable(table)])).rows
  const known = {
    table: quoteTable(table),
    raised: arrayText(raisedBy(owned)),
    key: keyArgument(keys),
    types: keyArgument(types),
  }
  const [found] = (await knex.raw(PARTS, known)).rows
  if (found.parts)
    throw new Error(
      `Table ${shown} can't be tracked: ${found.parts} is part of it by the columns that it had. Untrack that first, and track it again afterwards.`,
    )
  if (found.isParent) await raiseParent(knex, table, names)
}

/**
 * Makes a table's rows parts of their parents.
 *
 * @param shown The parent's name as the caller wrote it.
 * @throws Error with a sentence where the parent isn't tracked or is the table itself.
 */
export const trackPart = async (knex: Knex, part: Part, partOf: PartOf, shown: string): Promise<void> => {
  const { table, field = '' } = partOf
  const columns = columnsOfPart(partOf)
  const refuse = (why: string): never => {
    throw new Error(`Table ${part.shown} can't be part of ${shown}: ${why}`)
  }
  const found = await knex.raw(PARENT, [quoteTable(table)])
  const [parent] = found.rows
  if (!parent) return refuse(`track ${shown} first.`)
  if (columns.length !== parent.keys.length)
    refuse(
      `its key is of ${parent.keys.length === 1 ? 'the column' : 'the columns'} ${parent.keys.join(', ')}: name as many columns that hold it, in that order.`,
    )
  if (!parent.is_trusted)
    refuse(
      `it belongs to ${parent.owner} and the change log to ${parent.log_owner}. A write of parts writes their parent with the log's rights: give both to one role.`,
    )
  const own = await knex.raw('select to_regclass(?) = to_regclass(?) as same', [
    quoteTable(table),
    quoteTable(part.table),
  ])
  if (own.rows[0].same) refuse('a record is no part of itself.')
  const owned = ownedBy(parent.owned)
  const parentTable = `${quoteName(parent.schema)}.${quoteName(parent.name)}`
  const values = [
    part.key,
    keyArgument(columns),
    part.tenant,
    parentTable,
    parent.source,
    keyArgument(parent.keys),
    parent.tenant,
    field,
    keyArgument(parent.key_types),
    part.owned.version.name,
    ...raisedBy(owned),
  ]
  const args = values.map(quoteText).join(', ').replaceAll('?', '\\?')
  for (const { name, event, call, referencing } of partTriggers)
    await knex.raw(`create trigger ${name} ${event === 'truncate' ? 'before' : 'after'} ${event} on ${quoteTable(part.table)}
      ${referencing} for each statement execute function noclobber.${call}(${args})`)
  await raiseParent(knex, parentTable, [keyArgument(parent.keys), parent.tenant, ...ownedList(owned)])
}
