-- Whether a column's type can be trusted. PostgreSQL calls functions of a type's owner where a value is cast, and to_jsonb
-- calls a cast to json that the owner made; the log's functions run with the rights of the log's owner.
-- Invariant: with those rights a value of another owner's type is read by concat only, which calls the type's output
-- function: only a superuser can make one. Even planning a cast may run its function, so the way to read a value is chosen
-- before a statement that casts is planned.
--
-- Trusted are types of PostgreSQL, of superusers and of the log's owner, and what is made of these alone: only their own
-- owners can change them. A domain's owner can change its checks, which reading doesn't run. The caller of these two sets
-- the search path. PostgreSQL's own types have numbers below 16384.
create function noclobber.is_trusted_owner(owner oid) returns boolean language sql stable as $$
  select exists (select from pg_roles r where r.oid = owner and (r.rolsuper or r.rolname = current_user))
$$;

create function noclobber.is_trusted_type(type_id oid) returns boolean language plpgsql stable as $$
declare
  t pg_type;
begin
  if type_id < 16384 then
    return true;
  end if;
  select * into t from pg_type p where p.oid = type_id;
  if t.typtype = 'd' then
    return noclobber.is_trusted_type(t.typbasetype);
  elsif t.typcategory = 'A' then
    return noclobber.is_trusted_type(t.typelem);
  end if;
  return noclobber.is_trusted_owner(t.typowner) and not exists (select from pg_attribute a
    where t.typrelid <> 0 and a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
      and not noclobber.is_trusted_type(a.atttypid));
end $$;

-- SQL of a column's value. A virtual generated column has none in the rows that a trigger gets: it is computed there. What it is
-- generated from has PostgreSQL's own types and functions alone.
create function noclobber.value_of(relation oid, row_name text, column_name text) returns text language sql stable
  set search_path = pg_catalog, pg_temp set quote_all_identifiers = off as $$
  select coalesce((select format('(select %s from (select %s.*) v)', pg_get_expr(d.adbin, d.adrelid), row_name)
    from pg_attribute a join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = relation and a.attname = column_name and a.attgenerated = 'v'), format('%s.%I', row_name, column_name))
$$;

-- SQL that reads a column as text, null where it is null: a date or a time without zone as JSON has it, whatever DateStyle is. A name that is no column is refused: PostgreSQL would take
-- "n.to_json" for a call of that function.
create function noclobber.text_of(relation oid, row_name text, column_name text) returns text language plpgsql stable
  set search_path = pg_catalog, pg_temp as $$
declare
  kind oid := (select a.atttypid from pg_attribute a
    where a.attrelid = relation and a.attname = column_name and a.attnum > 0);
  trusted boolean := noclobber.is_trusted_type(kind);
begin
  if kind is null then
    raise undefined_column using message = format('Table %s has no column %s: track it again.', relation::regclass, column_name);
  end if;
  return format(case when kind in ('date'::regtype, 'timestamp'::regtype) then '(to_jsonb(%1$s) #>> ''{}'')' when trusted then '%1$s::text'
    else 'case when num_nulls(%1$s) = 0 then concat(%1$s) end' end, noclobber.value_of(relation, row_name, column_name));
end $$;

-- SQL that reads a tenant or a list's parent as the log and the rooms have it: as JSON shows the value. The text of char(n) lacks the
-- blanks at its end, that of inet names a mask.
create function noclobber.shown_text(relation oid, row_name text, column_name text) returns text language sql stable
  set search_path = pg_catalog, pg_temp as $$
  with recursive d(oid, base) as (
    select a.atttypid, t.typbasetype from pg_attribute a join pg_type t on t.oid = a.atttypid
      where a.attrelid = relation and a.attname = column_name and a.attnum > 0
    union all select t.oid, t.typbasetype from d join pg_type t on t.oid = d.base)
  select case when noclobber.is_trusted_type((select d.oid from d where d.base = 0))
      and not exists (select from d join pg_type t on t.oid = d.oid where d.base = 0 and (t.typtype = 'e'
        or t.oid in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'uuid'::regtype, 'text'::regtype, 'varchar'::regtype)))
    then format('(to_jsonb(%s) #>> ''{}'')', noclobber.value_of(relation, row_name, column_name)) else noclobber.text_of(relation, row_name, column_name) end
$$;

-- What differs, see differs.sql.
create function noclobber.differs(type text, was text, now text) returns text language sql immutable
  set search_path = pg_catalog, pg_temp as $$
  select :differs from (values ($1, $2, $3)) d(type, was, now)
$$;

-- The same of rows that are jsonb, of plain types alone, see plain-types.sql: their JSON differs wherever they do.
create function noclobber.differing(old_row jsonb, new_row jsonb, owned text[]) returns text[] language sql immutable
  set search_path = pg_catalog, pg_temp as $$
  select array(select e.key from jsonb_each(new_row) e
    where record_image_ne(row(e.value), row(old_row->e.key)) and e.key <> all(owned[:3]))
$$;

-- SQL that reads a whole row as jsonb, 50 columns a call. An array of an untrusted type becomes an array of texts, any
-- other value of such a type a text.
create function noclobber.row_json(relation oid, row_name text) returns text language sql stable
  set search_path = pg_catalog, pg_temp as $$
  select string_agg(format('jsonb_build_object(%s)', j.pairs), ' || ')
  from (select string_agg(format('%L, ' || case when c.atttypid < 16384 or noclobber.is_trusted_type(c.atttypid) then '%s'
        when c.typcategory = 'A' then 'case when num_nulls(%2$s) = 0 then concat(%2$s)::text[] end'
        else 'case when num_nulls(%2$s) = 0 then concat(%2$s) end' end, c.attname, noclobber.value_of(relation, row_name, c.attname)), ', ' order by c.at) as pairs
    from (select a.attname, a.atttypid, t.typcategory, row_number() over (order by a.attnum) - 1 as at
      from pg_attribute a join pg_type t on t.oid = a.atttypid
      where a.attrelid = relation and a.attnum > 0 and not a.attisdropped) c
    group by c.at / 50) j
$$;

-- Refuses a table whose version, time or writer has an untrusted type.
create function noclobber.check_own_columns(relation oid, owned text[]) returns void language plpgsql stable
  set search_path = pg_catalog, pg_temp as $$
declare
  strange text := (select string_agg(a.attname, ', ' order by a.attnum) from pg_attribute a
    where a.attrelid = relation and a.attname = any(owned[:3])
      and not noclobber.is_trusted_type(a.atttypid));
begin
  if strange is not null then
    raise datatype_mismatch using
      message = format('Table %s can''t be written: %s is of another type than tracking asks for.', relation::regclass, strange);
  end if;
end $$;

-- A value, where its type is exactly that of the other one. Anything else is a parse error, and nothing is cast. It is
-- inlined when a statement is planned, and costs nothing.
create function noclobber.exactly(value anyelement, of_type anyelement) returns anyelement language sql immutable as $$
  select value
$$;
