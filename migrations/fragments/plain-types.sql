-- For log_update: whether all columns are of types whose JSON differs where they are stored differently, and which run nothing of
-- their owners': boolean, bytea, "char", name, bigint, smallint, integer, text, oid, inet, cidr, macaddr, char, varchar, date, time,
-- timestamps, numeric, uuid, jsonb, and trusted enums. Not so numbers with a negative zero, arrays (their bounds), json (its blanks), what
-- is made of these, and virtual columns. For the OFFSET see trusted-types.sql.
not exists (select from (select c.atttypid, c.attgenerated from pg_attribute c where c.attrelid = tg_relid and c.attnum > 0
      and (c.atttypid <> all('{0,16,17,18,19,20,21,23,25,26,650,829,869,1042,1043,1082,1083,1114,1184,1700,2950,3802}'::oid[])
        or c.attgenerated = 'v') offset 0) a
    where a.attgenerated = 'v' or not coalesce((select t.typtype = 'e' and (pg_get_userbyid(t.typowner) = current_user
      or noclobber.is_trusted_type(t.oid)) from pg_type t where t.oid = a.atttypid), false))
