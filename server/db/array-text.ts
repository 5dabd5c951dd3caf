// PostgreSQL's text of an array as nested arrays, and back.
// https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO

/** An array's elements as texts, nested as its dimensions are. */
export type ArrayOfTexts = (string | null | ArrayOfTexts)[]

/** Reads what the array's output function wrote; `null` for bounds that don't begin at 1, which no JavaScript array has. */
export const readArray = (text: string, delimiter: string): ArrayOfTexts | null => {
  if (!text.startsWith('{')) return null
  let at = 0
  const quoted = (): string => {
    let value = ''
    for (at += 1; text[at] !== '"'; at += 1) {
      if (text[at] === '\\') at += 1
      value += text[at]
    }
    at += 1
    return value
  }
  const plain = (): string | null => {
    const from = at
    while (text[at] !== delimiter && text[at] !== '}') at += 1
    const value = text.slice(from, at)
    return value === 'NULL' ? null : value
  }
  const list = (): ArrayOfTexts => {
    const elements: ArrayOfTexts = []
    for (at += 1; text[at] !== '}'; ) {
      elements.push(text[at] === '{' ? list() : text[at] === '"' ? quoted() : plain())
      if (text[at] === delimiter) at += 1
    }
    at += 1
    return elements
  }
  return list()
}

const quote = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`

/** @param depth How far arrays are dimensions of it; further ones are elements. */
export const writeArray = (
  elements: unknown[],
  delimiter: string,
  textOf: (element: unknown) => string | null,
  depth = Number.POSITIVE_INFINITY,
): string => {
  const write = (element: unknown): string => {
    if (Array.isArray(element) && depth > 1) return writeArray(element, delimiter, textOf, depth - 1)
    const text = textOf(element)
    return text === null ? 'NULL' : quote(text)
  }
  return `{${elements.map(write).join(delimiter)}}`
}
