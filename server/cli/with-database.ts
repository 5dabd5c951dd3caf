// Opens the database that a command was pointed to, and closes it again.
import type { Knex } from 'knex'
import { olderLog } from '../../migrations/supported.ts'
import { isUnavailable } from '../db/errors.ts'
import { type Terminal, text, UnreachableError, UsageError, type Values } from './command.ts'
import { withRole } from './rights.ts'

/** Wrong password, unknown role, no such database, unknown host. */
const REFUSED = /^(28...|3D000|ENOTFOUND|EACCES)$/

/** Where the database is, without the password. */
const placeOf = (url: string) => {
  const { host, pathname } = URL.canParse(url) ? new URL(url) : { host: url, pathname: '' }
  return `${host}${pathname}`
}

const quiet = () => {}

/** Knex would write to standard output, which is the command's. */
const SILENT_LOG = { debug: quiet, warn: quiet, error: quiet, deprecate: quiet }

const openKnex = async (url: string): Promise<Knex> => {
  const { default: knex } = await import('knex').catch(() => {
    throw new UsageError('This command needs the packages knex and pg: npm install knex pg')
  })
  return knex({
    client: 'pg',
    connection: { connectionString: url, application_name: 'noclobber', connectionTimeoutMillis: 10_000 },
    pool: { min: 0, max: 3 },
    acquireConnectionTimeout: 10_000,
    log: SILENT_LOG,
  })
}

/** Runs `use` with the database. */
export const withDatabase = async <T>(
  { env }: Terminal,
  values: Values,
  use: (knex: Knex) => Promise<T>,
): Promise<T> => {
  const url = text(values, 'database') ?? env.DATABASE_URL
  if (!url) throw new UsageError('Say which database: --database postgres://… or DATABASE_URL.')
  const knex = await openKnex(url)
  try {
    const older = await olderLog(knex)
    if (older) throw new Error(older)
    return await use(knex)
  } catch (error) {
    if (!isUnavailable(error) && !REFUSED.test((error as { code?: string }).code ?? ''))
      throw await withRole(knex, error)
    throw new UnreachableError(`The database ${placeOf(url)} can't be reached: ${(error as Error).message}`)
  } finally {
    await knex.destroy()
  }
}
