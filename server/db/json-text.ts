// JSON's text as values and back.
// Invariant: no number is rounded. One that JavaScript can't hold exactly becomes its digits, as a text; where it is written
// over the value that it was read from, it becomes the number again.
import { sameNumber } from './exact-number.ts'

const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

/** May a text have numbers that JavaScript would round? Most have none, and are parsed as they are. */
const MAY_BE_INEXACT = /[\d.]{16}|\d[eE]|-0/

const NUMBER = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/

const isInexact = (token: string) => typeof sameNumber(token) === 'string'

/** @throws SyntaxError as `JSON.parse` does. */
export const parseJson = (text: string): unknown => {
  if (!MAY_BE_INEXACT.test(text)) return JSON.parse(text)
  JSON.parse(text)
  return JSON.parse(
    text.replace(TOKEN, (token) => (token.startsWith('"') || !isInexact(token) ? token : `"${token}"`)),
  )
}

/** Does a text have numbers that {@link parseJson} turns into texts? */
export const hasInexactNumbers = (text: string): boolean =>
  MAY_BE_INEXACT.test(text) &&
  (text.match(TOKEN) ?? []).some((token) => !token.startsWith('"') && isInexact(token))

/** Is one of the texts within a value the digits of such a number? */
export const hasDigits = (value: unknown): boolean => {
  if (typeof value === 'string') return NUMBER.test(value) && isInexact(value)
  return typeof value === 'object' && value !== null && Object.values(value).some(hasDigits)
}

/** The numbers of a text that are too long, by their paths. */
const inexactPaths = (text: string): Set<string> => {
  const paths = new Set<string>()
  // Marked by a character that no text in jsonb can have.
  const marked = text.replace(TOKEN, (token) =>
    token.startsWith('"') || !isInexact(token) ? token : `"\\u0000${token}"`,
  )
  const walk = (value: unknown, path: string) => {
    if (typeof value === 'string' && value.startsWith('\u0000')) paths.add(`${path}:${value.slice(1)}`)
    else if (typeof value === 'object' && value !== null)
      for (const [key, inner] of Object.entries(value)) walk(inner, `${path}/${JSON.stringify(key)}`)
  }
  walk(JSON.parse(marked), '')
  return paths
}

/** A value as JSON. Digits that stand where `stored`, the text that it replaces, has that number are the number. */
export const writeJson = (value: unknown, stored: string | undefined): string => {
  if (stored === undefined || !hasDigits(value)) return JSON.stringify(value)
  const paths = inexactPaths(stored)
  const write = (part: unknown, path: string): string => {
    if (typeof part === 'string') return paths.has(`${path}:${part}`) ? part : JSON.stringify(part)
    if (Array.isArray(part))
      return `[${part.map((inner, at) => write(inner ?? null, `${path}/"${at}"`)).join()}]`
    if (typeof part !== 'object' || part === null || 'toJSON' in part) return JSON.stringify(part) ?? 'null'
    const entries = Object.entries(part).filter(([, inner]) => inner !== undefined)
    return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${write(inner, `${path}/${JSON.stringify(key)}`)}`).join()}}`
  }
  return write(value, '')
}
