// What an embedding developer declares: the record types, and who may do what with them.
// Invariant: nothing outside this declaration is ever read, written or named by a request.
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { WireRecord, WriterKind } from '../protocol/index.ts'
import { isDateFormat } from './date-format.ts'

/**
 * Who acts: what `authenticate` makes of a request. Further properties are the app's own, for `can`. Ids that are whole numbers
 * are taken as texts, so that `can` compares `actor.id` with a text.
 */
export interface Actor {
  /** Stands in the log as `updated_by.id`. */
  id: string
  /** Shown to others: "Updated by Bob". */
  name: string
  /** The only source of the tenant: no request names one. */
  tenantId: string
  /** Default `user`; a program that signs in by itself is a `service`. */
  kind?: WriterKind
  /**
   * Of an `agent`: for whom it acts. Shown as "Claude, for Alice". Limits, replays and tabs go by `id`, so give an agent one for each
   * person that it acts for; `revoke({ userId })` of that person finds it too.
   */
  onBehalfOf?: { id: string; name: string }
}

/**
 * What `can` of a type is asked about. `propose`: changes that somebody who may update the record accepts or rejects; a user who may
 * update it may propose too.
 */
export type Action = 'read' | 'create' | 'update' | 'delete' | 'propose'

/** A record as a permission sees it. While it is being created its id is `''` and its version 0. */
export type PermissionRecord = Pick<WireRecord, 'type' | 'id' | 'version' | 'fields'>

/**
 * May this person do this with this record? Called often: keep it free of I/O.
 *
 * @param parent Of a part (`partOf`) that is created, updated or deleted: the record that it is part of, whose version
 * rises with that. Always one that this person may read. A move asks twice: as the part is, with the parent that it
 * leaves, and as it would be, with the one that it comes to. `undefined` while reading, for what is no part or has no
 * parent, and where the parent's table is no declared type's.
 */
export type Can<A extends Actor = Actor> = (
  actor: A,
  action: Action,
  record: PermissionRecord,
  parent?: PermissionRecord,
) => boolean

/**
 * Values that follow from others, right before a write: a slug of a title, a cleaned text, the person's key in a column of the
 * app's own. Called after the schemas have passed, by each route, bulk edit and import.
 *
 * @param values The values to be written, by field. Of an update the changes alone.
 * @returns What is written besides, or instead. By a field's name, or of another column by the column's; of any but its key, its tenant and
 * those that the triggers own. An error that it throws is a 500 and writes nothing.
 */
export type Derive<A extends Actor = Actor> = (
  values: Readonly<Record<string, unknown>>,
  context: { actor: A; action: 'create' | 'update' },
) => Record<string, unknown> | Promise<Record<string, unknown>>

/**
 * A field that not everybody may see or write: `salary: { schema: z.number(), read: ({ roles }) => roles.includes('hr') }`. For who
 * may not see it there is no such field, in any answer, event or request. Decided by the person alone, never by the record: for that
 * there is `can`. Called often: keep both free of I/O.
 */
export interface GuardedField<A extends Actor = Actor> {
  /** What a value must be, as of a field without a guard. */
  schema: StandardSchemaV1
  /** May this person see it? What is thrown, and anything but `true`, is a no. Default: everybody. */
  read?: (actor: A) => boolean
  /** May this person, who sees it, write it? Default: everybody who sees it. */
  write?: (actor: A) => boolean
}

/**
 * Who a type's records are for, beside what `can` says: the users whom another table names. That table is tracked with both columns
 * among its `lists`, so joining and leaving count at once.
 */
export interface AudienceOptions {
  /** The table of the members: `project_members`. */
  table: string
  /** Its column that says of which record: `project_id`. */
  on: string
  /** Its column with the ids of users, as `authenticate` gives them: `user_id`. */
  user: string
  /** The record's field that {@link on} refers to: a task's `project_id`. Default: its key. */
  by?: string
  /**
   * Shares records across tenants: of a table without a tenant's column, this column of the members says of which tenant each user is.
   * Default: none, and each record is for members of its own tenant alone. `null`: of a table without a tenant's column, where all people
   * are of one tenant, so that their ids are enough.
   */
  tenant?: string | null
}

