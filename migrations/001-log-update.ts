// The function that writes a tracked table's updates into the log: one for each pair of names that key and tenant's column
// have, because a column that is named is read at a fraction of what a row turned into jsonb costs.
// Invariant: each change is logged once. Which fields it changed is found by comparing the rows, except for what a save
// of ours vouches for: its own statement has compared the columns that it sets, and nothing else on that table sets any.

import { linesOf, SETTING, toldOf } from './writer-setting.ts'

// AFTER each UPDATE. First what a save of ours tells, see writer-setting.ts, of the one record that it names. Any other
// update of one row that stays where it was is logged by one statement and little around it; up to 20 rows are joined as
// jsonb; more go into bundles by a statement written for their table. The rows that a foreign key updates in the same table
// come together with those of the statement that it follows, so a record may be there twice: it goes up by one each time.
const BODY = `
create function noclobber.log_update_body(key_column text, tenant_column text) returns text language sql stable
  set search_path = pg_catalog, pg_temp as $$
  select case when tenant_column = '' then regexp_replace(t.body, '[no]\\.TENANT_COLUMN', 'null', 'g')
    else replace(t.body, '.TENANT_COLUMN', '.' || quote_ident(tenant_column)) end
  from (values (replace($body$
#variable_conflict use_variable
declare
  told text[] := ${linesOf(SETTING)};
begin
  if ${toldOf('table', 'told')} = tg_argv[4] and ${toldOf('fields', 'told')} <> '{}' and noclobber.is_signed(told) then
    insert into noclobber.record_changes (table_name, record_id, version, event, tenant_id, changed_fields, scopes,
      updated_at, updated_by, tab_id, socket_id)
    select tg_table_schema || '.' || tg_table_name, n.KEY_COLUMN::text, n.version, 'updated', n.TENANT_COLUMN::text,
      ${toldOf('fields', 'told')}::text[], ${toldOf('scopes', 'told')}::jsonb, n.updated_at, n.updated_by,
      ${toldOf('tab_id', 'told')}, ${toldOf('socket_id', 'told')}
    from new_rows n where n.KEY_COLUMN::text = ${toldOf('id', 'told')} and n.version = ${toldOf('version', 'told')}::bigint
      and not exists (select from new_rows offset 1);
    if found then
      return null;
    end if;
  end if;
  declare
    source text := tg_table_schema || '.' || tg_table_name;
    origin jsonb := noclobber.origin();
    row_count bigint := 1;
    moved boolean;
    planning text[];
  begin
    insert into noclobber.record_changes (table_name, record_id, version, event, tenant_id, changed_fields, scopes,
      updated_at, updated_by, tab_id, socket_id, import_id)
    select source, n.key, n.version, 'updated', n.tenant, array(
        select e.key from jsonb_each(n.r) e
        where e.value is distinct from o.r->e.key and e.key not in ('version', 'updated_at', 'updated_by')),
      case when tg_argv[2] <> '{}' then noclobber.scopes_of(tg_argv[2]::text[], o.r, n.r) end,
      n.updated_at, n.updated_by, origin->>'tab_id', origin->>'socket_id', origin->>'import_id'
    from (select to_jsonb(n.*) as r, n.KEY_COLUMN::text collate "C" as key, n.TENANT_COLUMN::text collate "C" as tenant,
        n.version, n.updated_at, n.updated_by from new_rows n limit 1) n,
      (select to_jsonb(o.*) as r, o.KEY_COLUMN::text collate "C" as key, o.TENANT_COLUMN::text collate "C" as tenant,
        o.version from old_rows o limit 1) o
    where n.version <> o.version and n.key = o.key and n.tenant is not distinct from o.tenant
      and not exists (select from new_rows offset 1);
    if not found then
      row_count := (select count(*) from (select from new_rows limit 21) r);
      if row_count between 1 and 20 then
        perform noclobber.log_change(source, tg_argv[0], tg_argv[1], tg_argv[2]::text[], origin, o.r, n.r)
          from (select to_jsonb(t.*) r from old_rows t) o full join (select to_jsonb(t.*) r from new_rows t) n
            on o.r->>tg_argv[0] = n.r->>tg_argv[0] and coalesce(o.r->>tg_argv[1], '') = coalesce(n.r->>tg_argv[1], '')
          where coalesce((n.r->>'version')::bigint = (o.r->>'version')::bigint + 1, true);
      elsif row_count > 20 then
        planning := noclobber.plan_by(array['off', 'off', 'off', case when pg_size_bytes(current_setting('work_mem')) <
          pg_size_bytes('32MB') then '32MB' else current_setting('work_mem') end]);
        execute noclobber.bundle_statement('UPDATE', tg_relid, source, tg_argv[0], tg_argv[1], tg_argv[2]::text[])
          into moved using noclobber.writer(), origin->>'tab_id', origin->>'socket_id', origin->>'import_id';
        perform noclobber.plan_by(planning);
        if moved then
          execute noclobber.log_statement('MOVE', source, tg_argv[0], tg_argv[1], tg_argv[2]::text[])
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
end $body$, '.KEY_COLUMN', '.' || quote_ident(key_column)))) t(body)
$$;
`

// How PostgreSQL is to plan while a statement of many rows is logged; answers how it did before. The two sides are hashed,
// in memory: sorting them, as it would rather do, is a third more work. Compiling the statement takes longer than running it.
const PLAN_BY = `
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

// Whoever tracks a table needs no right on the log's schema. What is there as it should be is left alone.
const MAKE = `
create function noclobber.log_update_of(key_column text, tenant_column text) returns text language plpgsql
  security definer set search_path = pg_catalog, pg_temp as $$
declare
  body text := noclobber.log_update_body(key_column, tenant_column);
  name text := 'log_update_' || left(md5(key_column || E'\\n' || tenant_column), 12);
begin
  perform pg_advisory_xact_lock(hashtext('noclobber.log_update_of'));
  if not exists (select from pg_proc p where p.pronamespace = 'noclobber'::regnamespace and p.proname = name
      and p.prosrc = body and p.prosecdef and p.proconfig = array['search_path=pg_catalog, pg_temp']) then
    execute format('create or replace function noclobber.%I() returns trigger language plpgsql
      security definer set search_path = pg_catalog, pg_temp as %L', name, body);
  end if;
  return name;
end $$;
`

export const LOG_UPDATE_FUNCTIONS = [PLAN_BY, BODY, MAKE].join('\n')
