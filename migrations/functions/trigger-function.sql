-- The columns of a table with their types, in the order of their names: name, type, name, type. A virtual one has none that a row has.
create function noclobber.columns_of(relation oid) returns text[] language sql stable
  set search_path = pg_catalog, pg_temp set quote_all_identifiers = off as $$
  select array_agg(v.value order by a.attname collate "C", v.at) from pg_attribute a,
    lateral (values (a.attname::text, 1), (case a.attgenerated when 'v' then 'a virtual column' else format_type(a.atttypid, null) end, 2)) v(value, at)
  where a.attrelid = relation and a.attnum > 0 and not a.attisdropped
$$;

-- The tables whose updates a trigger function of this name logs: one, or a partitioned one and its partitions.
create function noclobber.relations_of(made text) returns oid[] language sql stable
  set search_path = pg_catalog, pg_temp as $$
  select coalesce(array_agg(g.tgrelid), '{}') from pg_proc p
  join pg_depend d on d.refclassid = 'pg_proc'::regclass and d.refobjid = p.oid and d.classid = 'pg_trigger'::regclass
  join pg_trigger g on g.oid = d.objid and g.tgname = 'zz_noclobber_update'
  where p.pronamespace = 'noclobber'::regnamespace and p.proname = made
$$;

-- Whether the tables of a trigger function have these columns still. To the planner it is a constant: it is asked within a
-- statement that reads a transition table, and such a statement is planned anew when its table is altered. By that time the
-- writer holds a lock on the table that no alteration passes; a snapshot that is older than the lock may show what was before.
-- What it says decides only how rows are compared.
create function noclobber.has_columns(made text, columns text[]) returns boolean language plpgsql immutable
  set search_path = pg_catalog, pg_temp as $$
begin
  return current_setting('transaction_isolation') in ('read committed', 'read uncommitted') and coalesce(
    (select bool_and(noclobber.columns_of(r.relation) = columns) from unnest(noclobber.relations_of(made)) r(relation)), false);
end $$;

-- The name in the log of the one table of a trigger function; null where it has several, or one that is a partition or has
-- some. To the planner a constant, in the same way: renaming a table or a schema makes every session plan anew.
create function noclobber.own_name(made text) returns text language plpgsql immutable
  set search_path = pg_catalog, pg_temp as $$
begin
  return (select min(concat(n.nspname, '.', c.relname)) from unnest(noclobber.relations_of(made)) r(relation)
    join pg_class c on c.oid = r.relation join pg_namespace n on n.oid = c.relnamespace
    having count(*) = 1 and bool_and(c.relkind = 'r' and not c.relispartition));
end $$;

-- The same name where nothing but the SET of an UPDATE decides what it changes in the table: no trigger but ours,
-- no key that cascades, no rule, no generated column, no partition. Then a node's save knows what it changed, and no other
-- row comes with the one that it names.
create function noclobber.plain_name(made text) returns text language plpgsql immutable
  set search_path = pg_catalog, pg_temp as $$
begin
  return (select noclobber.own_name(made) where (select bool_and(c.relkind = 'r' and not c.relispartition and not c.relhassubclass and not c.relhasrules
      and not exists (select from pg_attribute a where a.attrelid = c.oid and a.attgenerated <> '' and not a.attisdropped)
      and not exists (select from pg_trigger o where o.tgrelid = c.oid and not o.tgisinternal and o.tgtype & 16 <> 0
        and o.tgenabled in ('O', 'A') and not starts_with(o.tgname, 'zz_noclobber_'))
      and not exists (select from pg_constraint k join pg_index i on i.indrelid = c.oid and i.indisprimary
        where k.contype = 'f' and k.confrelid = c.oid and k.confupdtype in ('c', 'n', 'd') and not k.confkey <@ i.indkey::smallint[]))
    from unnest(noclobber.relations_of(made)) r(relation) join pg_class c on c.oid = r.relation));
end $$;

-- Makes the trigger function of a kind for these column names, and answers its name. That of log_update doesn't depend on the
-- table's columns, which change without it; those that it was made for stand in its comment. One that is there as it should be is left
-- alone. Only stamp_update has no search path, see trigger-body.sql, and only keep_writer has the writer's rights. A name of a function that takes a row would become a call of it if the column were dropped, so it is refused.
create function noclobber.trigger_function(kind text, names text[]) returns text language plpgsql
  security definer set search_path = pg_catalog, pg_temp set quote_all_identifiers = off as $$
declare
  body text := noclobber.trigger_body(kind, names);
  made text := kind || '_' || left(md5(array_to_json(case kind when 'log_update' then names[:10] else names end)::text), 12);
  taken text := (select min(p.proname) from pg_proc p where kind = 'log_update' and p.pronamespace = 'pg_catalog'::regnamespace and p.proname = any(names[2:5] || noclobber.key_columns(names[1]))
    and p.proargtypes[0] in ('record'::regtype, 'anyelement'::regtype, 'anycompatible'::regtype, 'anynonarray'::regtype,
      'anycompatiblenonarray'::regtype, '"any"'::regtype));
begin
  if body is null then
    raise invalid_parameter_value using message = format('There is no trigger function of kind %L.', kind);
  elsif taken is not null then
    raise reserved_name using message = format('PostgreSQL has a function %s that takes rows: a column can''t be tracked by that name.', taken);
  end if;
  perform from noclobber.log_epoch for update;
  if not exists (select from pg_proc p where p.pronamespace = 'noclobber'::regnamespace and p.proname = made
      and p.prosrc = body and p.prosecdef = (kind <> 'keep_writer') and p.proconfig is not distinct from case when kind <> 'stamp_update' then array['search_path=pg_catalog, pg_temp'] end) then
    execute format('create or replace function noclobber.%I() returns trigger language plpgsql
      %s %s as %L', made, case when kind <> 'keep_writer' then 'security definer' end, case when kind <> 'stamp_update' then 'set search_path = pg_catalog, pg_temp' end, body);
    execute format('revoke all on function noclobber.%I() from public', made);
    if kind = 'log_update' then
      execute format('comment on function noclobber.%I() is %L', made, names[11:]);
    end if;
  end if;
  return made;
end $$;
