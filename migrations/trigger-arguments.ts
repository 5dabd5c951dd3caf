// What a trigger was created with, as the catalogue of PostgreSQL keeps it.

/** The arguments of trigger `g`: PostgreSQL keeps them as bytes, each ended by a zero. */
export const TRIGGER_ARGUMENTS = `(select array_agg(convert_from(decode(a.text, 'escape'), getdatabaseencoding()) order by a.at)
  from unnest(string_to_array(encode(g.tgargs, 'escape'), '\\000')) with ordinality a(text, at))`
