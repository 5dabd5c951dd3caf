// Lets a reader who is far behind take page after page of the log in the order of its numbers, without sorting all of
// it for each page. The rows lie in about that order anyway, so a block range index is enough: it costs a write nothing.
import type { Knex } from 'knex'

export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(
    'create index record_changes_seq on noclobber.record_changes using brin (seq) with (autosummarize = on)',
  )
}

export const down = async (knex: Knex): Promise<void> => {
  await knex.raw('drop index noclobber.record_changes_seq')
}
