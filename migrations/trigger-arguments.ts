// What PostgreSQL's catalogue says, as SQL: what a trigger was created with, and the names of types.

/** The arguments of trigger `g`: PostgreSQL keeps them as bytes, each ended by a zero. */
export const TRIGGER_ARGUMENTS = `(select pg_catalog.array_agg(convert_from(decode(a.text, 'escape'), getdatabaseencoding()) order by a.at)
  from pg_catalog.unnest(string_to_array(encode(g.tgargs, 'escape'), E'\\\\000')) with ordinality a(text, at))`

/** The columns that the stamp of a table leaves out of its comparison: the housekeeping columns, and those that are generated. */
export const uncompared = (relation: string, ignored: string): string => `(${ignored} || array(
  select u.attname::text from pg_attribute u where u.attrelid = ${relation} and u.attnum > 0 and not u.attisdropped
    and u.attgenerated <> '' and u.attname <> all(${ignored}) order by u.attnum))`

/**
 * SQL for the name of a type with this oid, as `format_type` writes it; of PostgreSQL's own types whatever the session's settings are:
 * with quote_all_identifiers it would write `"uuid"`, and where another schema stands before pg_catalog in the search path
 * `pg_catalog.uuid`.
 */
export const typeName = (oid: string, modifier = 'null'): string =>
  `(select case when ${oid} < 16384 and ${oid} <> all(array['"char"', '"char"[]']::regtype[])
    then replace(replace(f.name, '"', ''), 'pg_catalog.', '') else f.name end from format_type(${oid}, ${modifier}) f(name))`
