// The wire's shapes as JSON Schema (draft 2020-12): what protocol.ts says in types, for programs that read no TypeScript.
// Invariant: strict. An answer with a property that isn't here is an answer that this document doesn't describe.
import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'
import { PROBLEM_STATUS } from '../../protocol/index.ts'
import type { KnownType } from '../../tables/database.ts'

/** A JSON Schema. */
export type Schema = Record<string, unknown>

export const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` })
export const listOf = (items: Schema): Schema => ({ type: 'array', items })
export const text: Schema = { type: 'string' }
const nullableText: Schema = { type: ['string', 'null'] }
const count: Schema = { type: 'integer', minimum: 0 }
const version: Schema = { type: 'integer', minimum: 1 }
const writer: Schema = { oneOf: [ref('Writer'), { type: 'null' }] }
const names = listOf(text)
const flag: Schema = { type: 'boolean' }

/** An object of exactly these properties; those whose names end in `?` may be missing. */
export const object = (properties: Record<string, Schema>): Schema => ({
  type: 'object',
  properties: Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [name.replace('?', ''), schema]),
  ),
  required: Object.keys(properties).filter((name) => !name.endsWith('?')),
  additionalProperties: false,
})

const problemWith = (code: Schema, more: Record<string, Schema> = {}): Schema =>
  object({ type: text, title: text, status: { type: 'integer' }, code, detail: text, ...more })

/** How far the node that answers has read the log. */
export const age = {
  as_of: nullableText,
  behind_ms: { type: ['integer', 'null'], minimum: 0 },
}
const address = { type: text, id: text }
const writing = { updated_at: text, updated_by: writer }
const watchedRefusal = { ok: { const: false }, code: text }
const fieldError = object({ field: text, message: text, 'hint?': text, 'constraint?': text })
const event = {
  tenant_id: nullableText,
  ...address,
  version,
  changed_fields: names,
  ...writing,
  tab_id: nullableText,
  'restored_from?': version,
}
const scope: Schema = { type: 'object', additionalProperties: text }

/** Shapes that don't depend on the declared types. */
export const WIRE_SCHEMAS: Record<string, Schema> = {
  Writer: object({
    id: text,
    name: text,
    kind: { enum: ['user', 'import', 'service', 'database', 'agent'] },
    'on_behalf_of?': object({ id: text, name: text }),
  }),
  Version: object({ version, updated_at: text, updated_by_name: nullableText, deleted: flag }),
  VersionDifference: object({
    ...address,
    version: { type: ['integer', 'null'] },
    updated_at: nullableText,
    updated_by: writer,
    deleted: flag,
    'rights?': text,
  }),
  ChangedCount: object({
    type: text,
    count: { type: ['integer', 'null'], minimum: 0 },
    'more?': { const: true },
    cursor: nullableText,
    'reset?': { const: true },
  }),
  HistoryEntry: object({
    version,
    event: { enum: ['created', 'updated', 'deleted'] },
    ...writing,
    changed_fields: names,
    'restored_from?': version,
    'proposed_by?': ref('Writer'),
    'values?': { type: 'object' },
  }),
  Change: object({ ...event, event: { enum: ['created', 'updated', 'deleted'] } }),
  Problem: problemWith({ enum: Object.keys(PROBLEM_STATUS) }),
  InvalidProblem: problemWith({ const: 'invalid' }, { errors: listOf(fieldError) }),
  DeletedProblem: problemWith({ const: 'deleted' }, { version, ...writing }),
  BulkProblem: problemWith(
    { enum: ['stale_record', 'deleted', 'not_found', 'forbidden', 'invalid'] },
    { records: listOf({ type: 'object' }) },
  ),
  ImportAnswer: object({
    import_id: text,
    dry_run: flag,
    rows: count,
    created: count,
    updated: count,
    unchanged: count,
  }),
  ImportProblem: problemWith(
    { const: 'invalid' },
    { errors: listOf({ type: 'object' }), rows: count, invalid: count, stale: count, complete: flag },
  ),
  RecordEvent: object({ ...event, 'previous_version?': count }),
  ProposalEvent: object({
    tenant_id: nullableText,
    ...address,
    proposal_id: text,
    state: { enum: ['open', 'accepted', 'rejected'] },
    client_version: version,
    changed_fields: names,
    by: writer,
    at: text,
  }),
  ImportEvent: object({
    tenant_id: nullableText,
    type: text,
    scopes: listOf(scope),
    count: { type: ['integer', 'null'] },
    import_id: text,
    ...writing,
    tab_id: nullableText,
  }),
  ImportingEvent: object({
    tenant_id: nullableText,
    type: text,
    import_id: text,
    phase: { enum: ['reading', 'writing', 'ended'] },
    rows: count,
    written: count,
    bytes: count,
    total_bytes: { type: ['integer', 'null'] },
    updated_by: ref('Writer'),
    tab_id: nullableText,
  }),
  PresentPerson: object({
    user: object({ id: text, name: text, 'on_behalf_of?': object({ id: text, name: text }) }),
    state: { enum: ['viewing', 'editing', 'idle'] },
    field: nullableText,
    tabs: count,
    'unsaved?': flag,
  }),
  PresenceEvent: object({ ...address, people: listOf(ref('PresentPerson')) }),
  RevokedEvent: object({
    'signed_out?': { const: true },
    records: listOf(object(address)),
    lists: listOf(object({ type: text, scope })),
  }),
  /** What a stream's `heartbeat` carries. */
  Age: object(age),
  WatchingEvent: object({
    ...age,
    'history?': text,
    'spread_ms?': count,
    records: listOf({
      oneOf: [
        object({ ...address, ok: { const: true }, version, ...writing, deleted: flag, 'rights?': text }),
        object({ ...address, ...watchedRefusal }),
      ],
    }),
    lists: listOf({
      oneOf: [
        object({ type: text, scope, ok: { const: true }, cursor: text, behind: flag }),
        object({ type: text, scope, ...watchedRefusal }),
      ],
    }),
  }),
}

const NUMBERS = /^(int8|numeric|float4|float8)$/
const TEXTS = /^(text|varchar|bpchar|uuid|date|timestamp|timestamptz|time|timetz|interval|citext)$/

/** What an answer may hold for a column. A number that JavaScript can't hold exactly is text. */
const columnSchema = (type: string | undefined): Schema => {
  if (type === 'int2' || type === 'int4') return { type: ['integer', 'null'] }
  if (type === 'bool') return { type: ['boolean', 'null'] }
  if (NUMBERS.test(type ?? '')) return { type: ['number', 'string', 'null'] }
  return TEXTS.test(type ?? '') ? nullableText : {}
}

type WithJsonSchema = StandardSchemaV1 & Partial<StandardJSONSchemaV1>

/** What a field takes: the declared schema in its own words where it has them, else what its column holds. */
const inputSchema = (declared: WithJsonSchema, column: string | undefined): Schema => {
  try {
    const own = (declared['~standard'] as Partial<StandardJSONSchemaV1.Props>).jsonSchema
    if (!own) return columnSchema(column)
    const { $schema: _, ...schema } = own.input({ target: 'draft-2020-12' })
    return schema
  } catch {
    return columnSchema(column)
  }
}

/** May the field be left out of a creation? Only a schema that answers at once is asked. */
const isOptional = (declared: StandardSchemaV1): boolean => {
  try {
    const result = declared['~standard'].validate(undefined)
    return result instanceof Promise || !result.issues
  } catch {
    return false
  }
}

/** `ProjectTask` for `project_task`. */
export const schemaName = (typeName: string): string =>
  typeName.replace(/(?:^|_)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())

const proposal = {
  id: text,
  state: { enum: ['open', 'accepted', 'rejected'] },
  client_version: version,
  changes: { type: 'object' },
  note: nullableText,
  proposed_by: writer,
  proposed_at: text,
  decided_by: writer,
  decided_at: nullableText,
  accepted_fields: { type: ['array', 'null'], items: text },
  accepted_version: { type: ['integer', 'null'] },
}

/** The shapes of one declared type: its record, what may be saved, what a creation takes, its stale answer. */
export const typeSchemas = ({
  type,
  shownNames,
  columns,
  writable,
  key,
  rights,
}: KnownType): Record<string, Schema> => {
  const name = schemaName(type.name)
  const shown = shownNames.map((field) => [field, columnSchema(columns.get(field)?.type)])
  const inputOf = (field: string) =>
    inputSchema(type.fields[field] as WithJsonSchema, columns.get(field)?.type)
  const taken = shownNames
    .filter((field) => writable.has(field))
    .map((field): [string, Schema] => [field, inputOf(field)])
  const optional = (field: string) => isOptional(type.fields[field] as StandardSchemaV1)
  const changes = Object.fromEntries(taken.map(([field, schema]) => [`${field}?`, schema]))
  const fields = Object.fromEntries([
    ...[...key.creatable].map((field) => [`${field}?`, inputOf(field)]),
    ...taken.map(([field, schema]) => [optional(field) ? `${field}?` : field, schema]),
  ])
  return {
    [name]: object({
      type: { const: type.name },
      id: text,
      version,
      ...writing,
      fields: object(Object.fromEntries(shown)),
      // What a record was, as its history has it, says nothing of them.
      ...(rights !== null && { 'read_only?': names, 'rights?': text }),
    }),
    [`${name}Changes`]: object(changes),
    [`${name}Fields`]: object(fields),
    [`${name}Proposal`]: object(proposal),
    [`${name}OpenProposal`]: object({ ...proposal, record: ref(name) }),
    [`${name}StaleProblem`]: problemWith(
      { const: 'stale_record' },
      {
        client_version: version,
        current_version: version,
        changed_fields: { type: ['array', 'null'], items: text },
        ...writing,
        current: ref(name),
        'merge?': object({ text: listOf(text) }),
      },
    ),
  }
}
