-- For trigger functions: whether all columns of the table have trusted types, see types.sql, and values in the rows that a trigger gets. The
-- log owner's own enums are recognized without a call. Without the OFFSET the planner would expect to look up the type of each column, and
-- take planning anew for each table for cheaper than one plan for all: it would plan at every statement.
not exists (select from (select c.atttypid, c.attgenerated from pg_attribute c where c.attrelid = tg_relid and c.attnum > 0
      and (c.atttypid >= 16384 or c.attgenerated = 'v') offset 0) a
    where a.attgenerated = 'v' or not coalesce((select t.typtype = 'e' and pg_get_userbyid(t.typowner) = current_user
      or noclobber.is_trusted_type(t.oid) from pg_type t where t.oid = a.atttypid), false))
