// Explains missing rights with the role's name and a link: PostgreSQL names only the object.
import type { Knex } from 'knex'
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