/** What {@link defineRecordType} takes. */
export interface RecordTypeOptions<A extends Actor = Actor> {
  /** The table, tracked by `trackTable`; with its schema if that isn't on the search path. */
  table: string
  /** Fields that the wire shows and takes: a Standard Schema each (zod, valibot, arktype), alone or with who may see and write it. */
  fields: Record<string, StandardSchemaV1 | GuardedField<A>>
  /** The columns of fields that have another name than theirs: `{ emailAddress: 'email_address' }`. Default: none has. */
  columnOf?: Record<string, string>
  /**
   * Fields that `can` sees and nobody is shown or may write: `{ fields: { ownerId: z.any() }, hidden: ['ownerId'] }`. They are
   * properties of `record.fields` that are not enumerated: a copy of the fields is without them. Default: none.
   */
  hidden?: string[]
  /** Default: everybody of the tenant may do everything. */
  can?: Can<A>
  /** Whom records are for: nobody else may do anything with them but create some. Default `null`: all for whom `can` says so. */
  audience?: AudienceOptions | null
  /** Fields that are shown and never written: a counter, a total that a trigger computes. Default: none. */
  readOnly?: string[]
  /**
   * A Standard Schema of the whole record, for what no field says alone: `z.looseObject({…}).refine(…)`. Each create, save, bulk
   * edit and import is checked against it, after {@link derive}: the record's fields as the wire has them, with the new values
   * over them. A new record has no key yet, and lacks what the database fills in. An issue is an error of the field that its path
   * names. What it returns isn't used. Default `null`.
   */
  rule?: StandardSchemaV1 | null
  /** Values that follow from others. Default `null`: none do. */
  derive?: Derive<A> | null
  /** Fields whose text a list's `search` looks through. Default: none, and `search` is refused. */
  search?: string[]
  /**
   * Lets a stale save pass with `on_stale: "merge"` when nobody else changed the same fields. With `text`, changes in
   * different places of those fields' texts pass together too. Default `false`.
   */
  merge?: boolean | { text: string[] }
  /** The field by which an import finds the records that it updates: `number`. Default `null`: it creates alone. */
  importKey?: string | null
  /**
   * How dates stand in the CSV files of an import, by field: `{ born: 'DD.MM.YYYY' }`. D and M take one digit too. Default:
   * as ISO 8601 has them.
   */
  dateFormats?: Record<string, string>
  /**
   * Fields, and parents' columns, whose values are no secret even of records that a person may not read. Where `can`
   * looks at the record, lists are filtered and sorted by other fields only among records that the caller may read, all of
   * which have to be looked at first: large types name here what their lists are found by. Default: none.
   */
  openFields?: string[]
  /**
   * `values`: a record's history and the change feed show what each field was before and after. The table must be
   * tracked with `history: 'values'` too. Default `fields`: which fields changed.
   */
  history?: 'fields' | 'values'
}

/** A declared record type. */
export interface RecordType<A extends Actor = Actor> extends Required<Omit<RecordTypeOptions<A>, 'fields'>> {
  /** The name on the wire, in the singular. */
  name: string
  /** The schema of each field, by its name, which is the column's. */
  fields: Record<string, StandardSchemaV1>
  /** Of the fields that not everybody may see or write: who may. */
  guards: Record<string, Omit<GuardedField<A>, 'schema'>>
}

const isGuarded = <A extends Actor>(field: StandardSchemaV1 | GuardedField<A>): field is GuardedField<A> =>
  !('~standard' in field)

/** What is declared of each field, by what it is for. */
const partsOf = <A extends Actor>(
  declared: RecordTypeOptions<A>['fields'],
): Pick<RecordType<A>, 'fields' | 'guards'> => {
  const fields: [string, StandardSchemaV1][] = []
  const guards: RecordType<A>['guards'] = Object.create(null)
  for (const [name, field] of Object.entries(declared)) {
    const { schema, ...guard } = isGuarded(field) ? field : { schema: field }
    fields.push([name, schema])
    if ('read' in guard || 'write' in guard) guards[name] = guard
  }
  return { fields: Object.fromEntries(fields), guards }
}

