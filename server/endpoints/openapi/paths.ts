// The paths of the OpenAPI document, each declared type with its own; the routes that ask for no one type once.

import { MAX_BULK_RECORDS } from '../../protocol/bulk-and-import.ts'
import { HEADERS, MAX_WAIT_S, PROBLEM_MEDIA_TYPE } from '../../protocol/index.ts'
import { MUTATION_ID_SCHEMA } from '../../protocol/mutation-id.ts'
import type { KnownType } from '../../tables/database.ts'
import { listParameters, query } from './list-parameters.ts'
import { age, listOf, object, ref, type Schema, text } from './schemas.ts'

/** A piece of an OpenAPI document. */
export type Part = Record<string, unknown>

export const json = (schema: Schema, more: Part = {}): Part => ({
  description: 'The answer.',
  content: { 'application/json': { schema } },
  ...more,
})
export const data = (schema: Schema, more: Record<string, Schema> = {}) => object({ data: schema, ...more })
export const etag = { headers: { ETag: { description: 'The version: `"7"`.', schema: text } } }
export const refused = (description: string, schema: Schema = ref('Problem')): Part => ({
  description,
  content: { [PROBLEM_MEDIA_TYPE]: { schema } },
})
export const body = (schema: Schema, required = true): Part => ({
  required,
  content: { 'application/json': { schema } },
})

export const header = (name: string, description: string): Part => ({
  in: 'header',
  name,
  description,
  schema: text,
})

export const ID: Part = { in: 'path', name: 'id', required: true, schema: text }
export const ORIGIN = [
  header(HEADERS.tabId, 'The tab that writes; the event carries it as `tab_id`.'),
  header(HEADERS.socketId, 'The socket of this person that is not to receive the event.'),
  header(HEADERS.idempotencyKey, 'The same as `mutation_id`: a replay gets its first answer.'),
]
export const IF_MATCH = header('If-Match', 'The same as `client_version`: `"7"`. A stale save is then 412.')
const IF_NONE_MATCH = header('If-None-Match', '`"7"`: 304 while the record is at this version.')

export const COMMON = {
  400: refused('Not readable.'),
  401: refused('Nobody is signed in.'),
  404: refused('There is no such record, or it may not be read.'),
  429: refused('Too many requests.'),
  503: refused('The database is not available.'),
}
export const WRITING = {
  ...COMMON,
  403: refused('May be read, but not changed; or the request comes from another site.'),
  413: refused('Too large.'),
  422: refused('Values that are not valid.', ref('InvalidProblem')),
}
export const GONE = { 410: refused('Deleted; for those who could read it.', ref('DeletedProblem')) }
export const GONE_OR_UNKNOWN = {
  410: refused('Deleted; or what the record was then is no longer known.', {
    anyOf: [ref('DeletedProblem'), ref('Problem')],
  }),
}
const UNCHANGED = { 304: { description: 'Still at this version.' } }

export const version: Schema = { type: 'integer', minimum: 1 }
export const flag: Schema = { type: 'boolean' }
export const mutation = { 'mutation_id?': MUTATION_ID_SCHEMA }
export const next: Schema = { type: ['string', 'null'] }

const recordPath = (name: string): Part => {
  const record = ref(name)
  const stale = ref(`${name}StaleProblem`)
  const conflicts = {
    409: refused('Stale, or a mutation id with other content.', { anyOf: [stale, ref('Problem')] }),
    412: refused('Stale, asked by If-Match.', stale),
    428: refused('No client_version and no If-Match.'),
  }
  return {
    parameters: [ID],
    get: {
      operationId: `read${name}`,
      summary: 'The record; with `version` or `as_of`, as it was.',
      parameters: [
        query('version', 'The record as it was at this version.', version),
        query('as_of', 'The record as it was at this time, like `2026-05-03T10:00:00Z`.'),
        IF_NONE_MATCH,
      ],
      responses: {
        200: json(data(record, { 'writable?': listOf(text) }), etag),
        ...UNCHANGED,
        ...GONE_OR_UNKNOWN,
        ...COMMON,
      },
    },
    patch: {
      operationId: `save${name}`,
      summary: 'Saves fields, if the record is still at the version that they were edited on.',
      parameters: [IF_MATCH, ...ORIGIN],
      requestBody: body(
        object({
          'client_version?': version,
          changes: ref(`${name}Changes`),
          'on_stale?': { enum: ['reject', 'merge'] },
          'base?': { type: 'object', additionalProperties: text },
          ...mutation,
        }),
      ),
      responses: {
        200: json(data(record, { 'merged_fields?': listOf(text), 'merged_by?': ref('Writer') }), etag),
        ...conflicts,
        ...GONE,
        ...WRITING,
      },
    },
    delete: {
      operationId: `delete${name}`,
      summary: 'Deletes it, if it is still at this version.',
      parameters: [IF_MATCH, ...ORIGIN],
      requestBody: body(object({ 'client_version?': version, ...mutation }), false),
      responses: { 204: { description: 'Deleted.' }, ...conflicts, ...GONE, ...WRITING },
    },
  }
}

const versionPath = (name: string): Part => ({
  parameters: [ID],
  get: {
    operationId: `version${name}`,
    summary: 'Its version alone.',
    parameters: [IF_NONE_MATCH],
    responses: { 200: json(data(ref('Version'), age), etag), ...UNCHANGED, ...COMMON },
  },
})

