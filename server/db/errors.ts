// What PostgreSQL's errors mean to the person who saves.
// Invariant: bad input is 422, a database that can't be reached or is overrun is 503, and neither is ever a 500.
import { invalidProblem, problem } from '../base/problems.ts'
import { isUnstamped, setupSentence, setupStepOf } from '../base/setup-error.ts'
import type { Problem } from '../protocol/index.ts'
import { discardedBy, isOutdated } from './prepared-query.ts'

/** The parts of pg's DatabaseError that are read. */
interface DatabaseError {
  code?: string
  column?: string
  constraint?: string
  table?: string
  /** Of a domain whose check refused the value. */
  dataType?: string
  detail?: string
  message?: string
  hint?: string
  /** What was running, the innermost first. */
  where?: string
  /** The function of PostgreSQL's source that reported it. */
  routine?: string
  severity?: string
  /** Of an error of the system. */
  syscall?: string
}

const asDatabaseError = (error: unknown): DatabaseError => (error && typeof error === 'object' ? error : {})

/** Deadlock, serialization failure, and prepared statements that were discarded: the same write may pass when it is sent again. */
export const isRetryable = (error: unknown): boolean =>
  ['40P01', '40001'].includes(asDatabaseError(error).code ?? '') || discardedBy(error) !== null

/** By another connection's request, or because it took too long. */
export const isCancelled = (error: unknown): boolean => asDatabaseError(error).code === '57014'

/**
 * Somebody's setting may be the cause, not the statement: read-only, a time limit, a role, triggers off. Not where a policy refuses a
 * row, or code of the app's says so.
 */
export const mayBeOfSettings = (error: unknown): boolean => {
  const { code = '', routine, where } = asDatabaseError(error)
  return (
    isUnstamped(error) ||
    (!where && routine !== 'ExecWithCheckOptions' && ['25006', '42501', '55P03', '57014'].includes(code))
  )
}

/** A column is of another type than when the table was looked up. */
export const isOfOtherType = (error: unknown): boolean =>
  ['42804', '42883'].includes(asDatabaseError(error).code ?? '')

/**
 * A statement of ours doesn't fit its table, which was altered since: it failed before it wrote anything. Not where code of the app's
 * says so.
 */
export const isOfOtherTable = (error: unknown): error is Error => {
  const { code = '', where } = asDatabaseError(error)
  return !where && (['42703', '42P01', '42804', '42883', '42846'].includes(code) || isOutdated(error))
}

/** A change set was sent for a table that is not plain any more: see `log_update` in migrations/functions/trigger-body.sql. */
export const isNotPlain = (error: unknown): boolean => {
  const { code, table, column } = asDatabaseError(error)
  return code === '23502' && table === 'record_changes' && column === 'table_name'
}

/** The mutation id was kept by another write. */
export const isStoredMutation = (error: unknown): boolean => {
  const { code, constraint, table } = asDatabaseError(error)
  return code === '23505' && table === 'mutations' && constraint === 'mutations_pkey'
}

const UNAVAILABLE_CODES =
  /^(08...|28...|53...|57P0.|57014|55P03|40P01|40001|25006|25P0[34]|3D000|ECONNREFUSED|ECONNRESET|ENOTFOUND|ETIMEDOUT|EPIPE|EAI_AGAIN|EHOSTUNREACH)$/
/** Of a connection over TLS that wasn't made. */
const TLS_CODES = /^(CERT_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH)/
/** What was asked of the system when a connection wasn't made: `connect` of a socket that isn't there is ENOENT. */
const TO_CONNECT = ['connect', 'getaddrinfo']
const UNAVAILABLE_TEXT =
  /Timeout acquiring a connection|does not support SSL connections|Connection terminated|connection timeout|Client has encountered a connection error|not queryable|Query read timeout|Unable to acquire a connection|^aborted$/i

/** PostgreSQL ended the connection, or refused it: it says so by the severity, whatever the code. */
const isFatal = ({ severity }: DatabaseError) => severity === 'FATAL' || severity === 'PANIC'

/** PostgreSQL lets this role into this database by no waiting: a wrong password or name, no line in pg_hba.conf, no such database. */
export const isRefusedForGood = (error: unknown): boolean =>
  isFatal(asDatabaseError(error)) && /^(28...|3D000)$/.test(asDatabaseError(error).code ?? '')

/** The database can't be reached, has no connection left, lets nobody in, or gave up: 503. */
export const isUnavailable = (error: unknown): boolean => {
  const found = asDatabaseError(error)
  const { code = '', syscall = '' } = found
  return (
    UNAVAILABLE_CODES.test(code) ||
    isFatal(found) ||
    TLS_CODES.test(code) ||
    TO_CONNECT.includes(syscall) ||
    (error instanceof Error && (error.name === 'KnexTimeoutError' || UNAVAILABLE_TEXT.test(error.message)))
  )
}

/** What is said of a value that the database refuses, by PostgreSQL's code. */
export const MESSAGES: Record<string, string> = {
  '23502': 'is required',
  '23503': 'refers to something that is not there, or is still referred to',
  '23505': 'is taken already',
  '23514': 'is not allowed',
  '23P01': 'collides with another record',
  '22001': 'is too long',
  '22003': 'is out of range',
  '22007': 'is not a date or time',
  '22008': 'is not a date or time',
  '54000': 'is too long',
}

/** What is known of the table that is written. */
export interface WrittenTable {
  /** Fields that an answer may name. */
  shownNames: string[]
  names: { fieldOf(column: string): string }
  key: { names: readonly string[]; kind: unknown; isMade: boolean; creatable: ReadonlySet<string> }
  columns: Map<string, { cast: string }>
  /** Columns by the name of their constraint or unique index, those in its expressions too. */
  constraints: Record<string, string[]>
}

