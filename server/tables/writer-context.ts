// Who writes, told to the database within the write itself: what the triggers and the log read.
// Invariant: all of it is one setting, so SQL that names somebody else later in the transaction is not taken for ours. Its
// form is that of migrations/functions/writer-setting.ts, written and read here by name.
import { createHash } from 'node:crypto'
import { NAMES, type Name, SIGNED } from '../../migrations/functions/writer-setting.ts'
import { quoteName, quoteText } from '../../migrations/quote.ts'
import type { Actor } from '../base/record-type.ts'
import { normalizedWriter } from '../log/stored-writer.ts'
import type { WireRecord } from '../protocol/index.ts'
import type { Column, TrackedType } from './catalogue.ts'

/** Where a write comes from. */
export interface WriterOptions<A extends Actor = Actor> {
  actor: A
  tabId?: string | undefined
  socketId?: string | undefined
}

/** What signs the settings of a node: `database.sign`. */
export interface Signing {
  nodeId: string
  sign(text: string): string
}

/** A condition that is always true and names the writer of its transaction. $1: {@link writerContext}. */
export const NAMING = `set_config('noclobber.actor', $1, true) is not null`

/** Signs as `noclobber.is_signed` reads it, with the secret of `noclobber.cursor_key`. */
export const createSign = (secret: Buffer): Signing['sign'] => {
  const key = secret.toString('hex')
  return (text) => createHash('md5').update(key).update(text).update(key).digest('hex')
}

const MAX_LINE = 200
const NOT_PLAIN = /[^\x20-\x7e]/

/** A value that has a line: what isn't printable ASCII is left out. */
const line = (text: string | undefined) =>
  text === undefined || text.length > MAX_LINE || NOT_PLAIN.test(text) ? '' : text

const escaped = (json: string) =>
  NOT_PLAIN.test(json)
    ? json.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    : json

/** The one encoder: the signature, and what it covers, in the lines of `NAMES`. */
const encode = ({ sign }: Signing, values: Partial<Record<Name, string>>): string => {
  const signed = SIGNED.map((name) => values[name] ?? '').join('\n')
  return `${sign(signed)}\n${signed}`
}

/** The one decoder: a value of a setting, by its name. */
export const decode = (setting: string, name: Name): string => setting.split('\n')[NAMES.indexOf(name)] ?? ''

const shownWriter = ({ actor }: WriterOptions, further: { name: string } | null) =>
  normalizedWriter(
    further
      ? { id: actor.id, name: further.name, kind: 'import' }
      : { id: actor.id, name: actor.name, kind: actor.kind ?? 'user', on_behalf_of: actor.onBehalfOf },
  )

const valuesOf = (
  { nodeId }: Signing,
  options: WriterOptions,
  further: { importId: string; name: string } | null = null,
): Partial<Record<Name, string>> => {
  const writer = shownWriter(options, further)
  return {
    writer: writer ? escaped(JSON.stringify(writer)) : '',
    node: nodeId,
    tab_id: line(options.tabId),
    socket_id: line(options.socketId),
    import_id: line(further?.importId),
  }
}

/**
 * What {@link NAMING} sets. A save that tells its changed fields sets {@link savingContext}.
 *
 * @param further Of an import: its id and the name of its file.
 */
export const writerContext = (
  signing: Signing,
  options: WriterOptions,
  further: { importId: string; name: string } | null = null,
): string => encode(signing, valuesOf(signing, options, further))

/** A save of more columns is compared by the trigger: an SQL function takes 100 arguments at most. */
const MAX_TOLD = 30

/** Can a save of these columns send its change set? Then its writer's context is {@link savingContext}. */
export const canPrecompute = (
  { lists, ignored }: TrackedType,
  { id, columns }: { id: string; columns: string[] },
): boolean =>
  line(id) !== '' &&
  columns.length <= MAX_TOLD &&
  columns.every((name) => !lists.includes(name) && !ignored.includes(name))

/**
 * What {@link vouching} completes: the writer's context, and the one record whose changed fields are told.
 *
 * @param record Its id, and the version that it is saved on.
 */
export const savingContext = (
  signing: Signing,
  options: WriterOptions,
  { tag, lists }: TrackedType,
  { id, version }: { id: string; version: number },
): string => {
  const values = { ...valuesOf(signing, options), table: tag, id, version: String(version + 1) }
  return `${encode(signing, values)}\n${lists.length > 0 ? '' : '\n{'}`
}

const quoted = (name: string) => quoteText(`"${name}"`)

/** Types whose values are equal where their images are; a numeric's are if it has a scale, a text's byte by byte. */
const EQUAL_IS_SAME = new Set(['bool', 'int2', 'int4', 'int8', 'uuid', 'date', 'timestamp', 'timestamptz'])
const TEXTS = new Set(['text', 'varchar'])

/** Is a column other than a parameter, as the version's trigger sees it? By the cheapest comparison that its type allows. */
const differs = (column: string, parameter: string, { type, exact }: Column): string => {
  const value = `${parameter}::${exact}`
  if (EQUAL_IS_SAME.has(type) || (type === 'numeric' && exact !== type))
    return `${column} is distinct from ${value}`
  if (TEXTS.has(type)) return `${column} collate "C" is distinct from ${value} collate "C"`
  return `record_image_ne(row(${column}), row(${value}))`
}

/**
 * A condition that is always true and names the writer of a save that vouches. It completes {@link savingContext} from
 * the row `t`: the values of its lists, and which of the columns it sets it changes, compared as the version's trigger
 * compares rows.
 *
 * @param first The parameter of the first column.
 */
export const vouching = (
  { lists, columns: known }: TrackedType,
  columns: string[],
  first: number,
): string => {
  const scopes = lists.map(
    (name) => `${quoteText(name)}, to_jsonb(array_remove(array[t.${quoteName(name)}::text], null))`,
  )
  const changed = columns.map(
    (name, at) =>
      `case when ${differs(`t.${quoteName(name)}`, `$${first + at}`, known.get(name) as Column)} then ${quoted(name)} end`,
  )
  const told = [
    ...(lists.length > 0 ? [`jsonb_build_object(${scopes.join(', ')})::text || E'\\n{'`] : []),
    `concat_ws(',', ${changed.join(', ')})`,
    `'}'`,
  ]
  return `set_config('noclobber.actor', $1 || ${told.join(' || ')}, true) is not null`
}

/** What a vouching save has told the log, for RETURNING. See {@link readTold}. */
export const TOLD = `current_setting('noclobber.actor', true)`

/** The values of the record's lists and the changed fields, from {@link TOLD}. */
export const readTold = (told: string) => {
  const [scopes, fields] = [decode(told, 'scopes'), decode(told, 'fields')]
  return {
    scopes: scopes === '' ? null : (JSON.parse(scopes) as Record<string, string[]>),
    changedFields: JSON.parse(`[${fields.slice(1, -1)}]`) as string[],
  }
}

const isSame = (one: unknown, other: unknown) =>
  one === other || (typeof one === 'object' && JSON.stringify(one) === JSON.stringify(other))

/** Did a save change nothing but what it set? Where not, a trigger has come to the table since it was looked up. */
export const isAsTold = (before: WireRecord, after: WireRecord, columns: string[]): boolean =>
  Object.keys(after.fields).every(
    (name) => columns.includes(name) || isSame(before.fields[name], after.fields[name]),
  )
