// What a value should be, judged from what an input shows, and by nothing of the library: decimals by their digits, times by
// the browser's own formatting.

/** An input as somebody sees it. */
export interface Shown {
  name: string
  text: string
  isChecked: boolean
  /** It has a text that the browser doesn't give away. */
  isBad: boolean
}

const NUMBERS = ['whole', 'price', 'big', 'ratio']

/** A decimal as sign, digits and power of ten; `null` for what is none. */
function decimal(text: string): string | null {
  const [, sign, whole = '', fraction = '', power = '0'] =
    /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?$/i.exec(text) ?? []
  const digits = `${whole}${fraction}`.replace(/^0+/, '')
  if (sign === undefined || whole + fraction === '') return null
  if (digits === '') return '0'
  const short = digits.replace(/0+$/, '')
  return `${sign === '-' ? '-' : ''}${short}e${Number(power) - fraction.length + digits.length - short.length}`
}

/** `2026-05-01 10:00:07` on the wall of this browser. */
const wall = (iso: string) => new Date(iso).toLocaleString('sv-SE')
const full = (text: string) => `${text.replace('T', ' ')}${text.length === 16 ? ':00' : ''}`.slice(0, 19)

/**
 * `value` is what the input shows. A text that is no value yet leaves the record's own, `base`; `undefined` where it must
 * not be there at all.
 */
export function isRight({ name, text, isChecked, isBad }: Shown, value: unknown, base: unknown): boolean {
  const isBase = base !== undefined && JSON.stringify(value) === JSON.stringify(base)
  if (isBad) return isBase
  if (name === 'done') return isChecked ? value === true : value === false || value === null
  if (text === '') return value === null || value === ''
  if (NUMBERS.includes(name)) {
    /** In English a comma stands between thousands. */
    const isGrouped = /^[+-]?\d{1,3}(,\d{2,3})*,\d{3}(\.\d*)?$/.test(text)
    const shown = decimal(isGrouped ? text.replaceAll(',', '') : text)
    return shown === null
      ? isBase
      : typeof value !== 'boolean' && value !== null && decimal(String(value)) === shown
  }
  if (name === 'rank') return value === Number(text)
  const isWhole = /^[1-9]\d{3}-/.test(text)
  if (name === 'due_on') return isWhole ? value === text : isBase || value === text
  if (name === 'met_at' || name === 'begins_at') {
    if (isBase || (!isWhole && base === undefined)) return true
    if (typeof value !== 'string') return false
    const isZoned = value.endsWith('Z')
    if (!isWhole) return true
    return (isZoned ? wall(value) : value.slice(0, 19).replace('T', ' ')) === full(text)
  }
  return typeof value === 'string' && value.replaceAll('\r\n', '\n') === text
}
