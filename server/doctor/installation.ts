// Checks what `migrate` installs: is it there, of this version, and as the migrations made it?
import type { Knex } from 'knex'
import { migrationSource } from '../../migrations/index.ts'
import { ANEW, differenceOf, installedBy, lacking } from '../../migrations/installed.ts'
import { asIs, quoteTable } from '../../migrations/quote.ts'
import { OLDER, olderLog } from '../../migrations/supported.ts'
import { groupBy } from '../base/groups.ts'
import { type Finding, named, problem } from './finding.ts'

const HAS_LOG = `
select to_regclass('noclobber.record_changes') is not null as log, to_regclass(?) is not null as migrations`

const NO_LOG = problem(
  'no_log',
  null,
  'The change log is not there.',
  'Run: npx noclobber init, which writes a migration; or call migrate(knex) of noclobber/migrations at the start of the server.',
)

const SUPERUSER = `
select (select r.rolname from pg_namespace n join pg_roles r on r.oid = n.nspowner
  where n.nspname = 'noclobber' and r.rolsuper) as owner`

const REPAIR =
  'Run: npx noclobber doctor --repair, or call migrate(knex, { repair: true }): it puts back what the migrations made.'

/** Which of our migrations were not run here, and which of those that were run are not ours yet. */
const migrationsApart = async (knex: Knex, table: string) => {
  const { rows } = await knex.raw(asIs(`select name from ${quoteTable(table)} order by id`))
  const run: string[] = rows.map(({ name }: { name: string }) => name)
  const ours = await migrationSource.getMigrations([])
  return {
    missing: ours.filter((name) => !run.includes(name)),
    newer: run.filter((name) => !ours.includes(name)),
  }
}

/** A finding that leaves the further checks nothing to read: a table or a column of the log isn't there. */
export const isUnreadable = ({ code, message }: Finding): boolean =>
  code === 'log_altered' && message.startsWith(lacking([]).slice(0, -1))

/**
 * What is wrong with the log's tables, indexes and functions. Behind a `no_log` there is nothing more to look at.
 *
 * @param migrations The table of the migrations that were run.
 */
export const installedFindings = async (knex: Knex, migrations: string): Promise<Finding[]> => {
  const [has] = (await knex.raw(HAS_LOG, [quoteTable(migrations)])).rows
  if (!has.log) return [NO_LOG]
  if (await olderLog(knex)) return [problem('log_too_old', null, OLDER.message, OLDER.advice)]
  const { missing, newer } = has.migrations
    ? await migrationsApart(knex, migrations)
    : { missing: [], newer: [] }
  if (newer.length > 0)
    return [
      {
        code: 'log_newer',
        level: 'note',
        table: null,
        message: `The change log is of a newer noclobber: ${newer.join(', ')}. Its functions were not compared.`,
        advice: 'Ask the doctor of that version; bring this installation up to it.',
      },
    ]
  if (missing.length > 0)
    return [
      problem(
        'log_outdated',
        null,
        `The change log is of an older noclobber: ${missing.join(', ')} has not been run.`,
        'Call migrate(knex) of noclobber/migrations.',
      ),
    ]
  const { functions, madeForTables, indexes, columns, withoutIdentity, open } = await differenceOf(
    knex,
    await installedBy(migrationSource),
  )
  const findings: Finding[] = []
  if (columns.length > 0) findings.push(problem('log_altered', null, lacking(columns), ANEW))
  const altered = [
    ...[...functions.map(({ name }) => name), ...madeForTables].map((name) => `function noclobber.${name}`),
    ...indexes.map(({ name }) => `index noclobber.${name}`),
  ]
  if (altered.length > 0)
    findings.push(
      problem(
        'log_altered',
        null,
        `Missing, or not as the migrations made them: ${altered.join(', ')}.`,
        REPAIR,
      ),
    )
  if (withoutIdentity.length > 0)
    findings.push(
      problem(
        'log_altered',
        null,
        `Tables without a replica identity: ${withoutIdentity.map((name) => `noclobber.${name}`).join(', ')}. A publication FOR ALL TABLES then keeps the log from being pruned.`,
        REPAIR,
      ),
    )
  const ways = [...groupBy(open, ({ how }) => how)].map(
    ([how, found]) => `${named(found.map(({ name }) => name))} ${how}`,
  )
  if (open.length > 0)
    findings.push(
      problem(
        'log_open',
        null,
        `Rights in the log's schema differ from what the migrations set: ${ways.join('; ')}.`,
        REPAIR,
      ),
    )
  const [{ owner }] = (await knex.raw(SUPERUSER)).rows
  if (owner)
    findings.push({
      code: 'log_of_superuser',
      level: 'note',
      table: null,
      message: `The change log belongs to ${owner}, a superuser: its functions run with a superuser's rights.`,
      advice: `Give it to an ordinary role that owns the tracked tables: alter schema noclobber owner to that role, then migrate(knex, { repair: true }) as ${owner}, and from then on migrate as that role. See docs/operating.md, "Rights of the migrations' role".`,
    })
  return findings
}
