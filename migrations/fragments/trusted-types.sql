-- For trigger functions: whether all columns of the table have trusted types, see types.sql. The log owner's own enums are
-- recognized without a call.
not exists (select from pg_attribute a where a.attrelid = tg_relid and a.attnum > 0
    and a.atttypid >= 16384 and not coalesce((select t.typtype = 'e' and pg_get_userbyid(t.typowner) = current_user
      or noclobber.is_trusted_type(t.oid) from pg_type t where t.oid = a.atttypid), false))
