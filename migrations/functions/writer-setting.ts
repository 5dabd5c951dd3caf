// The setting `noclobber.actor`, which names to the triggers who writes.
// Invariant: this file alone knows its form. Other code asks for a value by its name; SQL files by `:line_` and that name.
//
// Any program may set it: to a name (`set noclobber.actor = 'nightly billing'`), or to JSON {"id","name","kind"}. Unset or
// empty, the database role writes. A node writes lines, one for each of the names below; without valid signatures it is read
// as any program's, and says no more than who writes.
//
// The writer has a signature of its own, the MD5 of the key and its line, because each row that is stamped asks for no more.
// The other signature is over where the change comes from, and of which record at which version the change set is.

/** Characters that no name keeps: they end lines, move the cursor of a terminal, or turn a text's direction. */
export const NOT_IN_NAMES = String.raw`[\u0001-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]`

/** The longest that is kept of a writer's id, and of a name, in characters. */
export const LONGEST = { id: 200, name: 100 }

/** The values of a node's setting, in the order of their lines. */
export const NAMES = [
  'writer_signature',
  /** The writer, normalized, as JSON. */
  'writer',
  'signature',
  /** The one record whose changed fields are precomputed, see {@link recordLine}; empty where there is none. */
  'record',
  'tab_id',
  'socket_id',
  'import_id',
  // What the UPDATE itself finds in the row and adds, unsigned: the values of the record's lists, and the fields that it changes.
  'scopes',
  'fields',
] as const
export type Name = (typeof NAMES)[number]

/** The tag of its table, of a fixed length, the version that it gets, and its id. `log_update` puts it together as this does. */
export const recordLine = (tag: string, id: string, version: number): string => `${tag}${version} ${id}`

/** What the second signature signs. `noclobber.is_ours` puts it together as this does. */
export const signedText = (record: string, tabId: string, socketId: string, importId: string): string =>
  importId === '' ? `${record}\n${tabId}\n${socketId}` : `${record}\n${tabId}\n${socketId}\n${importId}`
