-- The bodies of trigger functions that are made for columns of certain names, because a column that is named is read at a
-- fraction of what a row turned into jsonb costs. Made by trigger-function.sql.
-- Invariant: a name is data. format quotes it in one pass, so no name is read for another's placeholder.
-- A seventh argument of a trigger is the name of the table whose partition the trigger is on, see partitions.ts.
-- The names: key (see record-id.sql), tenant, the six of log-change.sql that say what the triggers own; then of stamp_update the
-- housekeeping columns, of log_update the table's tag, its lists, and what columns_of says of it.
-- In the bodies: 1 the id of the row n, 18, 19, 20 and 16 those of o, t, new and old, read by concat; 2 the housekeeping columns put
-- back, 3 and 4 the new and the old row's tenant, read by concat, 5 that a tombstone is of the new row's tenant; 7, 8, 9 the
-- columns for version, time and writer, 6, 10, 11 their types; 12 the time as it is now, 13 and 14 the new row's time and writer
-- for the log, 15 what sets the writer; 17 the three columns; 21 the tag, 22 the columns with their
-- types, 23, 24 and 25 of the rows o and n the
-- changed fields, the lists, and that they are of one key and tenant; 26 the lists as a node names them,
-- 27 the function's own name.
-- A line that names a column for the time (8) or the writer (9) is left out where the table has none.
--
-- log_update, after each UPDATE. First the change set that a node's save precomputes, see writer-setting.ts, for the one record that it
-- names: its statement compared the columns that it sets, and nothing else on that table sets any. Where a trigger came since, the name
-- of the table is null: the save fails, and the node sends it again as any other. The signature is looked at in an expression of its own,
-- see signature.sql. The row's values are read by concat or as exactly their type, see types.sql: looking up the types would cost a save
-- more. No other row can come with it: it is found by its key, and a table that a foreign key updates isn't plain. Any other update of
-- one row that kept its key is logged by one statement. That compares the columns by their names, while the table has those that it had
-- when it was tracked, else the rows as jsonb; what would name a column that is gone isn't parsed then. How many rows there are is what
-- GET DIAGNOSTICS says of the question for the columns: a subquery would cost twenty times that. Up to 20 rows are joined as jsonb, or by
-- a statement written for the table where JSON doesn't show each difference of its types; more go into batches. Rows that a foreign key updates in the same table come with those
-- of the statement that caused it, so a record may be there twice: its versions go up by one each time, the first perhaps to the floor of
-- the history: a new row goes with the old one of the version before, or with the only one below. A row that differs at the same version
-- was changed by a trigger behind the stamp: refused, because a change without a version is missed.
--
-- keep_writer, before an UPDATE that sets the writer, puts it back: only the stamp sets it. stamp_parent: see parts.sql.
--
-- stamp_insert, stamp_key. A deleted id that comes back counts on after its tombstone, so that an editor with the old record can't
-- mistake the new one for it. The same where a record goes to a key, or a tenant, where one was deleted before. Another tenant's
-- tombstones don't count: the version would reveal them. Where a statement changes many keys, as in "id = id + 1", a record may come to
-- an id that another one has had until this statement: then, or where the log doesn't say so, it goes on above whatever version can have
-- been given, as a new history does. With a deferrable key two may exchange their ids in other ways, so such tables aren't tracked.
--
-- stamp_update, before each UPDATE of a row: stamps version, time and writer. Rows are compared whole, with housekeeping
-- and generated columns as they were (what is generated isn't there yet before the write), so columns that are added or
-- renamed later are seen at once. One that was dropped since is passed over.
-- Invariant: only the stamp decides a version. +1 for each change of a row, from the floor of the history on (history.sql), none
-- for a write that changes nothing.
-- It reads two lines of the setting, which costs less than to make an array of all. It runs for each row of every UPDATE, so it evaluates few expressions: PL/pgSQL prepares each one that it comes to anew
-- in every transaction, function by function. It sets no search path, which each row would pay for, so every name in it is
-- qualified. The session's writer stands in one expression with what it is compared with: two expressions may have been
-- planned at two times. A value that SQL set of version or time is detected here; of the writer, which is dear to compare, it
-- was put back by keep_writer, which only such statements fire. A trigger of the app that sets a writer makes a version.
-- Setting a column casts to its type, and checks it where it is a domain. So before one is set, the three are read as exactly
-- their types: another type is an error where the expression is parsed, and one that came later where it is evaluated. That
-- costs nothing; "(x is null) is not null" only sees to it that x is read.
-- A copy of the new row is compared: using NEW as a whole value reads its large values into it, and PostgreSQL would store
-- them anew at each update, although they haven't changed.
create function noclobber.trigger_body(kind text, names text[]) returns text language sql stable
  set search_path = pg_catalog, pg_temp set quote_all_identifiers = off as $made$
  with bodies(body) as (select case kind when 'log_update' then $log$
#variable_conflict use_variable
declare
  setting text := :setting;
begin
  if split_part(setting, E'\n', :line_fields) <> '' and split_part(setting, E'\n', :line_signature) = md5(concat(
      noclobber.node_key(), split_part(setting, E'\n', :line_record), E'\n', split_part(setting, E'\n', :line_tab_id), E'\n',
      split_part(setting, E'\n', :line_socket_id))) then
    insert into noclobber.record_changes (table_name, record_id, version, event, tenant_id, changed_fields, scopes,
      updated_at, updated_by, tab_id, socket_id)
    select noclobber.plain_name(%27$L), concat(%1$s), noclobber.exactly(n.%7$I, null::%6$s), 'updated',
      %3$s, string_to_array(split_part(setting, E'\n', :line_fields), ','), %26$s, %13$s,
      %14$s, nullif(split_part(setting, E'\n', :line_tab_id), ''), nullif(split_part(setting, E'\n', :line_socket_id), '')
    from new_rows n where split_part(setting, E'\n', :line_record) = concat(%21$L, n.%7$I, ' ', %1$s);
    if found then
      return null;
    end if;
  end if;
  declare
    source text;
    lines text[];
    origin jsonb;
    own_tab text;
    own_socket text;
    own_import text;
    plain boolean;
    row_count bigint;
    moved boolean;
    planning text[];
  begin
    if strpos(setting, E'\n') > 0 then
      lines := string_to_array(setting, E'\n', '');
      if noclobber.is_ours(lines) and noclobber.is_signed(lines) then
        origin := :origin_of_lines;
        own_tab := origin->>'tab_id';
        own_socket := origin->>'socket_id';
        own_import := origin->>'import_id';
      end if;
    end if;
    perform from new_rows where noclobber.has_columns(%27$L, %22$L) limit 2;
    get diagnostics row_count = row_count;
    if row_count = 1 then
      insert into noclobber.record_changes (table_name, record_id, version, event, tenant_id, changed_fields, scopes,
        updated_at, updated_by, tab_id, socket_id, import_id)
      select coalesce(noclobber.own_name(%27$L), :name_in_log), concat(%1$s), noclobber.exactly(n.%7$I, null::%6$s), 'updated', %3$s, %23$s, %24$s,
        %13$s, %14$s, own_tab, own_socket, own_import
      from new_rows n, old_rows o
      where noclobber.exactly(n.%7$I, null::%6$s) <> noclobber.exactly(o.%7$I, null::%6$s) and %25$s;
    else
      row_count := 1;
      insert into noclobber.record_changes (table_name, record_id, version, event, tenant_id, changed_fields, scopes,
        updated_at, updated_by, tab_id, socket_id, import_id)
      select :name_in_log, n.key, n.version::bigint, 'updated', n.tenant, noclobber.differing(o.r, n.r, %17$L),
        case when tg_argv[2] <> '{}' then noclobber.scopes_of(tg_argv[2]::text[], o.r, n.r) end,
        n.updated_at, n.updated_by, own_tab, own_socket, own_import
      from (select case when :plain_types then to_jsonb(n.*) end as r,
          concat(%1$s) as key, %3$s as tenant, concat(n.%7$I) as version,
          %13$s as updated_at,
          %14$s as updated_by from new_rows n limit 1) n,
        lateral (select case when n.r is not null then to_jsonb(o.*) end as r, concat(%18$s) as key, %4$s as tenant,
          concat(o.%7$I) as version from old_rows o limit 1) o
      where n.r is not null and n.version <> o.version and n.key = o.key and n.tenant is not distinct from o.tenant
        and not exists (select from new_rows offset 1);
    end if;
    if not found then
      source := :name_in_log;
      select count(*), :plain_types into row_count, plain from (select from new_rows limit 21) r;
      if not plain then
        perform noclobber.check_own_columns(tg_relid, tg_argv[5]::text[]);
      end if;
      if row_count between 1 and 20 and plain then
        perform noclobber.log_change(source, tg_argv[0], tg_argv[1], tg_argv[2]::text[], tg_argv[5]::text[], origin, o.r, n.r, tg_relid,
            noclobber.differing(o.r, n.r, tg_argv[5]::text[]))
          from (select to_jsonb(t.*) r from old_rows t) o full join (select to_jsonb(t.*) r from new_rows t) n
            on noclobber.id_in(o.r, tg_argv[0]) = noclobber.id_in(n.r, tg_argv[0]) and coalesce(o.r->>tg_argv[1], '') = coalesce(n.r->>tg_argv[1], '')
          where coalesce((n.r->>%7$L)::bigint = (o.r->>%7$L)::bigint + 1
            or (n.r->>%7$L)::bigint > (o.r->>%7$L)::bigint and not exists (select from old_rows t
              where concat(%19$s) = noclobber.id_in(n.r, tg_argv[0]) and concat(t.%7$I)::bigint = (n.r->>%7$L)::bigint - 1), true);
      elsif row_count between 1 and 20 then
        execute noclobber.few_statement(tg_relid, tg_argv[0], tg_argv[1], tg_argv[5]::text[])
          using source, tg_argv[0], tg_argv[1], tg_argv[2]::text[], tg_argv[5]::text[], origin, tg_relid;
      elsif row_count > 20 then
        planning := noclobber.plan_by(array['off', 'off', 'off', case when pg_size_bytes(current_setting('work_mem')) <
          pg_size_bytes('32MB') then '32MB' else current_setting('work_mem') end]);
        execute noclobber.batch_statement('UPDATE', tg_relid, source, tg_argv[0], tg_argv[1], tg_argv[2]::text[], tg_argv[5]::text[])
          into moved using noclobber.writer(), own_tab, own_socket, own_import;
        perform noclobber.plan_by(planning);
        if moved then
          execute noclobber.log_statement('MOVE', tg_relid, source, tg_argv[0], tg_argv[1], tg_argv[2]::text[], tg_argv[5]::text[])
            using noclobber.writer(), own_tab, own_socket, own_import;
        end if;
        perform noclobber.compact_at_once(tg_relid);
      end if;
      if (row_count between 1 and 20 and tg_argv[3] = '{}' or noclobber.heir_of(tg_relid) is not null) and exists (select from old_rows o, new_rows n
          where concat(%1$s) = concat(%18$s) and concat(n.%7$I) = concat(o.%7$I) and record_image_ne(row(n.*), row(o.*))) then
        perform noclobber.refuse_unstamped(tg_relid);
      end if;
    end if;
    if pg_trigger_depth() > 1 or current_setting('noclobber.nested', true) <> '' then
      source := :name_in_log;
      if pg_trigger_depth() > 1 or strpos(current_setting('noclobber.nested', true), source) > 0 then
        perform noclobber.order_changes(source, array(select concat(%1$s) from new_rows n));
      end if;
    end if;
    :wake_readers
  end;
  return null;
end $log$ when 'stamp_insert' then $insert$
declare
  setting pg_catalog.text := :setting;
begin
  :check_types
  new.%7$I := noclobber.next_version(coalesce((select max(c.version) :tombstones), 0), tg_relid);
  new.%8$I := %12$s;
  %15$s
  return new;
end $insert$
      when 'stamp_key' then $key$
declare
  setting pg_catalog.text := :setting;
begin
  :check_types
  new.%7$I := greatest(new.%7$I, (select max(c.version) + 1 :tombstones));
  if concat(%16$s) <> concat(%20$s) and (exists (select from noclobber.change_batches b where b.table_name = :name_of_table)
      or coalesce((select c.event <> 'deleted' :changes_of_the_id order by c.version desc, c.seq desc limit 1),
        (select h.xid <> '0' from noclobber.log_horizon h))) then
    new.%7$I := greatest(new.%7$I, (select max(c.version) + 1 :changes_of_the_id),
      noclobber.relation_floor('%6$s' = 'integer', noclobber.history_ms()));
  end if;
  return new;
end $key$
      when 'keep_writer' then $keep$
begin
  new.%9$I := old.%9$I;
  return new;
end $keep$
      when 'stamp_parent' then $parent$
declare
  setting text := :setting;
  marks text := current_setting('noclobber.part', true);
  source text := (select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.oid = coalesce(pg_partition_root(tg_relid), tg_relid));
begin
  :check_types
  if new.%7$I = old.%7$I and split_part(marks, E'\n', 1) =
      noclobber.part_mark(source, split_part(marks, E'\n', 2)) then
    new.%7$I := noclobber.next_version(old.%7$I, tg_relid);
    new.%8$I := %12$s;
    %15$s
  end if;
  return new;
end $parent$
      when 'stamp_update' then $update$
declare
  setting pg_catalog.text := :setting;
  touches boolean;
  after record := new;
begin
%2$s
  if after operator(pg_catalog.*<>) old
    and (noclobber.exactly(new.%9$I, null::%11$s) is null) is not null
    and noclobber.exactly(new.%7$I, null::%6$s) operator(pg_catalog.=) old.%7$I
    and noclobber.exactly(new.%8$I, null::%10$s) operator(pg_catalog.=) old.%8$I
    then
    new.%7$I := noclobber.next_version(old.%7$I, tg_relid);
    new.%8$I := %12$s;
    %15$s
    return new;
  end if;
  touches := coalesce(new.%7$I operator(pg_catalog.=) (old.%7$I operator(pg_catalog.+) 1), false);
  new.%7$I := old.%7$I;
  new.%8$I := old.%8$I;
  new.%9$I := old.%9$I;
  after := new;
%2$s
  if after operator(pg_catalog.*=) old and not touches then
    return new;
  end if;
  if (noclobber.exactly(new.%7$I, null::%6$s) is null) is not null
    and (noclobber.exactly(new.%8$I, null::%10$s) is null) is not null
    and (noclobber.exactly(new.%9$I, null::%11$s) is null) is not null
    then
    new.%7$I := noclobber.next_version(old.%7$I, tg_relid);
    new.%8$I := %12$s;
    %15$s
  end if;
  return new;
end $update$ end), writers(type, stamp) as (select t.type,
    format(case names[8] when 'jsonb' then $writer$if (pg_catalog.strpos(setting, E'\n') operator(pg_catalog.>) 0) is not true then
      new.%1$I := case when noclobber.session_writer() operator(pg_catalog.->>) 'actor'
          operator(pg_catalog.=) coalesce(:setting, '')
        and noclobber.session_writer() operator(pg_catalog.->>) 'role' operator(pg_catalog.=) session_user
        then noclobber.session_writer() operator(pg_catalog.->) 'writer' else noclobber.writer() end;
    elsif pg_catalog.split_part(setting, E'\n', :line_writer_signature) operator(pg_catalog.=)
        pg_catalog.md5(noclobber.node_key() operator(pg_catalog.||) pg_catalog.split_part(setting, E'\n', :line_writer)) then
      new.%1$I := pg_catalog.split_part(setting, E'\n', :line_writer)::pg_catalog.jsonb;
    else
      new.%1$I := noclobber.writer();
    end if;$writer$ when '' then '' else 'new.%1$I := noclobber.writer_key(tg_relid, %1$L)::%2$s;' end, names[5], t.type)
    from (select case when names[8] in ('jsonb', 'uuid', 'text') then 'pg_catalog.' || names[8] else names[8] end) t(type)), ids(row, id) as (
    select r.name, case when count(*) = 1 then min(format('%s.%I', r.name, k.name))
      else format('concat(%s)', string_agg(format('replace(replace(concat(%s.%I), ''!'', ''!0''), ''~'', ''!1'')', r.name, k.name),
        ', ''~'', ' order by k.at)) end
    from unnest(array['n', 'o', 't', 'new', 'old']) r(name),
      unnest(case when left(names[1], 1) = '{' then names[1]::text[] else array[names[1]] end) with ordinality k(name, at) group by r.name),
  columns(name, type, at) as (
    select names[at], names[at + 1], at from generate_series(11, cardinality(names), 2) at where kind = 'log_update'),
  sides(name, was, now) as (
    select c.name, format(f.form, 'o', c.name), format(f.form, 'n', c.name) from columns c, lateral (select
      case when c.type in ('smallint', 'integer', 'bigint', 'uuid') then '%1$s.%2$I'
        when c.type in ('text', 'character varying') then '%1$s.%2$I collate "C"'
        else 'case when num_nulls(%1$s.%2$I) = 0 then concat(%1$s.%2$I) end' end) f(form))
  select format(regexp_replace(regexp_replace(b.body, case when names[4] = '' then '^.*%8[$]I.*' else '^.*%0[$]I.*' end, '', 'gn'),
      case when names[5] = '' then '^.*%9[$]I.*' else '^.*%0[$]I.*' end, '', 'gn'),
    (select i.id from ids i where i.row = 'n'),
    case when kind = 'stamp_update' then (select format(E'  begin\n%s\n  exception when undefined_column then\n%s\n  end;',
        string_agg(format('    after.%1$I := old.%1$I;', name), E'\n' order by at),
        string_agg(format('    begin after.%1$I := old.%1$I; exception when undefined_column then null; end;', name), E'\n' order by at))
      from unnest(names[9:]) with ordinality u(name, at) having count(*) > 0) end,
    case when names[2] <> '' then format('case when n.%1$I is null then null else concat(n.%1$I) end', names[2]) else 'null::text' end,
    case when names[2] <> '' then format('case when o.%1$I is null then null else concat(o.%1$I) end', names[2]) else 'null::text' end,
    case when names[2] <> '' then format('and c.tenant_id is not distinct from case when new.%1$I is null then null else concat(new.%1$I) end',
      names[2]) end,
    names[6], names[3], names[4], names[5], names[7], w.type,
    case names[7] when 'timestamp with time zone' then 'pg_catalog.clock_timestamp()' else 'pg_catalog.timezone(''UTC'', pg_catalog.clock_timestamp())' end,
    case names[7] when 'timestamp with time zone' then format('noclobber.exactly(n.%I, null::timestamptz)', names[4])
      when '' then 'statement_timestamp()' else format('timezone(''UTC'', noclobber.exactly(n.%I, null::timestamp))', names[4]) end,
    case names[8] when 'jsonb' then format('noclobber.exactly(n.%I, null::jsonb)', names[5]) else 'noclobber.writer()' end,
    w.stamp, (select i.id from ids i where i.row = 'old'), names[3:5], (select i.id from ids i where i.row = 'o'), (select i.id from ids i where i.row = 't'),
    (select i.id from ids i where i.row = 'new'),
    names[9], case when not exists (select from columns c where c.type = 'a virtual column' or c.name = any(case kind when 'log_update' then names[10] end::text[])
      and c.type not in ('smallint', 'integer', 'bigint', 'uuid', 'text', 'character varying')) then names[11:] end,
    (select format('array_remove(array[%s]::text[], null)', string_agg(
      format('case when %s then %L end', :differs, d.name), ', ' order by d.at))
      from (select c.type, format('o.%I', c.name), format('n.%I', c.name), c.name, c.at from columns c) d(type, was, now, name, at)
      where d.name <> all(names[3:5])),
    (select coalesce('jsonb_build_object(' || string_agg(format('%1$L, to_jsonb(array_remove(array[%2$s, nullif(%3$s, %2$s)], null))',
      l.name, format(l.form, 'o', l.name), format(l.form, 'n', l.name)), ', ') || ')', 'null::jsonb')
      from (select l.name, 'case when num_nulls(%1$s.%2$I) = 0 then concat(%1$s.%2$I) end'
        from unnest(case kind when 'log_update' then names[10] end::text[]) l(name)) l(name, form)),
    (select string_agg(format('%s is not distinct from %s', s.now, s.was), ' and ') from sides s
      where s.name = names[2] or s.name = any(case when left(names[1], 1) = '{' then names[1]::text[] else array[names[1]] end)),
    case names[10] when '{}' then 'null::jsonb' else $scopes$nullif(split_part(setting, E'\n', :line_scopes), '')::jsonb$scopes$ end,
    kind || '_' || left(md5(array_to_json(names[:10])::text), 12))
  from bodies b, writers w
$made$;
