// Checks a database: is the log installed, are the triggers intact, do versions and log agree, do notifications arrive?
// Invariant: it changes nothing, and each finding says what to do. A `problem` means that changes may be missed or saves
// refused; a `note` needs no action.
import type { Knex } from 'knex'
import { meantBy } from '../../migrations/sql.ts'
import { tooOld } from '../../migrations/supported.ts'
import { RETENTION_MS } from '../base/options.ts'
import { STANDBY } from '../db/lineage.ts'
import { asKnex, type Sql } from '../db/pg-as-knex.ts'
import { connectionFindings } from './connection.ts'
import { exposureFindings } from './exposure.ts'
import { type Finding, problem } from './finding.ts'
import { installedFindings, isUnreadable } from './installation.ts'
import { logFindings } from './log.ts'
import { lostTableFindings } from './lost-tables.ts'
import { byOwnPath, schemasOf } from './own-path.ts'
import { isPattern, tablesByPatterns } from './table-patterns.ts'
import { tableFindings, trackedTables } from './tables.ts'

/** What {@link doctor} found. */
export interface Diagnosis {
  /** No problems; there may be notes. */
  ok: boolean
  /** Problems and notes, each with what to do. */
  findings: Finding[]
  /** The tracked tables that were looked at. */
  tables: string[]
}

/** What {@link doctor} takes. */
export interface DoctorOptions {
  /**
   * Tables that must be tracked, as `defineRecordType` names them; `tenant_%.projects` is that of each schema whose name fits. Whatever
   * has our triggers is looked at anyway.
   */
  tables?: string[]
  /** Of these, the tables of types with `history: 'values'`. */
  values?: string[]
  /** Compare every row's version with the log: reads whole tables. Turn off for a readiness page. Default `true`. */
  rows?: boolean
  /** The server's own `limits.retentionMs`. Default 30 days. */
  retentionMs?: number
  /** How long a notification may take, in milliseconds. Default 3,000. */
  listenMs?: number
  /** Whether the server uses named statements. Default `true`. */
  namedStatements?: boolean
}

const UPGRADE = 'Upgrade PostgreSQL, by pg_upgrade or by a dump and a restore.'

const NOTHING_TRACKED: Finding = {
  code: 'nothing_tracked',
  level: 'note',
  table: null,
  message: 'No table is tracked: nothing has versions, and no change is logged.',
  advice:
    "Call trackTable(knex, 'projects') in a migration, or run: npx noclobber track projects. See that this is the database of your servers.",
}

/** The log has the columns that the checks read. */
const isReadable = async (knex: Knex): Promise<boolean> =>
  (
    await knex.raw(
      `select to_regclass('noclobber.log_horizon') is not null and to_regclass('noclobber.batched_changes') is not null as ready`,
    )
  ).rows[0].ready

/** What is found within one transaction; `isOver` where there is nothing more to look at. */
interface Examined {
  findings: Finding[]
  tables: string[]
  isOver: boolean
}

const over = (...findings: Finding[]): Examined => ({ findings, tables: [], isOver: true })

interface Asked {
  rows: boolean
  retentionMs: number
  /** Tables, as {@link DoctorOptions} has them. */
  named: string[]
  values: string[]
  /** Of the caller's search path. */
  schemas: string[]
  migrations: string
}

const examine = async (knex: Knex, asked: Asked): Promise<Examined> => {
  const refusal = await tooOld(knex)
  if (refusal) return over(problem('database_too_old', null, refusal, UPGRADE))
  const standby = (await knex.raw('select pg_is_in_recovery() as standby')).rows[0].standby
  if (standby) return over(problem('standby', null, STANDBY, 'Nodes serve the primary alone.'))
  const installed = await installedFindings(knex, asked.migrations)
  if (installed.some(isUnreadable) || !(await isReadable(knex))) return over(...installed)
  const named = await tablesByPatterns(knex, asked.named)
  const values = await tablesByPatterns(knex, asked.values, { onlyThere: true })
  const { tables, missing } = await trackedTables(knex, named, values)
  const isCurrent = installed.every(({ code }) => code === 'log_of_superuser')
  const findings = [...installed, ...missing, ...(isCurrent && tables.length === 0 ? [NOTHING_TRACKED] : [])]
  for (const table of tables) findings.push(...(await tableFindings(knex, table, asked.rows)))
  const sources = tables.map(({ source }) => source)
  findings.push(...(await lostTableFindings(knex, sources)))
  findings.push(...(await exposureFindings(knex, asked.schemas)))
  findings.push(...(await logFindings(knex, asked.retentionMs)))
  return { findings, tables: sources, isOver: false }
}

const allMeant = (knex: Knex, names: string[] = []): Promise<string[]> =>
  Promise.all(names.map((name) => (isPattern(name) ? name : meantBy(knex, name))))

/**
 * Checks a database.
 *
 * @throws what pg throws where the database can't be reached.
 * @example
 * const { ok, findings } = await doctor(knex, { tables: ['projects'], rows: false })
 * response.status(ok ? 200 : 503).json(findings)
 */
export const doctor = async (sql: Sql, options: DoctorOptions = {}): Promise<Diagnosis> => {
  const knex = asKnex(sql)
  const { rows = true, retentionMs = RETENTION_MS, listenMs = 3_000, namedStatements = true } = options
  const asked: Asked = {
    rows,
    retentionMs,
    named: await allMeant(knex, options.tables),
    values: await allMeant(knex, options.values),
    schemas: await schemasOf(knex),
    migrations: await meantBy(knex, 'noclobber_migrations'),
  }
  const { findings, tables, isOver } = await byOwnPath(knex, (own) => examine(own, asked))
  if (!isOver) findings.push(...(await connectionFindings(knex, { listenMs, namedStatements })))
  return { ok: !isOver && findings.every(({ level }) => level === 'note'), findings, tables }
}
