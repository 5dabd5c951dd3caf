// Which PostgreSQL there must be.
import type { Knex } from 'knex'

/** The oldest major version that the tests are run on. */
export const OLDEST_POSTGRES = 15

/** What is wrong with the database's version; `null` where it is new enough. */
export const tooOld = async (knex: Knex): Promise<string | null> => {
  const { rows } = await knex.raw(
    `select current_setting('server_version_num')::int as number, current_setting('server_version') as name`,
  )
  const [{ number, name }] = rows
  return number >= OLDEST_POSTGRES * 10_000
    ? null
    : `noclobber needs PostgreSQL ${OLDEST_POSTGRES} or later; this is ${name}.`
}
