// Opens the database that a command was pointed to, and closes it again.
import type { Knex } from 'knex'
import { olderLog } from '../../migrations/supported.ts'
import { seeAbout } from '../base/setup-error.ts'
import { isUnavailable } from '../db/errors.ts'
import { asKnex } from '../db/pg-as-knex.ts'
import { urlOfEnvFile } from '../setup/look-at-app.ts'
import { type Terminal, text, UnreachableError, UsageError, type Values } from './command.ts'
import { explained, withRole } from './rights.ts'

/** Wrong password, unknown role, no such database, unknown host. */
const REFUSED = /^(28...|3D000|ENOTFOUND|EACCES)$/

/** Where the database is, without the password. */
const placeOf = (url: string) => {
  const { host, pathname } = URL.canParse(url) ? new URL(url) : { host: url, pathname: '' }
  return `${host}${pathname}`
}

const openPool = async (url: string) => {
  const { default: pg } = await import('pg').catch(() => {
    throw new UsageError('This command needs the package pg: npm install pg')
  })
  const settings = { application_name: 'noclobber', connectionTimeoutMillis: 10_000, max: 3 }
  return new pg.Pool({ connectionString: url, ...settings })
}

/** `--database`, else `DATABASE_URL`, else that of the folder's `.env`, which is said. */
const databaseUrl = async ({ env, err }: Terminal, values: Values, folder: string) => {
  const url = text(values, 'database') || env.DATABASE_URL
  if (url) return url
  const ofFile = await urlOfEnvFile(folder)
  if (ofFile) err(`The database is DATABASE_URL of .env: ${placeOf(ofFile)}`)
  return ofFile
}

/** Runs `use` with the database. `folder`: whose `.env` counts. */
export const withDatabase = async <T>(
  terminal: Terminal,
  values: Values,
  use: (knex: Knex) => Promise<T>,
  folder = terminal.cwd,
): Promise<T> => {
  const url = await databaseUrl(terminal, values, folder)
  if (!url) throw new UsageError('Say which database: --database postgres://… or DATABASE_URL.')
  const pool = await openPool(url)
  const knex = asKnex(pool)
  try {
    const older = await olderLog(knex)
    if (older) throw new Error(`${older} ${seeAbout('log_too_old')}`)
    return await use(knex)
  } catch (error) {
    const sentence = explained(error)
    if (sentence) throw sentence
    if (!isUnavailable(error) && !REFUSED.test((error as { code?: string }).code ?? ''))
      throw await withRole(knex, error)
    throw new UnreachableError(`The database ${placeOf(url)} can't be reached: ${(error as Error).message}`)
  } finally {
    await pool.end()
  }
}
