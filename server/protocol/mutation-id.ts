// The id of a write, the tab's and the socket's: what may stand in a header of HTTP as it is. One rule for the API, its description
// and the agents' tools.

const MAX_CHARS = 200
const PRINTABLE_ASCII = /^[ -~]+$/

/** Its JSON Schema. */
export const MUTATION_ID_SCHEMA = {
  type: 'string',
  minLength: 1,
  maxLength: MAX_CHARS,
  pattern: PRINTABLE_ASCII.source,
} as const

/** What such an id must be, for a sentence that begins with its name. */
export const MUTATION_ID_RULE = `must be a text of 1 to ${MAX_CHARS} printable ASCII characters.`

export const isMutationId = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= MAX_CHARS && PRINTABLE_ASCII.test(value)
