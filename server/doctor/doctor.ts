// Checks a database: is the log installed, are the triggers intact, do versions and log agree, do notifications arrive?
// Invariant: it changes nothing, and each finding says what to do. A `problem` means that changes may be missed or saves
// refused; a `note` needs no action.
import type { Knex } from 'knex'
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
import { tablesByPatterns } from './table-patterns.ts'
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
  const refusal = await tooOld(knex)
  if (refusal)
    return { ok: false, findings: [problem('database_too_old', null, refusal, UPGRADE)], tables: [] }
  const standby = (await knex.raw('select pg_is_in_recovery() as standby')).rows[0].standby
  if (standby)
    return {
      ok: false,
      findings: [problem('standby', null, STANDBY, 'Nodes serve the primary alone.')],
      tables: [],
    }
  const installed = await installedFindings(knex)
  if (installed.some(isUnreadable) || !(await isReadable(knex)))
    return { ok: false, findings: installed, tables: [] }
  const named = await tablesByPatterns(knex, options.tables ?? [])
  const values = await tablesByPatterns(knex, options.values ?? [], { onlyThere: true })
  const { tables, missing } = await trackedTables(knex, named, values)
  const isCurrent = installed.every(({ code }) => code === 'log_of_superuser')
  const findings = [...installed, ...missing, ...(isCurrent && tables.length === 0 ? [NOTHING_TRACKED] : [])]
  for (const table of tables) findings.push(...(await tableFindings(knex, table, rows)))
  findings.push(
    ...(await lostTableFindings(
      knex,
      tables.map(({ source }) => source),
    )),
  )
  findings.push(...(await exposureFindings(knex)))
  findings.push(...(await logFindings(knex, retentionMs)))
  findings.push(...(await connectionFindings(knex, { listenMs, namedStatements })))
  return {
    ok: findings.every(({ level }) => level === 'note'),
    findings,
    tables: tables.map(({ source }) => source),
  }
}
