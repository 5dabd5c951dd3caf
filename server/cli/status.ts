// `noclobber status`: what is there, in a glance; `doctor` says what is wrong with it.
import type { Knex } from 'knex'
import { STAMP_TRIGGER } from '../../migrations/track-table.ts'
import { trackedTables } from '../doctor-tables.ts'
import { COMMON, type Command, DATABASE, DATABASE_HELP, EXIT } from './command.ts'
import { withDatabase } from './with-database.ts'

const LOG = `
select noclobber.epoch() as epoch, pg_size_pretty(pg_total_relation_size('noclobber.record_changes')) as size,
  (select count(*)::int from (select from noclobber.record_changes limit 100000) c) as changes,
  (select c.updated_at from noclobber.record_changes c order by c.xid, c.seq limit 1) as oldest,
  (select c.updated_at from noclobber.record_changes c order by c.xid desc, c.seq desc limit 1) as newest,
  (select h.pruned_at from noclobber.log_horizon h) as pruned_at`

const statusOf = async (knex: Knex) => {
  const ready = await knex.raw(`select to_regclass('noclobber.log_horizon') is not null as ready`)
  if (!ready.rows[0].ready) return null
  const [log] = (await knex.raw(LOG)).rows
  const { tables } = await trackedTables(knex, [])
  return {
    log,
    tables: tables.map(({ source, key, triggers }) => ({
      table: source,
      key,
      tenant: triggers.find(({ name }) => name === STAMP_TRIGGER)?.args[1] || null,
      triggers: triggers.length,
    })),
  }
}

const ago = (at: Date | null) => (at ? at.toISOString().slice(0, 19).replace('T', ' ') : 'never')

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
      const many = log.changes === 100_000 ? '100000 and more' : log.changes
      terminal.out(`log      ${many} changes, ${log.size}, from ${ago(log.oldest)} to ${ago(log.newest)}`)
      terminal.out(`pruned   ${ago(log.pruned_at)}`)
      terminal.out(`epoch    ${log.epoch}`)
      for (const { table, key, tenant } of tables)
        terminal.out(`table    ${table}, key ${key}, ${tenant ? `tenant ${tenant}` : 'no tenant'}`)
      if (tables.length === 0) terminal.out('table    none is tracked. Next: npx noclobber track TABLE')
      return EXIT.done
    }),
}
