// Who writes, told to the database within the write itself: what the triggers and the log read.
// Invariant: all of it is one setting, so SQL that names somebody else later in the transaction is not taken for ours.
import { quoteName, quoteText } from '../../migrations/quote.ts'
import type { Actor } from '../base/record-type.ts'
import type { WireRecord } from '../protocol/index.ts'
import type { Column, TrackedType } from './catalogue.ts'

/** Where a write comes from. */
export interface WriterOptions<A extends Actor = Actor> {
  actor: A
  tabId?: string | undefined
  socketId?: string | undefined
}

/** A condition that is always true and names the writer of its transaction. $1: {@link writerContext}. */
export const NAMING = `set_config('noclobber.actor', $1, true) is not null`

/**
 * What {@link NAMING} sets, in lines: the actor; what the log tells besides. A save that vouches goes on with
 * {@link savingContext}.
 *
 * @param further Of an import: its id and the name of its file.
 */
export const writerContext = (
  { nodeId }: { nodeId: string },
  { actor, tabId, socketId }: WriterOptions,
  further: { importId: string; name: string } | null = null,
): string => {
  const shown = further
    ? { id: String(actor.id), name: further.name, kind: 'import' }
    : { id: String(actor.id), name: String(actor.name), kind: actor.kind ?? 'user' }
  const origin = { tab_id: tabId, socket_id: socketId, import_id: further?.importId, node: nodeId }
  return `${JSON.stringify(shown)}\n${JSON.stringify(origin)}`
}

/** A save of more columns is compared by the trigger: an SQL function takes 100 arguments at most. */
const MAX_TOLD = 30

/** May a save of these columns vouch for what it changes? Then its writer's context is {@link savingContext}. */
export const vouches = ({ isPlain, lists, ignored }: TrackedType, columns: string[]): boolean =>
  isPlain &&
  columns.length <= MAX_TOLD &&
  columns.every((name) => !lists.includes(name) && !ignored.includes(name))

const oneLine = (text = '') => (text.includes('\n') ? '' : text)

/** What {@link vouching} completes: the writer's context and what is known beforehand, in the lines of 001-stamp.ts. */
export const savingContext = (
  database: { nodeId: string },
  options: WriterOptions,
  { tag, lists }: TrackedType,
): string => {
  const context = `${writerContext(database, options)}\n${tag}`
  return `${context}\n${oneLine(options.tabId)}\n${oneLine(options.socketId)}\n${lists.length > 0 ? '' : '\n{'}`
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
  const [, , , , , scopes = '', fields = ''] = told.split('\n')
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
