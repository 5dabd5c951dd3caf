// What a role may not do, said with its name and where to read on: PostgreSQL names only the thing.
import type { Knex } from 'knex'

const LACKS_RIGHTS = '42501'

/** Whose it is that the role may not use: its name stands in the message, in whatever language that is. */
const LACK = `
select current_user as role, exists (
  select from pg_namespace n where n.nspname = 'noclobber' and (not has_schema_privilege(n.oid, 'usage')
    or exists (select from pg_class c where (c.relnamespace = n.oid or c.relname = 'noclobber_migrations')
      and ?::text ~ concat('\\m', c.relname, '\\M')))
) as of_log`

/** Knex writes the statement before PostgreSQL's own message. */
const ownMessage = (error: Error) => error.message.split(' - ').at(-1) as string

/** The error as it is told; any other as it came. */
export const withRole = async (knex: Knex, error: unknown): Promise<unknown> => {
  if (!(error instanceof Error) || (error as { code?: string }).code !== LACKS_RIGHTS) return error
  const message = ownMessage(error)
  const asked = await knex.raw(LACK, [message]).catch(() => null)
  if (!asked) return error
  const { role, of_log } = asked.rows[0]
  return new Error(
    of_log
      ? `Role ${role} lacks rights on schema noclobber: ${message}. The GRANTs are in docs/operating.md, "Rights of the server's role".`
      : `Role ${role} may not do this: ${message}.`,
    { cause: error },
  )
}
