// The paths of earlier versions and proposals of a record in the OpenAPI document: each declared type has its own.

import { MAX_BULK_RECORDS } from '../../protocol/bulk-and-import.ts'
import { MAX_NOTE_CHARS } from '../../protocol/index.ts'
import { query } from './list-parameters.ts'
import {
  body,
  COMMON,
  data,
  etag,
  flag,
  GONE,
  GONE_OR_UNKNOWN,
  ID,
  IF_MATCH,
  json,
  mutation,
  next,
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
  [`/deleted/${type}`]: {
    get: {
      operationId: `deleted${name}`,
      summary: 'Deleted records as they last were, the last deletion first.',
      parameters: [
        query('limit', 'Records, 50 unless given.', { type: 'integer', minimum: 1, maximum: 200 }),
        query('after', 'The `next` of the page before.'),
      ],
      responses: {
        200: json(
          data(listOf({ type: 'object', required: ['id', 'version', 'fields', 'may_restore'] }), { next }),
        ),
        ...COMMON,
      },
    },
  },
  [`/records/${type}/import/{import}/undo`]: {
    parameters: [{ in: 'path', name: 'import', required: true, schema: text }],
    post: {
      operationId: `undoImport${name}`,
      summary: 'Undoes a part of an import, its last row first; what somebody has changed since stays.',
      parameters: ORIGIN,
      requestBody: body(
        object({ 'after?': next, 'limit?': { type: 'integer', minimum: 1, maximum: MAX_BULK_RECORDS } }),
        false,
      ),
      responses: {
        200: json(data(listOf({ type: 'object' }), { next, total: { type: ['integer', 'null'] } })),
        ...WRITING,
      },
    },
  },
  [`/records/${type}/{id}/restore`]: {
    parameters: [ID],
    post: {
      operationId: `restore${name}`,
      summary:
        'Saves what the record was at a version, if it is still at the version that was looked at. Without `to_version` a deleted record comes back as it last was, with its parts; `client_version` is then that of the deletion.',
      parameters: [IF_MATCH, ...ORIGIN],
      requestBody: body(
        object({
          'client_version?': version,
          'to_version?': version,
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

const PROPOSAL: Part = { in: 'path', name: 'proposal', required: true, schema: text }
const proposalOf = (name: string) => ref(`${name}Proposal`)

const proposalsPath = (name: string): Part => ({
  parameters: [ID],
  get: {
    operationId: `proposals${name}`,
    summary: 'What is proposed for it, the newest first.',
    parameters: [
      query('state', 'Only these.', { enum: ['open', 'accepted', 'rejected'] }),
      query('after', 'The `next` of the page before.'),
    ],
    responses: {
      200: json(data(listOf(proposalOf(name)), { next, may: object({ save: flag, propose: flag }) })),
      ...GONE,
      ...COMMON,
    },
  },
  post: {
    operationId: `propose${name}`,
    summary: 'Keeps changes for somebody else to decide about.',
    parameters: [IF_MATCH, ...ORIGIN],
    requestBody: body(
      object({
        'client_version?': version,
        changes: ref(`${name}Changes`),
        'note?': { type: 'string', maxLength: MAX_NOTE_CHARS },
        ...mutation,
      }),
    ),
    responses: {
      201: json(data(proposalOf(name))),
      ...conflicts(name, 'Stale, or a mutation id with other content.'),
      ...GONE,
      ...WRITING,
    },
  },
})

const openProposalsPath = (name: string): Part => ({
  get: {
    operationId: `openProposals${name}`,
    summary: 'What waits for a decision, the one that waits longest first.',
    parameters: [
      query('mine', 'Those that the asker has made, instead of those to decide about.', flag),
      query('limit', 'Proposals, 50 unless given.', { type: 'integer', minimum: 1, maximum: 200 }),
      query('after', 'The `next` of the page before.'),
    ],
    responses: {
      200: json(data(listOf(ref(`${name}OpenProposal`)), { next })),
      ...COMMON,
    },
  },
})

const acceptPath = (name: string): Part => ({
  parameters: [ID, PROPOSAL],
  post: {
    operationId: `accept${name}Proposal`,
    summary: 'Saves what is proposed, if the record is still at the version that was looked at.',
    parameters: [IF_MATCH, ...ORIGIN],
    requestBody: body(
      object({
        'client_version?': version,
        'fields?': { ...listOf(text), minItems: 1 },
        'edited?': ref(`${name}Changes`),
        ...mutation,
      }),
    ),
    responses: {
      200: json(data(ref(name)), etag),
      ...conflicts(name, 'Stale, decided already, or a mutation id with other content.'),
      ...GONE,
      ...WRITING,
    },
  },
})

const rejectPath = (name: string): Part => ({
  parameters: [ID, PROPOSAL],
  post: {
    operationId: `reject${name}Proposal`,
    summary: 'Closes a proposal without saving it.',
    parameters: ORIGIN,
    requestBody: body(object(mutation), false),
    responses: {
      200: json(data(proposalOf(name))),
      409: refused('Decided already, or a mutation id with other content.'),
      ...GONE,
      ...WRITING,
    },
  },
})

/** The paths of a type's proposals; `name` is that of its schema. */
export const proposalPaths = (type: string, name: string): Part => ({
  [`/proposals/${type}`]: openProposalsPath(name),
  [`/records/${type}/{id}/proposals`]: proposalsPath(name),
  [`/records/${type}/{id}/proposals/{proposal}/accept`]: acceptPath(name),
  [`/records/${type}/{id}/proposals/{proposal}/reject`]: rejectPath(name),
})
