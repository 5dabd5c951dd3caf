// `noclobber status`: what is there, in a glance; `doctor` says what is wrong with it.
import type { Knex } from 'knex'
import { keyColumns } from '../../migrations/record-key.ts'
import { utcText } from '../db/iso-time.ts'
import { trackedTables } from '../doctor/tables.ts'
import { trackedOptions } from '../doctor/tracking-options.ts'
import { COMMON, type Command, DATABASE, DATABASE_HELP, EXIT } from './command.ts'
import { withDatabase } from './with-database.ts'

const LOG = `
select noclobber.epoch() as epoch, pg_size_pretty(pg_total_relation_size('noclobber.record_changes')) as size,
  (select count(*)::int from (select from noclobber.changes limit 100000) c) as changes,
  (select ${utcText('c.updated_at')} || 'Z' from noclobber.record_changes c order by c.xid, c.seq limit 1) as oldest,
  (select ${utcText('c.updated_at')} || 'Z' from noclobber.changes c order by c.xid desc, c.seq desc limit 1) as newest,
  (select ${utcText('h.pruned_at')} || 'Z' from noclobber.log_horizon h) as pruned_at`

const statusOf = async (knex: Knex) => {
  const ready = await knex.raw(`select to_regclass('noclobber.log_horizon') is not null as ready`)
  if (!ready.rows[0].ready) return null
  const [log] = (await knex.raw(LOG)).rows
  const { tables } = await trackedTables(knex, [])
  return {
    log,
    tables: tables.map(({ source, key, triggers }) => {
      const { tenant, lists, ignore, columns, history, partOf } = trackedOptions(triggers) ?? {}
      return {
        table: source,
        key: key && keyColumns(key).join(', '),
        tenant: tenant ?? null,
        lists: lists ?? [],
        ignore: ignore ?? [],
        columns: columns ?? {},
        history: history ?? 'fields',
        partOf: partOf ?? null,
        triggers: triggers.length,
      }
    }),
  }
}

/** In UTC. */
const ago = (at: string | null) => at?.slice(0, 19).replace('T', ' ') ?? 'never'

type Status = NonNullable<Awaited<ReturnType<typeof statusOf>>>

const logLine = ({ changes, size, oldest, newest }: Status['log']) => {
  if (changes === 0) return `empty, ${size}`
  return `${changes === 100_000 ? '100000 and more' : changes} changes, ${size}, from ${ago(oldest)} to ${ago(newest)}`
}

const tableLine = ({
  table,
  key,
  tenant,
  lists,
  ignore,
  columns,
  history,
  partOf,
}: Status['tables'][number]) =>
  [
    table,
    `key ${key}`,
    tenant ? `tenant ${tenant}` : 'no tenant',
    ...(lists.length > 0 ? [`lists by ${lists.join(' and ')}`] : []),
    ...(ignore.length > 0 ? [`ignores ${ignore.join(' and ')}`] : []),
    ...Object.entries(columns).map(([what, name]) => `${what} ${name === null ? 'nowhere' : `in ${name}`}`),
    ...(history === 'values' ? ['history of values'] : []),
    ...(partOf ? [`part of ${partOf.table} by ${[partOf.column].flat().join(' and ')}`] : []),
  ].join(', ')

export const status: Command = {
  name: 'status',
  usage: '',
  summary: 'show the change log and the tracked tables',
  help: [DATABASE_HELP],
  options: { ...COMMON, ...DATABASE },
  run: (terminal, values) =>
    withDatabase(terminal, values, async (knex) => {
      const found = await statusOf(knex)
      if (values.json) {
        terminal.out(JSON.stringify(found ?? { log: null, tables: [] }))
        return found ? EXIT.done : EXIT.refused
      }
      if (!found) {
        terminal.out('The change log is not there yet. Next: npx noclobber init')
        return EXIT.refused
      }
      const { log, tables } = found
      terminal.out(`log      ${logLine(log)}`)
      terminal.out(`pruned   ${ago(log.pruned_at)}`)
      terminal.out(`epoch    ${log.epoch}`)
      for (const table of tables) terminal.out(`table    ${tableLine(table)}`)
      if (tables.length === 0) terminal.out('table    none is tracked. Next: npx noclobber track TABLE')
      return EXIT.done
    }),
}
