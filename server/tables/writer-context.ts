// The writer context: a setting that each write makes in its own statement, and that the triggers read. It names the writer
// and, for a save that computes it beforehand, the change set.
// Invariant: all of it is one setting, so SQL that names another writer later in the transaction is not taken for ours. Its
// format is that of migrations/functions/writer-setting.ts, encoded and decoded here by field name.
import { hash } from 'node:crypto'
import { NAMES, type Name, recordLine, signedText } from '../../migrations/functions/writer-setting.ts'
import { quoteText } from '../../migrations/quote.ts'
import type { Actor } from '../base/record-type.ts'
import { UNSTAMPED } from '../base/setup-error.ts'
import { normalizedWriter } from '../log/stored-writer.ts'
import type { WireRecord } from '../protocol/index.ts'
import type { Column, TrackedType } from './catalogue.ts'
import { columnSql, fieldText } from './field-sql.ts'

/** Where a write comes from. */
export interface WriterOptions<A extends Actor = Actor> {
  actor: A
  tabId?: string | undefined
  socketId?: string | undefined
}

/** Signs the settings of a node: `database.signing`. */
export interface Signing {
  /** A text that differs from save to save. */
  sign(text: string): string
  /** A text that comes again, as a person's name does. */
  signAgain(text: string): string
}

/** An SQL condition that is always true and sets the writer of its transaction. $1: {@link writerContext}. */
export const NAMING = `set_config('noclobber.actor', $1, true) is not null`

/** The most signatures that are kept. */
const MAX_SIGNATURES = 2_000

/** Signs as `noclobber.is_signed` and `is_ours` read it, with the secret of `noclobber.cursor_key`. */
export const createSigning = (secret: Buffer): Signing => {
  const key = secret.toString('hex')
  const sign = (text: string) => hash('md5', key + text)
  const kept = new Map<string, string>()
  return {
    sign,
    signAgain: (text) => {
      const known = kept.get(text)
      if (known) return known
      if (kept.size >= MAX_SIGNATURES) kept.clear()
      const made = sign(text)
      kept.set(text, made)
      return made
    },
  }
}

const MAX_LINE = 200
const NOT_PLAIN = /[^\x20-\x7e]/

/** A value that takes one line; empty where it is too long or not printable ASCII. */
const line = (text: string | undefined) =>
  text === undefined || text.length > MAX_LINE || NOT_PLAIN.test(text) ? '' : text

const escaped = (json: string) =>
  NOT_PLAIN.test(json)
    ? json.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    : json

/** What a setting has of who writes, from where, and of which record; a line each, empty where there is none. */
interface Lines {
  writer: string
  record: string
  tabId: string
  socketId: string
  importId: string
}

/** The one encoder: the values in the order of `NAMES`, a line each. */
const encode = (
  { sign, signAgain }: Signing,
  { writer, record, tabId, socketId, importId }: Lines,
): string => {
  const signature = sign(signedText(record, tabId, socketId, importId))
  return `${signAgain(writer)}\n${writer}\n${signature}\n${record}\n${tabId}\n${socketId}\n${importId}`
}

/** The one decoder: a value of the setting, by its name. */
export const decode = (setting: string, name: Name): string => setting.split('\n')[NAMES.indexOf(name)] ?? ''

const writerLine = (claim: object): string => escaped(JSON.stringify(normalizedWriter(claim)))

/** The most writers whose lines are kept, and the longest names of theirs. */
const MAX_WRITERS = 2_000
const MAX_KEPT_NAME = 200
const writerLines = new Map<string, string>()

/** Of a person who writes for nobody else: the same at each of their saves, so it is kept. */
const personLine = ({ id, name, kind = 'user' }: Actor): string => {
  if (id.length > MAX_KEPT_NAME || name.length > MAX_KEPT_NAME) return writerLine({ id, name, kind })
  const key = `${kind} ${id.length} ${id}${name}`
  const known = writerLines.get(key)
  if (known !== undefined) return known
  if (writerLines.size >= MAX_WRITERS) writerLines.clear()
  const made = writerLine({ id, name, kind })
  writerLines.set(key, made)
  return made
}

const lineOf = ({ actor }: WriterOptions, further: { name: string } | null): string => {
  const { id, name, kind = 'user', onBehalfOf } = actor
  if (further) return writerLine({ id, name: further.name, kind: 'import' })
  return onBehalfOf ? writerLine({ id, name, kind, on_behalf_of: onBehalfOf }) : personLine(actor)
}

const linesOf = (
  options: WriterOptions,
  record: string,
  further: { importId: string; name: string } | null = null,
): Lines => ({
  writer: lineOf(options, further),
  record,
  tabId: line(options.tabId),
  socketId: line(options.socketId),
  importId: line(further?.importId),
})

/**
 * The parameter of {@link NAMING}. A save that sends its change set takes {@link savingContext} instead.
 *
 * @param further Of an import: its id and the name of its file.
 */
export const writerContext = (
  signing: Signing,
  options: WriterOptions,
  further: { importId: string; name: string } | null = null,
): string => encode(signing, linesOf(options, '', further))

