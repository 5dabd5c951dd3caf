// The setting `noclobber.actor`, which names to the triggers who writes.
// Invariant: this file alone knows its form. Other code asks for a value by its name; SQL files by `:line_` and that name.
//
// Any program may set it: to a name (`set noclobber.actor = 'nightly billing'`), or to JSON {"id","name","kind"}. Unset or
// empty, the database role writes. A node writes lines: its signature, and a value for each of the names below.
// Without a valid signature it is read as any program's, and says no more than who writes.

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
  // The one record whose changed fields are precomputed: the tag of its table, its id, the version that it gets.
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
