// Characters that a name or a message of one line never needs, and that deceive whoever reads it: in a terminal they move
// the cursor and hide text, in a page they turn what stands around them.

/**
 * Controls (C0, DEL, C1), line and paragraph separators, marks and overrides of direction (UAX #9), annotations, tags,
 * the byte order mark and halves of surrogate pairs. Joiners stay: scripts and emoji need them.
 */
export const DECEPTIVE_CHARACTERS =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are meant
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}\p{Cs}]/gu

/** The longest name of a writer that is shown. */
export const MAX_NAME_CHARS = 200
