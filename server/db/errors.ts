// What PostgreSQL's errors mean to the person who saves.
// Invariant: bad input is 422, a database that can't be reached or is overrun is 503, and neither is ever a 500.
import { invalidProblem, problem } from '../base/problems.ts'
import type { Problem } from '../protocol/index.ts'

/** The parts of pg's DatabaseError that are read. */
interface DatabaseError {
  code?: string
  column?: string
  constraint?: string
  table?: string
  detail?: string
}

const asDatabaseError = (error: unknown): DatabaseError => (error && typeof error === 'object' ? error : {})

/** Deadlock and serialization failure: the same write may pass when it is sent again. */
export const isRetryable = (error: unknown): boolean =>
  ['40P01', '40001'].includes(asDatabaseError(error).code ?? '')

/** A column is of another type than when the table was looked up. */
export const isOfOtherType = (error: unknown): boolean =>
  ['42804', '42883'].includes(asDatabaseError(error).code ?? '')

/** The mutation id was kept by another write. */
export const isStoredMutation = (error: unknown): boolean => {
  const { code, constraint, table } = asDatabaseError(error)
  return code === '23505' && table === 'mutations' && constraint === 'mutations_pkey'
}

const UNAVAILABLE_CODES =
  /^(08...|53...|57P0.|57014|55P03|40P01|40001|25006|ECONNREFUSED|ECONNRESET|ENOTFOUND|ETIMEDOUT|EPIPE|EAI_AGAIN|EHOSTUNREACH)$/
const UNAVAILABLE_TEXT =
  /Timeout acquiring a connection|Connection terminated|connection timeout|Client has encountered a connection error|not queryable|Query read timeout|Unable to acquire a connection|^aborted$/i

/** The database can't be reached, has no connection left, or gave up: 503. */
export const isUnavailable = (error: unknown): boolean =>
  UNAVAILABLE_CODES.test(asDatabaseError(error).code ?? '') ||
  (error instanceof Error && (error.name === 'KnexTimeoutError' || UNAVAILABLE_TEXT.test(error.message)))

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

/** 422 where the database refuses the values themselves; `null` for everything else. */
export const refusedValues = (error: unknown, fieldNames: string[], sent: string[]): Problem | null => {
  const { code = '', column, detail = '' } = asDatabaseError(error)
  if (!/^(22|23|54000)/.test(code) && code !== '428C9') return null
  const keys = /^Key \(([^)]*)\)/.exec(detail)?.[1]?.split(', ') ?? []
  const field = [column, ...keys, sent.length === 1 ? sent[0] : undefined].find(
    (name) => name && fieldNames.includes(name),
  )
  return invalidProblem([{ field: field ?? '', message: MESSAGES[code] ?? 'is not a value that fits' }])
}

/** The problem document for an error that no operation expected. */
export const unexpectedProblem = (error: unknown): Problem =>
  problem(isUnavailable(error) ? 'unavailable' : 'internal')
