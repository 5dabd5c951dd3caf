// Puts back what a tool that owns the schema took from tracked tables: columns, triggers.
// Invariant: a version that was lost is the log's again, since no write passed the triggers without it, but not below the floor of the
// history, for the log may be older than the table; where the log doesn't reach back it is above all that were given. So no number
// stands for two contents. A table is tracked with the options that its own triggers have, none are made up.
import type { Knex } from 'knex'
import { lockTables } from '../../migrations/lock-tables.ts'
import type { OwnedColumn } from '../../migrations/owned-columns.ts'
import { asIs, quoteName, quoteTable, quoteText } from '../../migrations/quote.ts'
import { idText, keyColumns } from '../../migrations/record-key.ts'
import { trackTable } from '../../migrations/track-table.ts'
import type { FindingCode } from './finding.ts'
import { type ExaminedTable, tableFindings, trackedTables } from './tables.ts'
import { trackedOptions } from './tracking-options.ts'
import { lostOwned, ownedOf } from './triggers.ts'

/** What tracking a table again mends. */
const MENDED: FindingCode[] = ['column_missing', 'trigger_missing', 'trigger_altered', 'table_renamed']

/** What a history that begins now would count from is noted, for the next one begins above it. */
const loggedVersions = (source: string, written: string, key: string, { name, type }: OwnedColumn) => `
with fresh as (
  insert into noclobber.noted_floors values (noclobber.history_ms())
    returning noclobber.relation_floor(${type === 'integer'}, ms) as floor)
update ${quoteTable(written)} t set ${quoteName(name)} = greatest(
  noclobber.next_version(0, ${quoteText(quoteTable(written))}::regclass), coalesce((select pg_catalog.max(c.version) from noclobber.changes c
    where c.table_name = ${quoteText(source)} and c.record_id = ${idText('t', keyColumns(key))}), (select f.floor from fresh f)))`

const repairTable = async (knex: Knex, table: ExaminedTable): Promise<boolean> => {
  const { source, written, key, triggers } = table
  const options = trackedOptions(triggers)
  if (!options || !key) return false
  await knex.transaction(async (transaction) => {
    await lockTables(transaction, [written])
    const { version, updatedAt, updatedBy } = ownedOf(triggers)
    const lost = lostOwned(table)
    for (const column of [updatedAt, updatedBy])
      if (column && lost.includes(column.name))
        await transaction.raw(
          asIs(`alter table ${quoteTable(written)} add column ${quoteName(column.name)} ${column.type}`),
        )
    if (lost.includes(version.name)) {
      // Nothing that fires on a write works without the column.
      await transaction.raw(
        asIs(
          `alter table ${quoteTable(written)} disable trigger user, add column ${quoteName(version.name)} ${version.type}`,
        ),
      )
      await transaction.raw(asIs(loggedVersions(source, written, key, version)))
      await transaction.raw(asIs(`alter table ${quoteTable(written)} enable trigger user`))
    }
    await trackTable(transaction, written, options)
  })
  return true
}

/**
 * Tracks the tables again whose columns or triggers are not as they should be; gives their names.
 *
 * @throws what trackTable throws.
 */
export const repairTables = async (knex: Knex): Promise<string[]> => {
  const repaired: string[] = []
  for (const table of (await trackedTables(knex, [])).tables) {
    const findings = await tableFindings(knex, table, false)
    if (!findings.some(({ code }) => MENDED.includes(code))) continue
    if (await repairTable(knex, table)) repaired.push(table.source)
  }
  return repaired
}
