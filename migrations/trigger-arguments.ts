// What a trigger was created with, as the catalogue of PostgreSQL keeps it.

/** The arguments of trigger `g`: PostgreSQL keeps them as bytes, each ended by a zero. */
export const TRIGGER_ARGUMENTS = `(select array_agg(convert_from(decode(a.text, 'escape'), getdatabaseencoding()) order by a.at)
  from unnest(string_to_array(encode(g.tgargs, 'escape'), E'\\\\000')) with ordinality a(text, at))`

/** The columns that the stamp of a table leaves out of its comparison: the housekeeping columns, and those that are generated. */
export const uncompared = (relation: string, ignored: string): string => `(${ignored} || array(
  select u.attname::text from pg_attribute u where u.attrelid = ${relation} and u.attnum > 0 and not u.attisdropped
    and u.attgenerated <> '' and u.attname <> all(${ignored}) order by u.attnum))`
