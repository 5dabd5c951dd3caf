// Whose types a row's columns have. PostgreSQL calls functions of a type's owner where a value is cast, and `to_jsonb`
// calls a cast to json that the owner made; the functions of the log run with the rights of the log's owner.
// Invariant: with those rights a value of a type that somebody else owns is taken by `concat` alone, which calls the
// type's output function: only a superuser can make one. Even planning a cast may run its function, so which way is
// taken is decided before a statement that casts is planned.

/** The first number of a type that PostgreSQL didn't bring along. */
const FIRST_MADE = 16384

// Types of PostgreSQL, of superusers and of the log's owner are trusted, and what is made of these alone: only their own
// owners can change them. A domain's owner can change its checks, which reading doesn't run. The search path is set by
// whoever calls these two.
const TRUSTED = `
create function noclobber.is_trusted_owner(owner oid) returns boolean language sql stable as $$
  select exists (select from pg_roles r where r.oid = owner and (r.rolsuper or r.rolname = current_user))
$$;

create function noclobber.is_trusted_type(type_id oid) returns boolean language plpgsql stable as $$
declare
  t pg_type;
begin
  if type_id < ${FIRST_MADE} then
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
`

/** SQL for a trigger function: whether all of its table's columns may be read as any column is. The log's own enums are known at a look. */
export const TRUSTED_TYPES = `not exists (select from pg_attribute a where a.attrelid = tg_relid and a.attnum > 0
    and a.atttypid >= ${FIRST_MADE} and not coalesce((select t.typtype = 'e' and pg_get_userbyid(t.typowner) = current_user
      or noclobber.is_trusted_type(t.oid) from pg_type t where t.oid = a.atttypid), false))`

// SQL that reads a column as text, null where it is null; and a whole row as jsonb, where an array of somebody's type is
// an array of texts and any other value of such a type a text. A name that is no column is refused: PostgreSQL would
// take `n.to_json` for a call of that function.
const READ = `
create function noclobber.text_of(relation oid, row_name text, column_name text) returns text language plpgsql stable
  set search_path = pg_catalog, pg_temp as $$
declare
  trusted boolean := (select noclobber.is_trusted_type(a.atttypid) from pg_attribute a
    where a.attrelid = relation and a.attname = column_name and a.attnum > 0);
begin
  if trusted is null then
    raise undefined_column using message = format('Table %s has no column %s: track it again.', relation::regclass, column_name);
  end if;
  return format(case when trusted then '%1$s.%2$I::text'
    else 'case when num_nulls(%1$s.%2$I) = 0 then concat(%1$s.%2$I) end' end, row_name, column_name);
end $$;

create function noclobber.row_json(relation oid, row_name text) returns text language sql stable
  set search_path = pg_catalog, pg_temp as $$
  select string_agg(format('jsonb_build_object(%s)', j.pairs), ' || ')
  from (select string_agg(format('%L, ' || case when c.atttypid < ${FIRST_MADE} or noclobber.is_trusted_type(c.atttypid) then '%s.%I'
        when c.typcategory = 'A' then 'case when num_nulls(%2$s.%3$I) = 0 then concat(%2$s.%3$I)::text[] end'
        else 'case when num_nulls(%2$s.%3$I) = 0 then concat(%2$s.%3$I) end' end, c.attname, row_name, c.attname), ', ' order by c.at) as pairs
    from (select a.attname, a.atttypid, t.typcategory, row_number() over (order by a.attnum) - 1 as at
      from pg_attribute a join pg_type t on t.oid = a.atttypid
      where a.attrelid = relation and a.attnum > 0 and not a.attisdropped) c
    group by c.at / 50) j
$$;

create function noclobber.check_own_columns(relation oid) returns void language plpgsql stable
  set search_path = pg_catalog, pg_temp as $$
declare
  strange text := (select string_agg(a.attname, ', ' order by a.attnum) from pg_attribute a
    where a.attrelid = relation and a.attname in ('version', 'updated_at', 'updated_by')
      and not noclobber.is_trusted_type(a.atttypid));
begin
  if strange is not null then
    raise datatype_mismatch using
      message = format('Table %s can''t be written: %s is of another type than tracking asks for.', relation::regclass, strange);
  end if;
end $$;
`

// A value, where its type is exactly that of the other one: anything else is an error of parsing, and nothing is cast. It is
// taken apart when a statement is planned, and costs nothing.
const EXACTLY = `
create function noclobber.exactly(value anyelement, of_type anyelement) returns anyelement language sql immutable as $$
  select value
$$;
`

export const TYPE_FUNCTIONS = [TRUSTED, READ, EXACTLY].join('\n')
