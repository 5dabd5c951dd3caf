// The id that an agent gives a write of its own. Invariant: one that the API wouldn't keep is refused, so that a call that is repeated
// under it is never made again as another write.
import { isMutationId, MUTATION_ID_RULE, MUTATION_ID_SCHEMA } from '../protocol/mutation-id.ts'

/** Its JSON Schema. */
export const MUTATION = {
  ...MUTATION_ID_SCHEMA,
  description: 'An id of this write, of your own: sent again, it takes effect once.',
}

type Input = Record<string, unknown>

/** `null`: none was given, or it is one. */
export const whyNoMutation = ({ mutation_id: id }: Input): string | null =>
  id === undefined || isMutationId(id) ? null : `mutation_id ${MUTATION_ID_RULE}`

export const mutationIn = ({ mutation_id: id }: Input) => id as string | undefined
