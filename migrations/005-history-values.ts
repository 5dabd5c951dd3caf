// Before and after values of changes, for tables that ask for them: `trackTable(knex, 'orders', { history: 'values' })`.
// Invariant: kept in the change's own row of the log, in the same transaction, and gone with it when it is pruned. A
// table that doesn't ask has none of these triggers and pays nothing. A deletion needs none: the log keeps its row.
import type { Knex } from 'knex'
import { TRUSTED_TYPES } from './functions/types.ts'

const COLUMN = `
alter table noclobber.record_changes add column changed_values jsonb;

comment on column noclobber.record_changes.changed_values is
  'Of tables tracked with history: values. By column [before, after]; of a creation those that are not null.';
`

interface Names {
  /** SQL for row t as jsonb. */
  row: string
  source: string
  key: string
  unkept: string
}

const CREATED = ({ row, source, key, unkept }: Names) => `
    update noclobber.record_changes c set changed_values = coalesce((
      select jsonb_object_agg(e.key, jsonb_build_array(null, e.value)) from jsonb_each(n.r - ${unkept}) e
      where e.value <> 'null'), '{}')
    from (select ${row} as r from new_rows t) n
    where c.xid = pg_current_xact_id() and c.table_name = ${source}
      and c.record_id = n.r->>${key} and c.version = (n.r->>'version')::bigint`

const UPDATED = ({ row, source, key, unkept }: Names) => `
    update noclobber.record_changes c set changed_values = coalesce((
      select jsonb_object_agg(e.key, jsonb_build_array(b.o->e.key, e.value)) from jsonb_each(b.n - ${unkept}) e
      where e.value is distinct from b.o->e.key and (b.o is not null or e.value <> 'null')), '{}')
    from (select o.r as o, n.r as n from (select ${row} as r from new_rows t) n
      left join (select ${row} as r from old_rows t) o on o.r->>${key} = n.r->>${key}
      where coalesce((n.r->>'version')::bigint = (o.r->>'version')::bigint + 1, true)) b
    where c.xid = pg_current_xact_id() and c.table_name = ${source}
      and c.event <> 'deleted' and c.record_id = b.n->>${key} and c.version = (b.n->>'version')::bigint`

const OWN = { row: 'to_jsonb(t.*)', source: 'source', key: 'tg_argv[0]', unkept: 'unkept' }
const SOMEBODYS = { row: 'ROW', source: '$1', key: '$2', unkept: '$3' }

// AFTER each statement, behind the trigger that writes the log. Trigger arguments: the key, and the housekeeping columns. Where a
// column's type is somebody else's, see functions/types.ts, the statement is written for the table.
const LOG_VALUES = `
create function noclobber.log_values() returns trigger language plpgsql
  security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
  source text := tg_table_schema || '.' || tg_table_name;
  unkept text[] := array['version', 'updated_at', 'updated_by'] || tg_argv[1]::text[];
begin
  if ${TRUSTED_TYPES} then
    if tg_op = 'INSERT' then${CREATED(OWN)};
    else${UPDATED(OWN)};
    end if;
  else
    execute replace(case tg_op when 'INSERT' then $rows$${CREATED(SOMEBODYS)}$rows$
      else $rows$${UPDATED(SOMEBODYS)}$rows$ end, 'ROW', noclobber.row_json(tg_relid, 't'))
      using source, tg_argv[0], unkept;
  end if;
  return null;
end $$;
`

export const VALUES_FUNCTION = LOG_VALUES.replaceAll('?', '\\?')

export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(COLUMN)
  await knex.raw(VALUES_FUNCTION)
}

/** What was kept goes; the tables stay tracked. */
export const down = async (knex: Knex): Promise<void> => {
  await knex.raw('drop function noclobber.log_values() cascade')
  await knex.raw('alter table noclobber.record_changes drop column changed_values')
}
