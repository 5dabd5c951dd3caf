// What a list can be asked for, as parameters of OpenAPI.
import { isSummable } from '../../queries/list-query.ts'
import type { KnownType } from '../../tables/database.ts'
import { type Schema, text } from './schemas.ts'

/** Parameters of a list that stand for themselves. */
const RESERVED = new Set(['sort', 'limit', 'after', 'cursor', 'search', 'count'])

export const query = (
  name: string,
  description: string,
  schema: Schema = text,
  more: Record<string, unknown> = {},
): Record<string, unknown> => ({
  in: 'query',
  name,
  description,
  schema,
  ...more,
})

/** The parameters of a type's list. */
export const listParameters = (known: KnownType): Record<string, unknown>[] => [
  ...known.shownNames.map((field) =>
    query(
      RESERVED.has(field) ? `filter[${field}]` : field,
      `Only records with this ${field}; \`null\` for none. Also as \`filter[${field}][OPERATOR]\`.`,
    ),
  ),
  query('search', 'Only records with this text, where the type has fields to search.'),
  query('sort', 'A field, `id`, `version` or `updated_at`; descending with `-` before it.'),
  query('limit', 'Rows, 100 unless given; 0 for totals alone.', {
    type: 'integer',
    minimum: 0,
    maximum: 1_000,
  }),
  query('after', 'The `next` of the page before.'),
  ...['after', 'before', 'from', 'to'].map((end) =>
    query(`window[${end}]`, 'Instead of `after`, a part of the list: a position, `start` or `end`.'),
  ),
  query('cursor', 'The `cursor` of an answer: asks for the delta.'),
  query('count', '`exact`: the answer has the number of records in the list.', { const: 'exact' }),
  ...known.shownNames
    .filter((field) => isSummable(known, field))
    .map((field) => query(`sum[${field}]`, 'The answer has the sum of it in `sums`.', { const: 'exact' })),
]