/** Fields whose texts are merged by place. */
export const mergedTextFields = (merge: boolean | { text: string[] }): string[] =>
  typeof merge === 'object' ? merge.text : []

/** A version: a whole number from 1, as a number. */
export const isVersion = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) > 0

const NAME = /^[a-z][a-z0-9_]{0,62}$/

/** @throws Error where what is declared names fields that aren't, or would show what is hidden. */
const checkDeclared = <A extends Actor>(type: RecordType<A>): void => {
  const { fields, guards, columnOf, hidden, readOnly, search, importKey, dateFormats, openFields } = type
  const fail = (why: string) => {
    throw new Error(`Record type "${type.name}": ${why}`)
  }
  const isUndeclared = (field: string) => !(field in fields)
  const texts = mergedTextFields(type.merge)
  if (!NAME.test(type.name)) fail('a name is lower case letters, digits and _.')
  for (const owned of ['version', 'updated_at', 'updated_by'])
    if (owned in fields) fail(`${owned} belongs to the trigger and can't be a field.`)
  if (importKey !== null && importKey !== 'id' && isUndeclared(importKey)) fail('importKey names no field.')
  for (const [field, format] of Object.entries(dateFormats))
    if (isUndeclared(field) || !isDateFormat(format))
      fail(`dateFormats names a field, and an order of DD, MM and YYYY: ${field}.`)
  const unknown = search.find(isUndeclared)
  if (unknown !== undefined) fail(`search names no field ${unknown}.`)
  const unknownText = texts.find(isUndeclared)
  if (unknownText !== undefined) fail(`merge names no field ${unknownText}.`)
  const unmapped = [...Object.keys(columnOf), ...hidden].find(isUndeclared)
  if (unmapped !== undefined) fail(`columnOf and hidden name fields, and ${unmapped} is none.`)
  const used = [...search, ...texts, ...openFields, ...Object.keys(dateFormats), importKey ?? '']
  const revealed = hidden.find((field) => used.includes(field))
  if (revealed !== undefined)
    fail(`${revealed} is hidden, and search, merge, openFields, dateFormats and importKey would show it.`)
  const open = [...openFields, importKey ?? ''].find((field) => guards[field]?.read)
  if (open !== undefined)
    fail(`not everybody sees ${open}, and openFields and importKey name what is no secret.`)
  const unshown = readOnly.find(isUndeclared)
  if (unshown !== undefined) fail(`readOnly names no field ${unshown}.`)
}

/**
 * Declares a record type.
 *
 * @param name The type's name on the wire, in the singular: `project`.
 * @throws Error where the name is not lower case letters, digits and `_`, a field is one of the columns that the
 * triggers own, or a field to search is not declared.
 * @example
 * interface Me extends Actor { roles: string[] }
 * const project = defineRecordType('project', {
 *   table: 'projects',
 *   fields: { name: z.string().min(1), status: z.enum(['planned', 'active']) },
 *   can: (actor: Me, action) => action === 'read' || actor.roles.includes('editor'),
 * })
 */
export const defineRecordType = <A extends Actor = Actor>(
  name: string,
  {
    table,
    fields: declared,
    columnOf = {},
    hidden = [],
    can = () => true,
    audience = null,
    readOnly = [],
    derive = null,
    rule = null,
    search = [],
    merge = false,
    importKey = null,
    dateFormats = {},
    openFields = [],
    history = 'fields',
  }: RecordTypeOptions<A>,
): RecordType<A> => {
  const type: RecordType<A> = {
    name,
    table,
    ...partsOf(declared),
    columnOf: Object.assign(Object.create(null), columnOf),
    hidden,
    can,
    audience,
    readOnly,
    derive,
    rule,
    search,
    merge,
    importKey,
    dateFormats: Object.assign(Object.create(null), dateFormats),
    openFields,
    history,
  }
  checkDeclared(type)
  return type
}
