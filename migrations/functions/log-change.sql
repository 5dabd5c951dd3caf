-- The columns that the triggers own, as `owned` in these functions and as the sixth argument of a trigger: the names of version,
-- time and writer, then their types. Both are empty for a time or a writer that the table has no column for.

-- SQL that reads a row's time with its zone. A time without one is in UTC. Where there is no column it is the statement's, which
-- the statement itself can answer too.
create function noclobber.time_of(owned text[], row_name text) returns text language sql immutable
  set search_path = pg_catalog, pg_temp as $$
  select format(case owned[5] when '' then 'statement_timestamp()' when 'timestamp with time zone' then '%1$s.%2$I'
    else '%1$s.%2$I at time zone ''UTC''' end, row_name, owned[2])
$$;

-- The time of a row that is jsonb. It is inlined into log_change.
create function noclobber.time_in(owned text[], shown jsonb) returns timestamptz language sql stable as $$
  select case owned[5] when '' then statement_timestamp() when 'timestamp with time zone' then (shown->>owned[2])::timestamptz
    else (shown->>owned[2])::timestamp at time zone 'UTC' end
$$;

-- The lists that a change concerns, by column: the parents before and after.
create function noclobber.scopes_of(lists text[], old_row jsonb, new_row jsonb) returns jsonb
  language plpgsql immutable as $$
begin
  if lists = '{}' then
    return null;
  end if;
  return (select jsonb_object_agg(l.name, (
    select coalesce(jsonb_agg(distinct v.value), '[]') from (values (old_row->>l.name), (new_row->>l.name)) v(value)
    where v.value is not null)) from unnest(lists) l(name));
end $$;

-- Refuses rows that one statement deletes (or moves to another key) and inserts again, as "with gone as (delete … returning *) insert
-- … select … from gone": they were stamped before their deletion was logged, so their versions would stand for two contents.
create function noclobber.refuse_replaced(source text, id text) returns void language plpgsql
  set search_path = pg_catalog, pg_temp as $$
begin
  raise triggered_data_change_violation using
    message = format('%s %s is deleted and inserted by one statement: its versions would begin anew.', source, id),
    hint = 'UPDATE it, use INSERT … ON CONFLICT DO UPDATE, or delete and insert in two statements.';
end $$;

-- The table that inherits from this one, for whose rows PostgreSQL runs no trigger of this one; of a partitioned table none.
create function noclobber.heir_of(relation oid) returns regclass language sql stable
  set search_path = pg_catalog, pg_temp as $$
  select i.inhrelid from pg_inherits i join pg_class c on c.oid = i.inhparent where i.inhparent = relation and c.relkind = 'r' limit 1
$$;

-- Refuses a statement that has changed rows which the stamp hasn't seen.
create function noclobber.refuse_unstamped(relation oid) returns void language plpgsql
  set search_path = pg_catalog, pg_temp as $$
declare
  heir regclass := noclobber.heir_of(relation);
begin
  if heir is not null then
    raise triggered_data_change_violation using
      message = format('Table %s can''t be written: %s has come to inherit from it, and PostgreSQL runs no trigger of it for rows of that one.',
        relation::regclass, heir),
      hint = 'Take that one away: alter table … no inherit …. Or no longer track it: untrackTable(knex, …) or npx noclobber untrack ….';
  end if;
  raise triggered_data_change_violation using
    message = format('Table %s: a trigger changed a row after its version was set, so the log would miss the change.', relation::regclass),
    hint = 'PostgreSQL fires triggers by name. Rename that one, so that it comes before zz_noclobber_stamp: alter trigger … rename to ….';
end $$;

-- Writes one log row from a row as it was and as it is, with the columns that differ; null stands for "not there". If a deletion of the same id was still
-- uncommitted when the row was stamped, and is committed now, no version counted past it: the write must be sent again.
-- What depends on which of the two is there is computed ahead of the INSERT: within it PostgreSQL would expect a plan for each case
-- to be cheaper than one for all, and plan at every deletion.
create function noclobber.log_change(source text, key_column text, tenant_column text, lists text[], owned text[], origin jsonb,
  old_row jsonb, new_row jsonb, relation oid, changed text[]) returns void language plpgsql as $$
declare
  shown jsonb := coalesce(new_row, old_row);
  shown_id text := noclobber.id_in(shown, key_column);
  shown_version bigint := (shown->>owned[1])::bigint;
  logged_version bigint := case when new_row is null then noclobber.next_version(shown_version, relation) else shown_version end;
  is_replaced boolean;
begin
  if old_row is null then
    is_replaced := (select c.xid = pg_current_xact_id() from noclobber.record_changes c
      where c.table_name = source and c.record_id = shown_id and c.event = 'deleted'
        and (tenant_column = '' or c.tenant_id is not distinct from shown->>tenant_column) and c.version >= shown_version
      order by 1 desc limit 1);
    if is_replaced then
      perform noclobber.refuse_replaced(source, shown_id);
    elsif is_replaced is not null then
      raise serialization_failure using message = 'The record was deleted while it was being created: try again.';
    end if;
  end if;
  insert into noclobber.record_changes (table_name, record_id, version, event, tenant_id, changed_fields, scopes,
    updated_at, updated_by, tab_id, socket_id, import_id, old_row)
  values (source, shown_id, logged_version,
    case when new_row is null then 'deleted' when old_row is null then 'created' else 'updated' end,
    shown->>tenant_column,
    case when old_row is null or new_row is null then '{}' else changed end, noclobber.scopes_of(lists, old_row, new_row),
    case when new_row is null then clock_timestamp() else noclobber.time_in(owned, new_row) end,
    case when new_row is null or owned[6] <> 'jsonb' then noclobber.writer() else new_row->owned[3] end,
    origin->>'tab_id', origin->>'socket_id', origin->>'import_id',
    case when new_row is null then old_row end);
end $$;

-- The name in the log of the table whose partition this is, for a statement that names the partition: `root` is what it was called when
-- it was tracked. A detached partition keeps the triggers for statements and loses those for rows, so it is refused.
create function noclobber.partition_source(relation oid, root text) returns text language plpgsql stable
  set search_path = pg_catalog, pg_temp as $$
declare
  source text := (select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.oid = pg_partition_root(relation) and c.oid <> relation);
begin
  if source is null then
    raise object_not_in_prerequisite_state using
      message = format('Table %s can''t be written: it was a partition of %s and was detached, and has triggers of a partition still.',
        relation::regclass, root),
      hint = 'Take them away: untrackTable(knex, …) or npx noclobber untrack. Or track it as a table of its own.';
  end if;
  return source;
end $$;
