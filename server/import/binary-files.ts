// What an upload is that is no text: recognized by its first bytes, as people send it by mistake.
// Invariant: a file that can't be read is refused with what it is and how to send it, before a row of it is looked at.

/** Kinds of files by the bytes that they begin with, in hex; the first that fits counts. */
const KINDS: readonly (readonly [start: string, what: string])[] = [
  ['1f8b', 'compressed (gzip). Send it unpacked'],
  [
    '504b0304',
    'a workbook (xlsx, ods, numbers) or a ZIP archive. Save the sheet as "CSV UTF-8", or unpack the archive',
  ],
  ['504b0506', 'a ZIP archive. Send what is in it'],
  ['d0cf11e0a1b11ae1', 'a workbook of an old Excel (xls). Save the sheet as "CSV UTF-8"'],
  ['fd377a585a00', 'compressed (xz). Send it unpacked'],
  ['28b52ffd', 'compressed (zstd). Send it unpacked'],
  ['377abcaf271c', 'a 7z archive. Send what is in it'],
  ['25504446', 'a PDF. Export the table as "CSV UTF-8"'],
  ['7b5c727466', 'a document (RTF). Save the table as "CSV UTF-8"'],
  ['fffe0000', 'UTF-32. Save it as UTF-8'],
  ['0000feff', 'UTF-32. Save it as UTF-8'],
]

/** Bytes of a file that are looked at. */
export const LOOKED_AT = 512
/** A text has no more control characters than one in so many bytes. */
const MOST_CONTROLS = 8
const MARKUP = /^\uFEFF?\s*<(?:!doctype|html|table|\?xml|meta|head|body)\b/i

/** Four bytes a letter, most of them zero. */
const isUtf32 = (first: Buffer) => {
  if (first.length < 8) return false
  const isZero = (at: number) => first[at] === 0 && first[at + 4] === 0
  return (isZero(1) && isZero(2) && isZero(3)) || (isZero(0) && isZero(1) && isZero(2))
}

/**
 * Why a file that begins with these bytes can't be read; `null` where it may be text.
 *
 * @param isUtf16 By its mark, by what its sender says, or by its first letter.
 */
export const whyUnreadable = (first: Buffer, isUtf16: boolean): string | null => {
  const start = first.subarray(0, 8).toString('hex')
  const [, what] = KINDS.find(([mark]) => start.startsWith(mark)) ?? []
  if (what) return `The file is ${what}.`
  if (isUtf32(first)) return 'The file is UTF-32. Save it as UTF-8.'
  const head = first.subarray(0, LOOKED_AT)
  if (MARKUP.test(head.toString(isUtf16 ? 'utf16le' : 'utf8')))
    return 'The file is a page (HTML, XML), as some programs write under the name xls. Save the sheet as "CSV UTF-8".'
  if (isUtf16) return null
  const controls = head.filter((byte) => byte < 9 || (byte > 13 && byte < 32)).length
  return controls * MOST_CONTROLS > head.length ? 'The file is no text. Save the table as "CSV UTF-8".' : null
}
