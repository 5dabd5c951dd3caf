-- For the stamps. Setting a column casts to its type, and checks it where it is a domain, so the types of the three columns
-- are checked first. Looking at a type runs nothing of its owner's.
if not (pg_catalog.pg_typeof(new.%7$I) operator(pg_catalog.=) '%6$s'::pg_catalog.regtype
    and pg_catalog.pg_typeof(new.%8$I) operator(pg_catalog.=) '%10$s'::pg_catalog.regtype
    and pg_catalog.pg_typeof(new.%9$I) operator(pg_catalog.=) '%11$s'::pg_catalog.regtype
    ) then
    raise datatype_mismatch using message = pg_catalog.concat('Table ', tg_table_name,
      ' can''t be written: its version, time or writer is of another type than it was tracked with.');
  end if;
