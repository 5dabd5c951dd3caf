// Characters that a reader doesn't see and that change what they see: controls (a terminal obeys them), direction (the
// rest of a line reads backwards), width zero, separators of lines, fillers, halves of pairs.
// Invariant: names, ids and values are kept as they were written; only where they are shown these become visible.

/** By Unicode's categories, so that no list has to be kept: Cc, Cf, Zl, Zp, Cs, and the fillers that are letters. */
export const HIDDEN_CHARACTERS =
  /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]|\u034f|\u115f|\u1160|\u17b4|\u17b5|\u3164|\uffa0/gu

const escaped = (character: string): string =>
  Array.from(
    { length: character.length },
    (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
  ).join('')

/** One line for a terminal or a log. JSON stays JSON, and says the same to a program. */
export const printable = (line: string): string => line.replace(HIDDEN_CHARACTERS, escaped)
