// The setting `noclobber.actor`, by which the triggers know who writes: how a node writes it, and how SQL reads it.
// Invariant: this file alone knows its form. Everybody else asks for a value by its name.
//
// Any program may set it: to a name (`set noclobber.actor = 'nightly billing'`), or to JSON {"id","name","kind"}. Unset or
// empty, the database role writes. A node of ours writes lines: its signature, and a value for each of the names below.
// Without a right signature it is read as anybody's, and says no more than who writes.

/** Characters that no name keeps: they end lines, move the cursor of a terminal, or turn a text's direction. */
export const NOT_IN_NAMES = String.raw`[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]`

/** The longest that is kept of a writer's id, and of a name, in characters. */
export const LONGEST = { id: 200, name: 100 }

/** The values of a node's setting, in the order of their lines. */
export const NAMES = [
  'signature',
  /** The writer, normalized, as JSON. */
  'writer',
  'node',
  'tab_id',
  'socket_id',
  'import_id',
  // The one record whose changed fields are told: the tag of its table, its id, the version that it gets.
  'table',
  'id',
  'version',
  // What the UPDATE itself finds in the row and adds: the values of the record's lists, and the fields that it changes.
  'scopes',
  'fields',
] as const
export type Name = (typeof NAMES)[number]

/** Those that the signature covers; the UPDATE adds the rest. */
export const SIGNED = NAMES.slice(NAMES.indexOf('writer'), NAMES.indexOf('scopes'))

const lineOf = (name: Name) => NAMES.indexOf(name) + 1

/** SQL for the setting. */
export const SETTING = `pg_catalog.current_setting('noclobber.actor', true)`

/** SQL for all lines of a setting, for {@link toldOf}. */
export const linesOf = (setting: string): string => `pg_catalog.string_to_array(${setting}, E'\\n', '')`

/** SQL for one value, by its name, out of {@link linesOf}; null where there is none. */
export const toldOf = (name: Name, lines: string): string => `${lines}[${lineOf(name)}]`

/**
 * The functions that know a node's signature. `is_signed` is written into the expressions that call it, whatever their
 * search path: each name in it is qualified. The key is a constant to whoever plans with it, so it is read once a session;
 * nobody but the triggers may ask for it. It stands on both sides, so no signature can be gone on from.
 */
export const SIGNATURE_FUNCTIONS = `
create function noclobber.node_key() returns text language plpgsql immutable
  security definer set search_path = pg_catalog, pg_temp as $$
begin
  return (select encode(k.secret, 'hex') from noclobber.cursor_key k);
end $$;

create function noclobber.is_signed(lines text[]) returns boolean language sql stable as $$
  select coalesce(${toldOf('signature', 'lines')} operator(pg_catalog.=) pg_catalog.md5(noclobber.node_key() operator(pg_catalog.||)
    pg_catalog.array_to_string(lines[${lineOf(SIGNED[0] as Name)}:${lineOf(SIGNED.at(-1) as Name)}], E'\\n', '')
    operator(pg_catalog.||) noclobber.node_key()), false)
$$;
`
