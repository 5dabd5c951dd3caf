// What PostgreSQL said to a command, as a sentence with what to do: a right is missing, a setting ended a statement or forbids writing,
// somebody holds a lock, the change log isn't as this version makes it. Invariant: a code alone is never all that an operator reads.
import type { Knex } from 'knex'
import { isUnusable } from '../db/lineage.ts'
import { MANUAL, NEEDED } from '../db/role-rights.ts'

const LACKS_RIGHTS = '42501'

/** A message names what it is about, in whatever language it is. */
const OF_LOG = new RegExp(
  `\\b(${['noclobber', 'noclobber_migrations', ...Object.keys(NEEDED)].join('|')})\\b`,
)

/** The error with the role's name; any other error unchanged. */
export const withRole = async (knex: Knex, error: unknown): Promise<unknown> => {
  if (!(error instanceof Error) || (error as { code?: string }).code !== LACKS_RIGHTS) return error
  const asked = await knex.raw('select current_user as role').catch(() => null)
  if (!asked) return error
  const { role } = asked.rows[0]
  // Knex writes the statement before PostgreSQL's own message.
  const message = error.message.split(' - ').at(-1) as string
  return new Error(
    OF_LOG.test(message)
      ? `Role ${role} lacks rights on schema noclobber: ${message}. The GRANTs are in ${MANUAL}.`
      : `Role ${role} may not do this: ${message}.`,
    { cause: error },
  )
}

/** By code: what it means, and what to do. */
const SENTENCES: Record<string, string> = {
  '57014':
    'A statement was ended before it was done, as by statement_timeout. Give this role more time (alter role … set statement_timeout = 0), or run it when less is going on.',
  '55P03':
    'Somebody holds a lock that this needs, for longer than lock_timeout lets it wait. End what holds it, or give this role more time (alter role … set lock_timeout = 0).',
  '25006':
    'This session may not write: default_transaction_read_only is on for the role or the database, or it is a standby. Reset it, or run this on the primary.',
  '25P03':
    'PostgreSQL ended the session, as by idle_in_transaction_session_timeout. Give this role more time, and run it again.',
  '40001': 'Others wrote the same at the same time. Run it again.',
  '40P01': 'Others wrote the same at the same time. Run it again.',
}

/** No such table, schema, column, function or parameter. */
const MISSING = new Set(['42P01', '3F000', '42703', '42883', '42P13', '42704'])

const NOT_AS_MADE =
  "The change log isn't as this version makes it: it is of an older or newer one, or part of it was dropped. Run: npx noclobber doctor."

/** The error as a sentence; `null` where PostgreSQL's own says it. */
export const explained = (error: unknown): Error | null => {
  if (!(error instanceof Error)) return null
  const { code = '' } = error as { code?: string }
  // Knex writes the statement before PostgreSQL's own message.
  const message = error.message.split(' - ').at(-1) as string
  if (isUnusable(error)) return null
  const sentence = SENTENCES[code] ?? (MISSING.has(code) ? NOT_AS_MADE : undefined)
  return sentence === undefined
    ? null
    : new Error(`${sentence} PostgreSQL says: ${message}.`, { cause: error })
}
