// The paths of earlier versions of a record in the OpenAPI document: each declared type has its own.
import {
  body,
  data,
  etag,
  GONE_OR_UNKNOWN,
  ID,
  IF_MATCH,
  json,
  mutation,
  ORIGIN,
  type Part,
  refused,
  version,
  WRITING,
} from './paths.ts'
import { listOf, object, ref, text } from './schemas.ts'

const conflicts = (name: string, description: string) => {
  const stale = ref(`${name}StaleProblem`)
  return {
    409: refused(description, { anyOf: [stale, ref('Problem')] }),
    412: refused('Stale, asked by If-Match.', stale),
    428: refused('No client_version and no If-Match.'),
  }
}

/** The path of a restore; `name` is that of the type's schema. */
export const restorePaths = (type: string, name: string): Part => ({
  [`/records/${type}/{id}/restore`]: {
    parameters: [ID],
    post: {
      operationId: `restore${name}`,
      summary: 'Saves what the record was at a version, if it is still at the version that was looked at.',
      parameters: [IF_MATCH, ...ORIGIN],
      requestBody: body(
        object({
          'client_version?': version,
          to_version: version,
          'fields?': { ...listOf(text), minItems: 1 },
          ...mutation,
        }),
      ),
      responses: {
        200: json(data(ref(name)), etag),
        ...conflicts(name, 'Stale, or a mutation id with other content.'),
        ...GONE_OR_UNKNOWN,
        ...WRITING,
      },
    },
  },
})
