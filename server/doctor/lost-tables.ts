// Tables that the log has changes of and that have no triggers any more: untracked, or made anew by a tool that owns the schema.
import type { Knex } from 'knex'
import type { Finding } from './finding.ts'

/** Each table of the log, by one look at the index for each; then those that stand there without triggers. */
const LOST = `
with recursive logged as (
  (select table_name from noclobber.record_changes order by table_name limit 1)
  union all
  select (select c.table_name from noclobber.record_changes c where c.table_name > l.table_name order by c.table_name limit 1)
  from logged l where l.table_name is not null
)
select l.table_name as source from logged l
join pg_class c join pg_namespace n on n.oid = c.relnamespace on n.nspname || '.' || c.relname = l.table_name
where c.relkind in ('r', 'p')
  and not exists (select from pg_trigger g where g.tgrelid = c.oid and starts_with(g.tgname, 'zz_noclobber_'))
order by 1`

/** A note for each that isn't among the named ones, whose finding is a problem. */
export const lostTableFindings = async (knex: Knex, named: string[]): Promise<Finding[]> => {
  const { rows } = await knex.raw(LOST)
  return rows
    .filter(({ source }: { source: string }) => !named.includes(source))
    .map(
      ({ source }: { source: string }): Finding => ({
        code: 'not_tracked',
        level: 'note',
        table: source,
        message: 'The log has changes of it, and it has no triggers: it was untracked, or made anew.',
        advice: `Made anew (Sequelize's sync({ force: true }), dropSchema, a restore)? Track it again: trackTable(knex, '${source}', …). Untracked? Then this goes when its changes are pruned.`,
      }),
    )
}