const historyPath = (name: string): Part => ({
  parameters: [ID],
  get: {
    operationId: `history${name}`,
    summary: 'Its changes, newest first.',
    parameters: [
      query('limit', 'Entries, 50 unless given.', { type: 'integer', minimum: 1, maximum: 500 }),
      query('before', 'Only versions before this one.', version),
    ],
    responses: {
      200: json(data(listOf(ref('HistoryEntry')), { next, writable: listOf(text) })),
      ...COMMON,
    },
  },
})

/** The paths of one record of a type; `name` is that of its schema. */
export const recordPaths = (type: string, name: string): Part => ({
  [`/records/${type}/{id}`]: recordPath(name),
  [`/records/${type}/{id}/version`]: versionPath(name),
  [`/records/${type}/{id}/history`]: historyPath(name),
})

/** A page of a list, and what became of the list since one was read. */
const listAnswers = (name: string): Schema[] => {
  const rows = listOf(ref(name))
  const counted = {
    'count?': { type: ['integer', 'null'] },
    'sums?': { type: 'object', additionalProperties: { type: ['number', 'string', 'null'] } },
  }
  const positions = { 'positions?': listOf(text) }
  const page = data(rows, {
    ...age,
    ...counted,
    cursor: text,
    next,
    'reset?': flag,
    'recheck?': flag,
    'in_parts?': flag,
    'previous?': next,
    ...positions,
  })
  const delta = data(rows, {
    ...age,
    ...counted,
    removed: listOf(text),
    cursor: text,
    more: flag,
    'recheck?': flag,
    'behind?': listOf(next),
    ...positions,
  })
  return [page, delta]
}

const bulkOperation = (name: string): Part => {
  const records = { ...listOf(object({ id: text, client_version: version })), minItems: 1 }
  return {
    operationId: `saveMany${name}`,
    summary: 'The same changes to many records, each guarded by its version.',
    parameters: ORIGIN,
    requestBody: body(
      object({
        changes: ref(`${name}Changes`),
        records: { ...records, maxItems: MAX_BULK_RECORDS },
        'on_stale?': { enum: ['abort', 'skip'] },
        ...mutation,
      }),
    ),
    responses: {
      200: json(data(listOf({ type: 'object' }))),
      409: refused('A stale record, with `abort`.', { anyOf: [ref('BulkProblem'), ref('Problem')] }),
      410: refused('A deleted record, with `abort`.', ref('BulkProblem')),
      428: refused('A record without a client_version.'),
      ...WRITING,
      403: refused('A record that may not be changed.', { anyOf: [ref('BulkProblem'), ref('Problem')] }),
      404: refused('A record that is not there.', { anyOf: [ref('BulkProblem'), ref('Problem')] }),
    },
  }
}

const importOperation = (name: string): Part => ({
  operationId: `import${name}`,
  summary: 'Imports a file, all of it or nothing.',
  parameters: [
    query('key', 'The field by which records are found and updated.'),
    query('dry_run', '`1`: looks, and writes nothing.', { enum: ['0', '1', 'true', 'false'] }),
    header(HEADERS.importName, 'The name of the file, percent-encoded.'),
    ...ORIGIN,
  ],
  requestBody: {
    required: true,
    content: { 'text/csv': { schema: text }, 'application/x-ndjson': { schema: text } },
  },
  responses: {
    200: json(data(ref('ImportAnswer'))),
    409: refused('A mutation id with other content.'),
    ...WRITING,
    422: refused('Rows that are not valid.', ref('ImportProblem')),
  },
})

/** The paths of many records of a type. */
export const listPaths = (known: KnownType, name: string): Part => ({
  [`/records/${known.type.name}`]: {
    get: {
      operationId: `list${name}`,
      summary: 'A page of the list; with `cursor`, what became of the list since.',
      parameters: listParameters(known),
      responses: { 200: json({ anyOf: listAnswers(name) }), ...COMMON },
    },
    post: {
      operationId: `create${name}`,
      summary: 'Creates a record.',
      parameters: ORIGIN,
      requestBody: body(object({ fields: ref(`${name}Fields`), 'id?': text, ...mutation })),
      responses: {
        201: json(data(ref(name)), { headers: { ...etag.headers, Location: { schema: text } } }),
        409: refused('A mutation id with other content.'),
        ...WRITING,
      },
    },
    patch: bulkOperation(name),
  },
  [`/records/${known.type.name}/import`]: { post: importOperation(name) },
})

const heldVersions = object({
  records: {
    ...listOf(object({ type: text, id: text, version: { type: 'integer' }, 'rights?': text })),
    maxItems: 500,
  },
})
/** The paths of all types. */
export const WIDE_PATHS: Part = {
  '/records/versions': {
    post: {
      operationId: 'versions',
      summary: 'Of the versions that one holds: those that differ, are gone, or may not be read any more.',
      requestBody: body(heldVersions),
      responses: {
        200: json(data(listOf(ref('VersionDifference')), { ...age, 'history?': text })),
        ...COMMON,
      },
    },
  },
  '/changes': {
    get: {
      operationId: 'changes',
      summary: 'Every change that one may see, exactly once.',
      parameters: [
        query('cursor', 'Where the answer before ended, or `start`. Without it: the present.'),
        query('type', 'Types, separated by commas.'),
        query('limit', 'Entries, 100 unless given.', { type: 'integer', minimum: 1, maximum: 1_000 }),
        query('wait', 'Seconds to wait for a change.', { type: 'integer', minimum: 0, maximum: MAX_WAIT_S }),
      ],
      responses: {
        200: json(data(listOf(ref('Change')), { cursor: text, more: flag, 'reset?': flag })),
        ...COMMON,
      },
    },
  },
}
