// Numbers of PostgreSQL and of JSON as JavaScript's, where nothing is lost by it.

/** As many as a double always holds. */
const EXACT_DIGITS = 15

/** JSON has no NaN, no Infinity and no negative zero: these stay text. */
export const finiteNumber = (text: string): number | string => {
  const number = Number(text)
  return Number.isFinite(number) && !Object.is(number, -0) ? number : text
}

/** Without the zeros at its end; by a pattern it would take the square of their number. */
const withoutZeros = (digits: string): string => {
  let end = digits.length
  while (digits[end - 1] === '0') end -= 1
  return digits.slice(0, end)
}

/** Digits without zeros around them, and the place of the point behind the first. */
const decimalOf = (text: string): [digits: string, place: number] => {
  const [, whole = '', fraction = '', exponent = '0'] =
    /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? []
  const digits = `${whole}${fraction}`
  const significant = digits.replace(/^0+/, '')
  return [withoutZeros(significant), Number(exponent) + whole.length - (digits.length - significant.length)]
}

/** A number where a double means just that, else the digits as they are: `0.1` is one, `12345678901234567890` is none. */
export const sameNumber = (text: string): number | string => {
  const number = finiteNumber(text)
  if (typeof number === 'string' || text.length <= EXACT_DIGITS)
    return number === 0 && /[1-9]/.test(text) ? text : number
  const [digits, place] = decimalOf(text)
  const [ownDigits, ownPlace] = decimalOf(String(number))
  return digits === ownDigits && (place === ownPlace || digits === '') ? number : text
}

/** A number of 15 significant digits and less, else the digits as they are: whether it is one depends on no value. */
export const exactNumber = (text: string): number | string => {
  if (text.length <= EXACT_DIGITS) return sameNumber(text)
  const digits = text.replace(/^-?0*|\./g, '')
  return digits.length <= EXACT_DIGITS ? finiteNumber(text) : text
}