/** What was sent to be written. */
export interface SentValues {
  columns: string[]
  /** The number of the first column's parameter; of an import there is none. */
  firstParameter?: number
}

const MOST_TEXT = 1_000

/** What Knex puts in front of an error at the end of a transaction. */
const STATEMENT = /^COMMIT; - /

/** A sentence of the database's as it may be shown: one line, of limited length. */
const sentence = (text = ''): string =>
  text
    .replace(STATEMENT, '')
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
    .slice(0, MOST_TEXT)

/** RAISE EXCEPTION of the app's own code: a rule, whatever its code; ours say what is wrong with a table. */
const isRaised = ({ code = '', routine, where = '' }: DatabaseError): boolean =>
  routine === 'exec_stmt_raise' &&
  !UNAVAILABLE_CODES.test(code) &&
  !code.startsWith('XX') &&
  !/\bnoclobber\.\w+\(/.test(where.split('\n')[0] ?? '')

/** The names in PostgreSQL's list of a key, `a, "b ""c""", lower(d)`: quoted ones unquoted, of expressions all words. */
const namesIn = (list: string): string[] =>
  (list.match(/"(?:[^"]|"")+"|[^\s,()":']+/g) ?? []).map((name) =>
    name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name,
  )

/** The part of `Key (a, b)=(1, 2) …` that names columns. A quote can be read in one way only: people's values stand in such texts too. */
const KEY = /^[^(]*\(((?:"[^"]*"|[^"])*?)\)=\(/

/** The fields that an error is about: the column, those of the constraint, those of the key that it shows, the only one sent. */
const fieldsOf = (
  { column, constraint = '', detail = '', dataType, where = '' }: DatabaseError,
  { shownNames, names: { fieldOf }, constraints, columns }: WrittenTable,
  { columns: sent, firstParameter }: SentValues,
): string[] => {
  const isField = (name: string | undefined): name is string =>
    name !== undefined && shownNames.includes(name)
  const parameter = Number(/\$(\d+)/.exec(where)?.[1] ?? 0)
  const ofType = (sent.length > 0 ? sent : shownNames).filter(
    (name) =>
      dataType &&
      columns.get(name)?.cast.split('.').at(-1)?.replaceAll('"', '') === dataType?.replaceAll('"', ''),
  )
  const candidates = [
    column === undefined ? [] : [fieldOf(column)],
    Object.hasOwn(constraints, constraint) ? (constraints[constraint] ?? []) : [],
    namesIn(KEY.exec(detail)?.[1] ?? '').map(fieldOf),
    firstParameter !== undefined && parameter >= firstParameter ? [sent[parameter - firstParameter]] : [],
    ofType.length === 1 ? ofType : [],
    sent.length === 1 ? sent : [],
  ]
  for (const names of candidates) {
    const found = [...new Set(names.filter(isField))]
    if (found.length > 0) return found
  }
  return []
}

/** A statement and what PostgreSQL said of it, as Knex puts them together. */
const WITH_STATEMENT =
  /^\s*(?:select|with|insert|update|delete|set|do|create|alter|drop|lock|begin|commit)\b.* - /is

/** What an error says, without the statement that Knex puts in front of it. */
export const causeOf = (error: unknown): string => {
  const { severity, message = String(error) } = asDatabaseError(error)
  return severity ? message.replace(WITH_STATEMENT, '') : message
}

/** Bad values, a constraint, a generated column, a view's check option. */
const OF_VALUES = /^(22|23|54000|428C9|44000)/

const NO_ID = 'send `id`: the database makes none for this type'
const NO_KEY = 'has no default in the database, so no record of this type can be created here'

/** A column of the key was to be made by the database. A field of it that a creation may give is named like any other. */
const isMissingKey = ({ key }: WrittenTable, sent: SentValues, column = ''): column is string =>
  key.names.includes(column) && !key.creatable.has(column) && !sent.columns.includes(column)

/**
 * 422 where the database refuses the values or one of the app's own rules does, with the rule's sentence; 403 where a policy
 * of the table does; `null` for everything else.
 */
export const refusedValues = (error: unknown, table: WrittenTable, sent: SentValues): Problem | null => {
  if (isUnstamped(error)) return null
  const known = asDatabaseError(error)
  const { code = '', routine, constraint } = known
  const column = known.column === undefined ? undefined : table.names.fieldOf(known.column)
  if (code === '42501' && routine === 'ExecWithCheckOptions')
    return problem('forbidden', 'A policy of the table does not allow this.')
  const raised = isRaised(known)
  if (!raised && !OF_VALUES.test(code)) return null
  if (!raised && code === '23502' && isMissingKey(table, sent, column))
    return invalidProblem([
      table.key.isMade ? { field: column, message: NO_KEY } : { field: 'id', message: NO_ID },
    ])
  const message = (raised && sentence(known.message)) || (MESSAGES[code] ?? 'is not a value that fits')
  const hint = raised ? sentence(known.hint) : ''
  const rule = raised && constraint ? { constraint: sentence(constraint) } : {}
  const fields = fieldsOf(known, table, raised ? { columns: [] } : sent)
  return invalidProblem(
    (fields.length > 0 ? fields : ['']).map((field) => ({ field, message, ...(hint && { hint }), ...rule })),
  )
}

/** The problem document for an error that no operation expected. */
export const unexpectedProblem = (error: unknown): Problem => {
  if (isUnavailable(error)) return problem('unavailable')
  const step = setupStepOf(error)
  if (!step) return problem('internal')
  return problem(step === 'changed' ? 'unavailable' : 'internal', setupSentence(step))
}