/** With more columns than this the trigger compares the rows: an SQL function takes at most 100 arguments. */
const MAX_COLUMNS = 30

/** Can a save of these columns send its change set? Then its writer context is {@link savingContext}. */
export const canPrecompute = (
  { lists, ignored }: TrackedType,
  { id, columns }: { id: string; columns: string[] },
): boolean =>
  line(id) !== '' &&
  columns.length <= MAX_COLUMNS &&
  columns.every((name) => !lists.includes(name) && !ignored.includes(name))

/**
 * The parameter that {@link changeSetCondition} completes: the writer context, and the one record that the change set is of.
 *
 * @param record Its id, and the version on which it is saved.
 */
export const savingContext = (
  signing: Signing,
  options: WriterOptions,
  { tag, lists }: TrackedType,
  { id, version }: { id: string; version: number },
): string => {
  const text = encode(signing, linesOf(options, recordLine(tag, id, version + 1)))
  return lists.length > 0 ? `${text}\n` : `${text}\n\n`
}

/** Types whose equal values have equal images; texts are compared byte by byte. Of equal numerics the stored one is kept. */
const EQUAL_IS_SAME = new Set(['bool', 'int2', 'int4', 'int8', 'uuid', 'date', 'timestamp', 'timestamptz'])
const TEXTS = new Set(['text', 'varchar'])

/** Whether a column differs from a parameter, as the version trigger compares them: the cheapest test that the type allows. */
const differs = (tracked: TrackedType, name: string, parameter: string): string => {
  const column = `t.${columnSql(tracked, name)}`
  const { type, exact, cast, codec } = tracked.columns.get(name) as Column
  const value = `${parameter}::${exact}`
  if (codec.isComparing && type !== 'numeric')
    return `record_image_ne(row(${column}), row((${codec.kept(column, `${parameter}::${cast}`)})::${exact}))`
  if (EQUAL_IS_SAME.has(type) || type === 'numeric') return `${column} is distinct from ${value}`
  if (TEXTS.has(type)) return `${column} collate "C" is distinct from ${value} collate "C"`
  return `record_image_ne(row(${column}), row(${value}))`
}

/**
 * An SQL condition that is always true and sets the writer and the change set of a save. It completes {@link savingContext}
 * from the row `t`: the values of its list columns, and which of the set columns change, compared as the version trigger
 * compares rows.
 *
 * @param first The parameter of the first column.
 */
export const changeSetCondition = (tracked: TrackedType, columns: string[], first: number): string => {
  const { lists } = tracked
  const { columnOf } = tracked.names
  const scopes = lists.map(
    (name) =>
      `${quoteText(columnOf(name))}, pg_catalog.to_jsonb(pg_catalog.array_remove(array[${fieldText(tracked, name)}], null))`,
  )
  const changed = columns.map(
    (name, at) =>
      `case when ${differs(tracked, name, `$${first + at}`)} then ${quoteText(columnOf(name))} end`,
  )
  const parts = [
    ...(lists.length > 0 ? [`pg_catalog.jsonb_build_object(${scopes.join(', ')})::text || E'\\n'`] : []),
    `pg_catalog.concat_ws(',', ${changed.join(', ')})`,
  ]
  return `set_config('noclobber.actor', $1 || ${parts.join(' || ')}, true) is not null`
}

const SCOPES_LINE = NAMES.indexOf('scopes')
const FIELDS_LINE = NAMES.indexOf('fields')

const SENT = `pg_catalog.current_setting('noclobber.actor', true)`

/**
 * The change set that a save has sent, for RETURNING. Read by {@link readChangeSet}. Where it names fields, and the row is at the version
 * that it was at, no trigger has stamped the row: an error, see {@link UNSTAMPED}. It is that of a setting that isn't there, which costs
 * nothing while it isn't met.
 *
 * @param before The parameter of the version on which it is saved.
 */
export const sentChangeSet = (version: string, before: string): string =>
  `case when ${version} operator(pg_catalog.<>) ${before} or ${SENT} operator(pg_catalog.~~) E'%\\n' then ${SENT} else pg_catalog.current_setting('${UNSTAMPED}') end`

/** The values of the record's list columns and the changed ones, by the columns' own names as in the log, from {@link sentChangeSet}. */
export const readChangeSet = (setting: string) => {
  const lines = setting.split('\n')
  const [scopes, fields] = [lines[SCOPES_LINE] ?? '', lines[FIELDS_LINE] ?? '']
  return {
    scopes: scopes === '' ? null : (JSON.parse(scopes) as Record<string, string[]>),
    changedFields: fields === '' ? [] : fields.split(','),
  }
}

const isSame = (one: unknown, other: unknown) =>
  one === other || (typeof one === 'object' && JSON.stringify(one) === JSON.stringify(other))

/** Whether a save changed only the columns that it set. If not, a trigger was added to the table after it was looked up. */
export const changesNothingElse = (before: WireRecord, after: WireRecord, columns: string[]): boolean =>
  Object.getOwnPropertyNames(after.fields).every(
    (name) => columns.includes(name) || isSame(before.fields[name], after.fields[name]),
  )
