// The id that an agent gives a write of its own. Invariant: one that the API wouldn't keep is refused, so that a call that is repeated
// under it is never made again as another write.

/** What the API takes: it goes in a header. */
const PRINTABLE = /^[ -~]+$/
const MOST_CHARS = 200

/** Its JSON Schema. */
export const MUTATION = {
  type: 'string',
  minLength: 1,
  maxLength: MOST_CHARS,
  pattern: PRINTABLE.source,
  description: 'An id of this write, of your own: sent again, it takes effect once.',
}

type Input = Record<string, unknown>

const isKept = (id: unknown) => typeof id === 'string' && id.length <= MOST_CHARS && PRINTABLE.test(id)

/** `null`: none was given, or it is one. */
export const whyNoMutation = ({ mutation_id: id }: Input): string | null =>
  id === undefined || isKept(id)
    ? null
    : `mutation_id must be a text of 1 to ${MOST_CHARS} printable ASCII characters.`

export const mutationIn = ({ mutation_id: id }: Input) => id as string | undefined
