// The function that writes a tracked table's updates into the log: one for each pair of names that key and tenant's column
// have (made-functions.ts), because a column that is named is read at a fraction of what a row turned into jsonb costs.
// Invariant: each change is logged once. Which fields it changed is found by comparing the rows, except for what a save
// of ours vouches for: its own statement has compared the columns that it sets, and nothing else on that table sets any.

import { TRUSTED_TYPES } from './types.ts'
import { linesOf, SETTING, toldOf } from './writer-setting.ts'

/** Logs rows one by one, those that stayed and those that went to another key or tenant. `row`: t as jsonb. */
const LOG_ROWS = (verb: string, row: string, [source, key, tenant, lists, origin]: string[]) =>
  `${verb} noclobber.log_change(${source}, ${key}, ${tenant}, ${lists}, ${origin}, o.r, n.r)
          from (select ${row} r from old_rows t) o full join (select ${row} r from new_rows t) n
            on o.r->>${key} = n.r->>${key} and coalesce(o.r->>${tenant}, '') = coalesce(n.r->>${tenant}, '')
          where coalesce((n.r->>'version')::bigint = (o.r->>'version')::bigint + 1, true)`

// AFTER each UPDATE. First what a save of ours tells, see writer-setting.ts, of the one record that it names; its values are taken
// by `concat` or as `exactly` their type, see types.ts: to look whose the types are would cost a save more. Any other update
// of one row that stays where it was is logged by one statement and little around it; up to 20 rows are joined as jsonb; more go
// into bundles by a statement written for their table. Where a column's type is somebody else's, one row goes the way of 20.
// The rows that a foreign key updates in the same table come together with those of the statement that it follows, so a
// record may be there twice: it goes up by one each time.
export const LOG_UPDATE_BODY = `
#variable_conflict use_variable
declare
  told text[] := ${linesOf(SETTING)};
begin
  if ${toldOf('table', 'told')} = tg_argv[4] and ${toldOf('fields', 'told')} <> '{}' and noclobber.is_signed(told) then
    insert into noclobber.record_changes (table_name, record_id, version, event, tenant_id, changed_fields, scopes,
      updated_at, updated_by, tab_id, socket_id)
    select tg_table_schema || '.' || tg_table_name, concat(n.%1$I), concat(n.version)::bigint, 'updated', %3$s,
      ${toldOf('fields', 'told')}::text[], ${toldOf('scopes', 'told')}::jsonb, noclobber.exactly(n.updated_at, null::timestamptz),
      noclobber.exactly(n.updated_by, null::jsonb), ${toldOf('tab_id', 'told')}, ${toldOf('socket_id', 'told')}
    from new_rows n where concat(n.%1$I) = ${toldOf('id', 'told')} and concat(n.version) = ${toldOf('version', 'told')}
      and not exists (select from new_rows offset 1);
    if found then
      return null;
    end if;
  end if;
  declare
    source text := tg_table_schema || '.' || tg_table_name;
    origin jsonb := case when ${toldOf('writer', 'told')} <> '' then noclobber.origin() end;
    trusted boolean := true;
    row_count bigint := 1;
    moved boolean;
    planning text[];
  begin
    insert into noclobber.record_changes (table_name, record_id, version, event, tenant_id, changed_fields, scopes,
      updated_at, updated_by, tab_id, socket_id, import_id)
    select source, n.key, n.version::bigint, 'updated', n.tenant, array(
        select e.key from jsonb_each(n.r) e
        where e.value is distinct from o.r->e.key and e.key not in ('version', 'updated_at', 'updated_by')),
      case when tg_argv[2] <> '{}' then noclobber.scopes_of(tg_argv[2]::text[], o.r, n.r) end,
      n.updated_at, n.updated_by, origin->>'tab_id', origin->>'socket_id', origin->>'import_id'
    from (select case when ${TRUSTED_TYPES} then to_jsonb(n.*) end as r,
        concat(n.%1$I) as key, %3$s as tenant, concat(n.version) as version,
        noclobber.exactly(n.updated_at, null::timestamptz) as updated_at,
        noclobber.exactly(n.updated_by, null::jsonb) as updated_by from new_rows n limit 1) n,
      lateral (select case when n.r is not null then to_jsonb(o.*) end as r, concat(o.%1$I) as key, %4$s as tenant,
        concat(o.version) as version from old_rows o limit 1) o
    where n.r is not null and n.version <> o.version and n.key = o.key and n.tenant is not distinct from o.tenant
      and not exists (select from new_rows offset 1);
    if not found then
      select count(*), ${TRUSTED_TYPES} into row_count, trusted from (select from new_rows limit 21) r;
      if not trusted then
        perform noclobber.check_own_columns(tg_relid);
      end if;
      if row_count between 1 and 20 and trusted then
        ${LOG_ROWS('perform', 'to_jsonb(t.*)', ['source', 'tg_argv[0]', 'tg_argv[1]', 'tg_argv[2]::text[]', 'origin'])};
      elsif row_count between 1 and 20 then
        execute replace($rows$${LOG_ROWS('select', 'ROW', ['$1', '$2', '$3', '$4', '$5'])}$rows$, 'ROW', noclobber.row_json(tg_relid, 't'))
          using source, tg_argv[0], tg_argv[1], tg_argv[2]::text[], origin;
      elsif row_count > 20 then
        planning := noclobber.plan_by(array['off', 'off', 'off', case when pg_size_bytes(current_setting('work_mem')) <
          pg_size_bytes('32MB') then '32MB' else current_setting('work_mem') end]);
        execute noclobber.bundle_statement('UPDATE', tg_relid, source, tg_argv[0], tg_argv[1], tg_argv[2]::text[])
          into moved using noclobber.writer(), origin->>'tab_id', origin->>'socket_id', origin->>'import_id';
        perform noclobber.plan_by(planning);
        if moved then
          execute noclobber.log_statement('MOVE', tg_relid, source, tg_argv[0], tg_argv[1], tg_argv[2]::text[])
            using noclobber.writer(), origin->>'tab_id', origin->>'socket_id', origin->>'import_id';
        end if;
        perform noclobber.unbundle_at_once(tg_relid);
      end if;
    end if;
    if row_count > 0 and origin->>'node' is null then
      perform pg_notify('noclobber', '');
    end if;
  end;
  return null;
end `

// How PostgreSQL is to plan while a statement of many rows is logged; answers how it did before. The two sides are hashed,
// in memory: sorting them, as it would rather do, is a third more work. Compiling the statement takes longer than running it.
export const PLAN_FUNCTIONS = `
create function noclobber.plan_by(wanted text[]) returns text[] language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  before text[] := array[current_setting('jit'), current_setting('enable_mergejoin'), current_setting('enable_sort'),
    current_setting('work_mem')];
begin
  perform set_config('jit', wanted[1], true), set_config('enable_mergejoin', wanted[2], true),
    set_config('enable_sort', wanted[3], true), set_config('work_mem', wanted[4], true);
  return before;
end $$;
`
