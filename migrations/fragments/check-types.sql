-- For the stamps. Setting a column casts to its type, and checks it where it is a domain, so the types of the three columns
-- are checked first. Looking at a type runs nothing of its owner's.
if not (pg_catalog.pg_typeof(new.version) operator(pg_catalog.=) any('{bigint,integer}'::pg_catalog.regtype[])
    and pg_catalog.pg_typeof(new.updated_at) operator(pg_catalog.=) 'timestamptz'::pg_catalog.regtype
    and pg_catalog.pg_typeof(new.updated_by) operator(pg_catalog.=) 'jsonb'::pg_catalog.regtype) then
    raise datatype_mismatch using message = pg_catalog.concat('Table ', tg_table_name,
      ' can''t be written: version, updated_at or updated_by is of another type than tracking asks for.');
  end if;
