// Characters that a reader doesn't see and that change what they see: controls (a terminal obeys them), direction (the rest
// of a line is reordered, UAX #9), zero width, line separators, fillers, halves of pairs.
// Invariant: names, ids and values are stored as they were written; only where they are shown do these become visible, or
// are left out.

/** By Unicode's categories Cc, Cf, Zl, Zp, Cs, and the fillers that are letters: no list has to be maintained. */
const HIDDEN = String.raw`(?:[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]|[\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0])`

/** Hidden, and needed: scripts and emoji join and break with them. */
const NEEDED = String.raw`[\u00ad\u034f\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u17b4\u17b5\u200c\u200d\u{110bd}\u{110cd}]`

const HIDDEN_CHARACTERS = new RegExp(HIDDEN, 'gu')

/** The hidden characters that no name and no message of one line needs. */
export const DECEPTIVE_CHARACTERS = new RegExp(`(?!${NEEDED})${HIDDEN}`, 'gu')

const escaped = (character: string): string =>
  Array.from(
    { length: character.length },
    (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
  ).join('')

/** One line for a terminal or a log. JSON stays JSON with the same value. */
export const printable = (line: string): string => line.replace(HIDDEN_CHARACTERS, escaped)
